"""What training sees: drawn lines as templates, tokens, batches of like length, and what is done to them on the way."""

import random
from collections import Counter
from dataclasses import dataclass

from tokenizers import Tokenizer

from corpus import Line, generate
from corpus.labels import LABELS
from rule import seen_by_model

TOKENS = 64
"""Training lines are cut to this many tokens; the engine reads up to 512."""


def normalised(lines: list[Line]) -> list[Line]:
    """The lines as the model sees them, each template once. Where labels differ the commonest wins; a tie teaches nothing."""
    votes: dict[str, Counter] = {}
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


@dataclass
class Draw:
    """One epoch's templates: their texts and the index of each one's label."""

    texts: list[str]
    truth: list[int]

    def __len__(self) -> int:
        return len(self.texts)


def draw(seed: int) -> Draw:
    """A fresh draw of all programs that are not held out."""
    lines = normalised(generate(seed, 1))
    return Draw([line.text for line in lines], [LABELS.index(line.label) for line in lines])


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Token ids of each text, cut to `TOKENS`."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS)
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def batches(rng: random.Random, encoded: list[list[int]], lines: int) -> list[list[int]]:
    """Row numbers in batches of like length, the batches in random order."""
    order = sorted(range(len(encoded)), key=lambda row: len(encoded[row]) + rng.random() * 4)
    groups = [order[start : start + lines] for start in range(0, len(order), lines)]
    rng.shuffle(groups)
    return groups


def worn(rng: random.Random, ids: list[int], unknown: int) -> list[int]:
    """Half of the lines lose some tokens or have them unknown: logs of other systems are full of words never met."""
    if rng.random() < 0.5:
        return ids
    kept = []
    for place, token in enumerate(ids):
        chance = rng.random() if 0 < place < len(ids) - 1 else 1.0
        if chance >= 0.08:
            kept.append(token)
        elif chance < 0.04:
            kept.append(unknown)
    return kept
