#!/usr/bin/env python3
"""Writes a BERT classifier with random weights, for measuring speed where no trained model is at hand, and lines for it.

    python tools/bench-peers/random_model.py /tmp/bert-base --lines /tmp/lines60.txt --line-tokens 60 --line-count 50000

The sizes are BERT-base's unless given. The tokenizer is a WordPiece of its own making, with made-up words as its vocabulary; or,
with --tokenizer FOLDER, that of another model. Lines have exactly the number of tokens asked for, special ones included, and no
two are the same, so that neither a cache nor the folding of equal lines takes part in what is measured.
"""
from __future__ import annotations

import argparse
import random
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

LABELS = ["NORMAL", "SECURITY_ANOMALY", "SYSTEM_FAILURE", "PERFORMANCE_ISSUE", "NETWORK_ANOMALY", "CONFIG_ERROR", "HARDWARE_ISSUE"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS_MAX = 512
SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


def make_tokenizer(vocabulary_size: int) -> PreTrainedTokenizerFast:
    """Words of two and three syllables; a line of them has one token a word, and fits 60 tokens into 512 characters."""
    words = [a + b for a in SYLLABLES for b in SYLLABLES]
    words += [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
    vocabulary = SPECIAL + words[: vocabulary_size - len(SPECIAL)]
    tokenizer = Tokenizer(models.WordPiece({word: index for index, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names)


def write_lines(path: Path, tokenizer, tokens: int, count: int, seed: int) -> None:
    """Lines of just so many tokens."""
    rng = random.Random(seed)
    room = tokens - tokenizer.num_special_tokens_to_add()
    # Words that are one token wherever they stand, short enough for the line to stay within the characters that count.
    longest = max(1, CHARACTERS_MAX // room - 1)
    candidates = [word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) <= longest]
    words = sorted(word for word in candidates if len(tokenizer(word, add_special_tokens=False)["input_ids"]) == 1)
    if not words or room < 1:
        raise SystemExit(f"lines of {tokens} tokens cannot be made within {CHARACTERS_MAX} characters with this tokenizer")
    seen = set()
    with path.open("w") as out:
        while len(seen) < count:
            line = " ".join(rng.choices(words, k=room))
            if line not in seen:
                seen.add(line)
                out.write(line + "\n")
    found = {len(ids) for ids in tokenizer(sorted(seen)[:1000])["input_ids"]}
    if found != {tokens}:
        raise SystemExit(f"{path}: the lines have {sorted(found)} tokens, not {tokens}")
    print(f"wrote {path}: {count:,} lines of {tokens} tokens")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--intermediate", type=int, help="default: four times hidden")
    parser.add_argument("--vocabulary", type=int, default=30_522)
    parser.add_argument("--positions", type=int, default=512)
    parser.add_argument("--tokenizer", type=Path, help="take the tokenizer of this folder")
    parser.add_argument("--lines", type=Path, help="also write a file of lines")
    parser.add_argument("--line-tokens", type=int, default=60)
    parser.add_argument("--line-count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    tokenizer = AutoTokenizer.from_pretrained(arguments.tokenizer) if arguments.tokenizer else make_tokenizer(arguments.vocabulary)
    config = BertConfig(
        vocab_size=max(arguments.vocabulary, len(tokenizer)),
        hidden_size=arguments.hidden,
        num_hidden_layers=arguments.layers,
        num_attention_heads=arguments.heads,
        intermediate_size=arguments.intermediate or 4 * arguments.hidden,
        max_position_embeddings=arguments.positions,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        # The head starts out so small that all labels are near ties; wider, labels can be compared between devices.
        model.classifier.weight.normal_(0.0, 1.0)
    model.save_pretrained(arguments.out, safe_serialization=True)
    tokenizer.save_pretrained(arguments.out)
    if arguments.tokenizer and (arguments.tokenizer / "vocab.txt").exists():
        shutil.copyfile(arguments.tokenizer / "vocab.txt", arguments.out / "vocab.txt")
    print(f"wrote {arguments.out}: {sum(p.numel() for p in model.parameters()):,} parameters")
    if arguments.lines:
        write_lines(arguments.lines, tokenizer, arguments.line_tokens, arguments.line_count, arguments.seed)


if __name__ == "__main__":
    main()
