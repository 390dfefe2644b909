#!/usr/bin/env python3
"""Writes tiny TorchScript classifiers, whose architecture is no family of ours, and what they answer.

Run in this folder with torch 2.11: python3 make.py
"""

import json
import zipfile
from pathlib import Path
from typing import Dict, Tuple

import torch

HERE = Path(__file__).parent
CLASSES = 3
VOCABULARY = 80


class Bag(torch.nn.Module):
    """The mean of the tokens' vectors that the mask keeps, through a linear layer."""

    def __init__(self):
        super().__init__()
        self.vectors = torch.nn.Embedding(VOCABULARY, 8)
        self.dropout = torch.nn.Dropout(0.5)
        self.classifier = torch.nn.Linear(8, CLASSES)

    def pooled(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        kept = attention_mask.unsqueeze(-1).to(self.vectors.weight.dtype)
        mean = (self.vectors(input_ids) * kept).sum(1) / kept.sum(1)
        return self.classifier(self.dropout(mean))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.pooled(input_ids, attention_mask)


class InTuple(Bag):
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        return self.pooled(input_ids, attention_mask), input_ids


class InDictionary(Bag):
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Dict[str, torch.Tensor]:
        return {"hidden": input_ids, "logits": self.pooled(input_ids, attention_mask)}


class NoLogits(Bag):
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return attention_mask.sum()


def drop_source_places(path):
    """Removes what only error messages need: the source and the folder that each line of code came from."""
    with zipfile.ZipFile(path) as archive:
        kept = [(entry, archive.read(entry)) for entry in archive.infolist() if not entry.filename.endswith(".debug_pkl")]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for entry, data in kept:
            archive.writestr(zipfile.ZipInfo(entry.filename), data)


def main():
    torch.manual_seed(3)
    bag = Bag()
    for name, kind in [("tensor", Bag), ("tuple", InTuple), ("dictionary", InDictionary), ("no-logits", NoLogits)]:
        module = kind()
        module.load_state_dict(bag.state_dict())
        # Left in training mode: whoever loads it has to switch the dropout off.
        path = HERE / f"{name}.torchscript"
        torch.jit.save(torch.jit.script(module), str(path))
        drop_source_places(path)
    bag.eval()
    # The ids that the letters of the tests' tiny tokenizer give to "a b", "", "ab" and "z 9 a b c".
    rows = [[2, 4, 5, 3], [2, 3], [2, 4, 41, 3], [2, 29, 39, 4, 5, 6, 3]]
    logits = [bag(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.int64))[0].tolist() for row in rows]
    expected = {"made_with": f"torch {torch.__version__}", "rows": rows, "logits": logits}
    (HERE / "expected.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
