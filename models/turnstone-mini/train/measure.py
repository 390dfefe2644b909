"""Scores a model folder on labelled JSON lines ("text", "label", optional "also_ok", optional "source").

    python measure.py ../ FILE.jsonl [--json]
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertForSequenceClassification

from corpus.labels import LABELS
from rule import VERSION, seen_by_model

THRESHOLD = 0.75


def prepared(folder: str, texts: list[str]) -> list[str]:
    """What the engine tokenises, by the folder's turnstone.json: at most 512 characters of the text or of its template."""
    described = json.loads((Path(folder) / "turnstone.json").read_text())
    if described["normalise"] == "template":
        if described["template_version"] != VERSION:
            raise SystemExit(f"{folder} was trained for templates of version {described['template_version']}, the rule here is {VERSION}")
        return seen_by_model(texts)
    return [text[:512] for text in texts]


def predict(model, tokenizer: Tokenizer, texts: list[str], token_budget: int = 4096) -> np.ndarray:
    """Logits of all texts as the engine would tokenise them, batched by length; at most 512 tokens."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    encoded = [e.ids for e in tokenizer.encode_batch(texts)]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
    logits = np.zeros((len(texts), len(LABELS)), dtype=np.float32)
    start, device = 0, next(model.parameters()).device
    while start < len(order):
        end = start
        while end < len(order) and (end == start or (end - start + 1) * len(encoded[order[end]]) <= token_budget):
            end += 1
        rows = order[start:end]
        width = len(encoded[rows[-1]])
        ids = torch.tensor([encoded[i] + [0] * (width - len(encoded[i])) for i in rows])
        mask = torch.tensor([[1] * len(encoded[i]) + [0] * (width - len(encoded[i])) for i in rows])
        with torch.inference_mode():
            logits[rows] = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits.float().cpu().numpy()
        start = end
    return logits


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise softmax."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def figures(rows: list[dict], probabilities: np.ndarray) -> dict:
    """Two-way figures at the winning class and at the threshold, seven-way figures with also_ok."""
    truth = np.array([LABELS.index(r["label"]) for r in rows])
    guess, score = probabilities.argmax(1), probabilities.max(1)
    right = np.array([LABELS[g] == r["label"] or LABELS[g] in r.get("also_ok", []) for g, r in zip(guess, rows)])
    # An answer that also_ok allows counts as the line's own label.
    judged = np.where(right, truth, guess)
    bad, flagged, detected = truth != 0, guess != 0, (guess != 0) & (score >= THRESHOLD)

    def two_way(flag):
        hit = (flag & bad).sum()
        precision, recall = hit / max(flag.sum(), 1), hit / max(bad.sum(), 1)
        return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(precision + recall, 1e-9)}

    per_class = {}
    for i, label in enumerate(LABELS):
        if not (truth == i).any():
            continue
        hit = ((judged == i) & (truth == i)).sum()
        precision, recall = hit / max((judged == i).sum(), 1), hit / (truth == i).sum()
        per_class[label] = {"lines": int((truth == i).sum()), "precision": precision, "recall": recall, "f1": 2 * precision * recall / max(precision + recall, 1e-9)}
    edges = np.linspace(0, 1, 11)
    error = 0.0
    for low, high in zip(edges, edges[1:]):
        inside = (score > low) & (score <= high)
        if inside.any():
            error += inside.mean() * abs(score[inside].mean() - right[inside].mean())
    normal = max((~bad).sum(), 1)
    return {
        "lines": len(rows),
        "two_way_winner": two_way(flagged),
        "two_way_threshold": two_way(detected),
        "false_detection_rate_threshold": (detected & ~bad).sum() / normal,
        "false_detection_rate_winner": (flagged & ~bad).sum() / normal,
        "accuracy_seven": right.mean(),
        "macro_f1": float(np.mean([c["f1"] for c in per_class.values()])),
        "macro_recall": float(np.mean([c["recall"] for c in per_class.values()])),
        "calibration_error": error,
        "per_class": per_class,
    }


def show(name: str, result: dict) -> None:
    """Prints the figures of one group of lines."""
    two, at = result["two_way_winner"], result["two_way_threshold"]
    print(f"{name}: {result['lines']} lines, two-way F1 {two['f1']:.3f} (P {two['precision']:.3f} R {two['recall']:.3f}), "
          f"at {THRESHOLD} F1 {at['f1']:.3f} (P {at['precision']:.3f} R {at['recall']:.3f}), "
          f"false detections {result['false_detection_rate_threshold']:.2%} of NORMAL, "
          f"macro F1 {result['macro_f1']:.3f}, macro recall {result['macro_recall']:.3f}, calibration error {result['calibration_error']:.3f}")
    for label, c in result["per_class"].items():
        print(f"    {label:18} {c['lines']:6} lines  P {c['precision']:.3f}  R {c['recall']:.3f}  F1 {c['f1']:.3f}")


def plain(value):
    """numpy numbers as Python's, for JSON."""
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else (round(float(value), 4) if isinstance(value, (float, np.floating)) else int(value))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="model folder")
    parser.add_argument("file")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--by-source", action="store_true", help="figures of every source apart")
    options = parser.parse_args()
    rows = [json.loads(line) for line in open(options.file, encoding="utf-8")]
    model = BertForSequenceClassification.from_pretrained(options.model, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(f"{options.model}/tokenizer.json")
    probabilities = softmax(predict(model, tokenizer, prepared(options.model, [r["text"] for r in rows])))
    groups = defaultdict(list)
    for i, row in enumerate(rows):
        groups["all"].append(i)
        if "source" in row:
            groups[row["source"].split("/")[0]].append(i)
            if options.by_source:
                groups[row["source"]].append(i)
    results = {name: figures([rows[i] for i in at], probabilities[at]) for name, at in groups.items()}
    if options.json:
        print(json.dumps({n: plain(r) for n, r in results.items()}, indent=1))
    else:
        for name, result in results.items():
            show(name, result)


if __name__ == "__main__":
    main()
