"""Tunes a model folder on one's own labelled lines and writes another folder.

    python tune.py ../ VERDICTS.jsonl --out MY-MODEL

A line of the file is an object with "text" (the log line as it is stored) and "label" (one of the seven). One line in ten is kept apart
for the figures. The same number of lines of the project's corpus is mixed in, so that the model does not forget the rest.
"""

import argparse
import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertForSequenceClassification

from corpus.labels import LABELS
from data import Draw, draw
from fit import Recipe, fit
from folder import write_folder
from measure import figures, prepared, predict, show, softmax


def labelled(path: Path) -> list[dict]:
    """The rows of a file; a bad one ends the program and is named."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            if row["label"] not in LABELS or not isinstance(row["text"], str):
                raise ValueError(f"label {row['label']!r} is none of {', '.join(LABELS)}, or text is no text")
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"{path}:{number}: {error!r}")
        rows.append(row)
    if len(rows) < 20:
        raise SystemExit(f"{path}: {len(rows)} lines are too few to learn from, 20 is the least")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model folder to start from")
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, help="passes over the lines; at least 3 and 200 steps unless given")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--work", type=Path, default=Path("work"))
    options = parser.parse_args()
    if options.out.exists():
        raise SystemExit(f"{options.out} is there already")

    rows = labelled(options.file)
    for row, text in zip(rows, prepared(options.model, [row["text"] for row in rows])):
        row["seen"] = text
    random.Random(options.seed).shuffle(rows)
    # By template, so that none of a line's twins is trained on.
    templates = sorted({row["seen"] for row in rows})
    apart = set(random.Random(options.seed).sample(templates, -(-len(templates) // 10)))
    test, train = [row for row in rows if row["seen"] in apart], [row for row in rows if row["seen"] not in apart]

    model = BertForSequenceClassification.from_pretrained(options.model, dtype=torch.float32, attn_implementation="sdpa")
    tokenizer_json = Path(options.model, "tokenizer.json").read_text(encoding="utf-8")
    tokenizer = Tokenizer.from_str(tokenizer_json)
    recipe = Recipe(rate=options.rate, average=0.98)
    draws = []
    for epoch in range(options.epochs or max(3, -(-200 * recipe.batch // (2 * len(train))))):
        # A draw takes seconds and gives thousands of lines; a few draws are enough for any number of passes.
        corpus = draw(options.seed + epoch) if epoch < 3 else corpus
        some = random.Random(epoch).sample(range(len(corpus)), min(len(train), len(corpus)))
        draws.append(Draw([row["seen"] for row in train] + [corpus.texts[n] for n in some], [LABELS.index(row["label"]) for row in train] + [corpus.truth[n] for n in some]))

    def report(name: str, of) -> None:
        show(name, figures(test, softmax(predict(of, tokenizer, [row["seen"] for row in test]))))

    report(f"{len(test)} lines kept apart, before", model.eval())
    tuned = fit("tuned", model, tokenizer, draws, recipe, options.seed, options.work)
    report("the same, tuned", tuned)
    write_folder(options.out, tuned, tokenizer_json)


if __name__ == "__main__":
    main()
