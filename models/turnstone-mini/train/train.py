"""Trains turnstone-mini from the generated corpus and writes the model folder.

    pip install -r requirements.txt && python train.py --out ..

Seeded; CPU only; whole programs are held out for validation and for the temperature.
"""

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from corpus import Line, generate
from corpus.labels import LABELS
from encoder import package_folder, prune_vocabulary, small_model
from measure import figures, plain, predict, show, softmax
from rule import VERSION, seen_by_model


def normalised(lines) -> list:
    """The lines as the model sees them, each template once. Where labels differ the commonest wins; a tie teaches nothing."""
    votes = {}
    texts = seen_by_model([line.text for line in lines])
    for line, text in zip(lines, texts):
        votes.setdefault(text, Counter())[line.label] += 1
    result, done = [], set()
    for line, text in zip(lines, texts):
        ranked = votes[text].most_common(2)
        if text in done or len(ranked) == 2 and ranked[0][1] == ranked[1][1]:
            continue
        done.add(text)
        result.append(Line(text, ranked[0][0], line.program))
    return result


def batches(rng, encoded: list[list[int]], lines: int):
    """Row numbers in batches of like length, the batches in random order."""
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]) + rng.random() * 4)
    groups = [order[i : i + lines] for i in range(0, len(order), lines)]
    rng.shuffle(groups)
    return groups


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the least negative log likelihood, by a plain grid."""
    grid = np.exp(np.linspace(np.log(0.5), np.log(5.0), 120))
    return float(min(grid, key=lambda t: -np.log(softmax(logits / t)[np.arange(len(truth)), truth] + 1e-9).mean()))


def write_folder(out: Path, model, tokenizer_json: str) -> None:
    """Writes the folder in HuggingFace layout, weights as f16."""
    out.mkdir(parents=True, exist_ok=True)
    config = model.config
    config.dtype = "float16"
    described = {k: v for k, v in config.to_diff_dict().items() if not k.startswith("_")}
    # Written out even where equal to the library's default, so that other engines need no defaults.
    for key in ("hidden_act", "layer_norm_eps", "max_position_embeddings", "num_attention_heads", "pad_token_id", "type_vocab_size", "vocab_size", "position_embedding_type"):
        described[key] = getattr(config, key)
    (out / "config.json").write_text(json.dumps(described, indent=2, sort_keys=True) + "\n")
    (out / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    special = {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    (out / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    (out / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "BertTokenizer", **special}, indent=2) + "\n")
    (out / "turnstone.json").write_text(json.dumps({"format": 1, "normalise": "template", "template_version": VERSION}) + "\n")
    tensors = {name: value.detach().half().contiguous() for name, value in model.state_dict().items() if "position_ids" not in name}
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    # safetensors creates the file for its owner only; services run as other users.
    (out / "model.safetensors").chmod(0o644)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", default="0,1,2", help="encoder layers to keep")
    parser.add_argument("--words", type=int, default=800, help="commonest English words kept beside those of the corpus")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--per-shape", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=64, help="training lines are cut to this many tokens")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--normal-weight", type=float, default=1.4, help="weight of NORMAL in the loss")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=0, help="end the learning rate schedule at this wall time; 0 = by epochs (reproducible)")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    source = package_folder()
    epochs = [normalised(generate(options.seed + n, options.per_shape)) for n in range(options.epochs)]
    validation = normalised(generate(options.seed + 99, 4, held_out=True))
    tokenizer_json, kept = prune_vocabulary(source, [line.text for lines in epochs for line in lines], options.words)
    tokenizer = Tokenizer.from_str(tokenizer_json)
    model = small_model(source, [int(n) for n in options.layers.split(",")], kept, dropout=0.1)
    size = sum(p.numel() for p in model.parameters())
    print(f"{len(epochs[0])} lines an epoch, {len(validation)} held out, {len(kept)} tokens, {size / 1e6:.2f} M weights", flush=True)

    counts = np.bincount([LABELS.index(line.label) for line in epochs[0]], minlength=len(LABELS))
    weight = torch.tensor((counts.mean() / counts) ** 0.3, dtype=torch.float32)
    # Real logs are nearly all NORMAL and a false detection costs a person's time.
    weight[0] = options.normal_weight
    groups = [
        {"params": [p for n, p in model.named_parameters() if n.startswith("bert.embeddings")], "lr": options.rate * 0.5},
        {"params": [p for n, p in model.named_parameters() if n.startswith("bert.") and "embeddings" not in n], "lr": options.rate},
        {"params": model.classifier.parameters(), "lr": options.rate * 4},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.02)
    base = [group["lr"] for group in groups]
    loss_of = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=0.03)
    steps = sum(-(-len(lines) // options.batch) for lines in epochs)
    started, step, running = time.time(), 0, 0.0
    model.train()
    for number, lines in enumerate(epochs):
        tokenizer.no_padding()
        tokenizer.enable_truncation(options.tokens)
        encoded = [e.ids for e in tokenizer.encode_batch([line.text for line in lines])]
        truth = [LABELS.index(line.label) for line in lines]
        for rows in batches(rng, encoded, options.batch):
            done = step / steps
            if options.minutes:
                done = max(done, (time.time() - started) / 60 / options.minutes)
                if done >= 1:
                    break
            for group, rate in zip(optimiser.param_groups, base):
                group["lr"] = rate * min(1.0, (step + 1) / 40) * (1 - done)
            width = max(len(encoded[i]) for i in rows)
            ids = torch.tensor([encoded[i] + [0] * (width - len(encoded[i])) for i in rows])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(input_ids=ids, attention_mask=(ids != 0).long()).logits
            loss = loss_of(logits.float(), torch.tensor([truth[i] for i in rows]))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            running += (loss.item() - running) / min(step, 30)
            if step % 25 == 0:
                print(f"epoch {number + 1} step {step}/{steps} loss {running:.3f} {(time.time() - started) / step:.2f} s/step", flush=True)
    model.eval()

    # Real logs are mostly of programs that the corpus knows, so the scores are fitted on as many new templates of
    # trained programs as on templates of held-out ones: the latter alone make the model too modest everywhere else.
    trained = {line.text for lines in epochs for line in lines}
    fresh = [line for line in normalised(generate(options.seed + 98, options.per_shape)) if line.text not in trained]
    random.Random(options.seed).shuffle(fresh)
    calibration = validation + fresh[: len(validation)]
    logits = predict(model, tokenizer, [line.text for line in calibration])
    temperature = fit_temperature(logits, np.array([LABELS.index(line.label) for line in calibration]))
    rows = [{"text": line.text, "label": line.label} for line in validation]
    logits = logits[: len(rows)]
    with torch.no_grad():
        model.classifier.weight /= temperature
        model.classifier.bias /= temperature
    result = figures(rows, softmax(logits / temperature))
    print(f"temperature {temperature:.3f}, {time.time() - started:.0f} s of training, {step} steps")
    show("held-out programs", result)
    write_folder(options.out, model, tokenizer_json)
    (options.out / "train" / "held_out.json").parent.mkdir(exist_ok=True)
    (options.out / "train" / "held_out.json").write_text(json.dumps({"temperature": round(temperature, 4), "steps": step, "seed": options.seed, **plain(result)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
