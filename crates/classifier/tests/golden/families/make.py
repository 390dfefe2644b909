#!/usr/bin/env python3
"""Writes the tiny random models that the classifier's families are tested on, with what transformers answers on them.

    pip install torch==2.11.0 transformers==4.57.6 tokenizers safetensors
    python3 crates/classifier/tests/golden/families/make.py [NAME...]     # without names: all of them

For each family a folder beside this file: config.json, tokenizer.json, tokenizer_config.json, model.safetensors (f32) as
a user would have them, and cases.jsonl: texts with the logits of transformers' own tokenizer and model, one row at a time,
and the probabilities of its text-classification pipeline. The weights come from a seed, so running this again with the same
versions writes the same files. Biases, layer norms and the rows of padding are random too, so that leaving one out shows.

To add a family: write a function that returns (model, tokenizer, longest row) and put its name into FAMILIES.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).resolve().parent
KEPT = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
SPREAD_MIN = 0.2  # least standard deviation of a class's logit over the texts
BF16_CHANGE_MAX = 0.01  # most that PyTorch in bf16 may change a probability
TEXT_CHARS_MAX = 512  # what the engine cuts a text to before the tokenizer sees it
LABELS = ["NORMAL", "WARNING", "ERROR", "SECURITY_ALERT", "ANOMALY"]

# Invented log lines; words of theirs make the vocabularies, so that rows mix whole words, pieces and unknown characters.
LINES = """
sshd[4121]: Failed password for invalid user admin from 203.0.113.9 port 51514 ssh2
sshd[4121]: Accepted publickey for deploy from 198.51.100.7 port 40022 ssh2
kernel: Out of memory: Killed process 2211 (java) total-vm:8123456kB
nginx: 192.0.2.44 - - GET /index.html HTTP/1.1 200 612
systemd[1]: Started Daily cleanup of temporary directories.
postgres[77]: ERROR: deadlock detected while waiting for a lock
backup: disk /dev/sdb1 is full, error 28 while writing archive
cron[901]: (root) CMD (run-parts /etc/cron.hourly)
""".strip().splitlines()

TEXTS = LINES + [
    "",
    " ",
    "error",
    "ERROR",
    "x",
    "Verbindung zum Datenträger verloren: größe überschritten",
    "ошибка 接続エラー 错误 🔥🔥 e\u0301 \u200b\ufeff \x00\x07 ﬁn ½",
    "\ttabs\tand   many    spaces  \r\n second line of it",
    "[CLS] error [SEP] root [PAD] [PAD] user [UNK] [MASK] password",
    "<s> error </s> root <pad> <pad> user <unk> <mask> password",
    "<pad>",
    "<pad> <pad> failed password <pad>",
    "[PAD][PAD] failed password [PAD]",
    "[SEP]",
    "</s></s> root",
    "user=root uid=0 " * 35,
    "failed <pad> password [PAD] " * 20,
    "Out of memory: " + "a" * 500 + " killed",
]


# Tokenizers, each in its family's own kind.


def words():
    """The words of the lines in lower case, each once, in order."""
    found = {}
    for line in LINES:
        for word in lower_words(line.lower()):
            found[word] = None
    return list(found)


def lower_words(text):
    return [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text) if len(word) > 1 and word.isalpha()]


def word_piece(special, unknown, words_max=40):
    """WordPiece over lower-case words, single characters and their continuations."""
    characters = list("abcdefghijklmnopqrstuvwxyz0123456789") + list("-./:=[]()")
    pieces = special + characters + ["##" + character for character in characters[:36]] + ["##ed", "##ing"] + words()[:words_max]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=unknown, max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def framed(tokenizer, first, last):
    """Puts a special token before the text and one after it."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (first, last)],
    )
    return tokenizer


def unigram(special, unknown, lower=False, words_max=60):
    """Unigram as sentencepiece has it: a space is the mark before a word."""
    characters = list("abcdefghijklmnopqrstuvwxyz0123456789ERZü-./:=[]()")
    pieces = [(token, 0.0) for token in special]
    pieces += [("▁", -2.0)] + [("▁" + word, -3.0 - index / 20) for index, word in enumerate(words()[:words_max])]
    pieces += [(character, -6.0 - index / 50) for index, character in enumerate(characters)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=special.index(unknown), byte_fallback=False))
    steps = [normalizers.Nmt(), normalizers.NFKC()] + ([normalizers.Lowercase()] if lower else [])
    tokenizer.normalizer = normalizers.Sequence(steps + [normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    return tokenizer


def byte_level_bpe(special, merges=30):
    """BPE over bytes, all 256 of them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + len(alphabet) + merges, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer


def bert_tokenizer(kind, tokens_max):
    tokenizer = word_piece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "[UNK]")
    return kind(tokenizer_object=framed(tokenizer, "[CLS]", "[SEP]"), model_max_length=tokens_max)


# Families. Each returns its model, its tokenizer and the longest row it takes, special tokens included.


def sizes(**others):
    """What most configurations call their sizes."""
    return dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20) | labels() | others


def labels():
    return dict(id2label=dict(enumerate(LABELS)), label2id={label: index for index, label in enumerate(LABELS)})


def bert():
    tokenizer = bert_tokenizer(transformers.BertTokenizerFast, 64)
    config = transformers.BertConfig(**sizes(vocab_size=len(tokenizer), max_position_embeddings=64))
    return transformers.BertForSequenceClassification(config), tokenizer, 64


def distilbert():
    tokenizer = bert_tokenizer(transformers.DistilBertTokenizerFast, 64)
    config = transformers.DistilBertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=64, dim=12, n_layers=2, n_heads=2, hidden_dim=20, **labels()
    )
    return transformers.DistilBertForSequenceClassification(config), tokenizer, 64


def electra():
    """Embeddings smaller than the hidden states, as in the small models."""
    tokenizer = bert_tokenizer(transformers.ElectraTokenizerFast, 64)
    config = transformers.ElectraConfig(**sizes(vocab_size=len(tokenizer), max_position_embeddings=64, embedding_size=8))
    return transformers.ElectraForSequenceClassification(config), tokenizer, 64


def electra_even():
    """Embeddings as wide as the hidden states, as in the base model: then there is no projection."""
    tokenizer = bert_tokenizer(transformers.ElectraTokenizerFast, 64)
    config = transformers.ElectraConfig(
        **sizes(vocab_size=len(tokenizer), max_position_embeddings=64, embedding_size=12, num_hidden_layers=1)
    )
    return transformers.ElectraForSequenceClassification(config), tokenizer, 64


def mpnet():
    tokenizer = word_piece(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "<unk>")
    tokenizer = transformers.MPNetTokenizerFast(
        tokenizer_object=framed(tokenizer, "<s>", "</s>"),
        unk_token="<unk>",
        model_max_length=160,
    )
    # Rows of more than 128 tokens, where the buckets of distances end.
    config = transformers.MPNetConfig(
        **sizes(vocab_size=len(tokenizer), max_position_embeddings=162, layer_norm_eps=1e-5)
    )
    return transformers.MPNetForSequenceClassification(config), tokenizer, 160


def roberta():
    tokenizer = byte_level_bpe(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer = transformers.RobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=64)
    config = transformers.RobertaConfig(
        **sizes(vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5)
    )
    return transformers.RobertaForSequenceClassification(config), tokenizer, 64


def xlm_roberta():
    tokenizer = unigram(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "<unk>")
    tokenizer = transformers.XLMRobertaTokenizerFast(
        tokenizer_object=framed(tokenizer, "<s>", "</s>"),
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
        model_max_length=64,
    )
    config = transformers.XLMRobertaConfig(
        **sizes(vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5)
    )
    return transformers.XLMRobertaForSequenceClassification(config), tokenizer, 64


def camembert():
    tokenizer = unigram(["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>", "<mask>"], "<unk>")
    tokenizer = transformers.CamembertTokenizerFast(
        tokenizer_object=framed(tokenizer, "<s>", "</s>"),
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
        model_max_length=64,
    )
    config = transformers.CamembertConfig(
        **sizes(
            vocab_size=len(tokenizer),
            max_position_embeddings=66,
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            bos_token_id=5,
            eos_token_id=6,
        )
    )
    return transformers.CamembertForSequenceClassification(config), tokenizer, 64


def albert():
    """Five steps through two groups of two layers, so that each way of sharing is there."""
    tokenizer = unigram(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], "<unk>", lower=True)
    tokenizer = transformers.AlbertTokenizerFast(
        tokenizer_object=framed(tokenizer, "[CLS]", "[SEP]"),
        mask_token=AddedToken("[MASK]", lstrip=True, special=True),
        model_max_length=64,
    )
    config = transformers.AlbertConfig(
        **sizes(
            vocab_size=len(tokenizer),
            max_position_embeddings=64,
            embedding_size=8,
            num_hidden_layers=5,
            num_hidden_groups=2,
            inner_group_num=2,
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=3,
        )
    )
    return transformers.AlbertForSequenceClassification(config), tokenizer, 64


def deberta_tokenizer(tokens_max):
    tokenizer = unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"], "[UNK]")
    return transformers.DebertaV2TokenizerFast(
        tokenizer_object=framed(tokenizer, "[CLS]", "[SEP]"), model_max_length=tokens_max
    )


def deberta_v3():
    """As v3: distances in buckets of growing width, normalised embeddings of them, keys shared with the content."""
    tokenizer = deberta_tokenizer(96)
    config = transformers.DebertaV2Config(
        **sizes(
            vocab_size=len(tokenizer),
            max_position_embeddings=96,
            type_vocab_size=0,
            relative_attention=True,
            max_relative_positions=-1,
            position_buckets=16,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type="p2c|c2p",
            position_biased_input=False,
            pooler_hidden_size=12,
        )
    )
    return transformers.DebertaV2ForSequenceClassification(config), tokenizer, 96


def deberta_v2():
    """As the first version and the large v2: every distance for itself up to a largest one, keys of their own, positions
    and segments in the embeddings, which are smaller than the hidden states, and a convolution."""
    tokenizer = deberta_tokenizer(64)
    config = transformers.DebertaV2Config(
        **sizes(
            vocab_size=len(tokenizer),
            max_position_embeddings=64,
            type_vocab_size=2,
            embedding_size=8,
            relative_attention=True,
            max_relative_positions=20,
            pos_att_type=["c2p", "p2c"],
            conv_kernel_size=3,
            conv_act="gelu",
        )
    )
    return transformers.DebertaV2ForSequenceClassification(config), tokenizer, 64


def modernbert(**others):
    """Rows many times as long as the window of the layers that look at neighbours only."""
    tokenizer = byte_level_bpe(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=framed(tokenizer, "[CLS]", "[SEP]"),
        model_max_length=96,
        **{f"{kind}_token": f"[{kind.upper()}]" for kind in ("pad", "cls", "sep", "unk", "mask")},
    )
    ids = dict(pad_token_id=0, cls_token_id=1, bos_token_id=1, sep_token_id=2, eos_token_id=2)
    config = transformers.ModernBertConfig(
        **sizes(vocab_size=len(tokenizer), max_position_embeddings=96, num_hidden_layers=5, local_attention=8, **ids) | others
    )
    return transformers.ModernBertForSequenceClassification(config), tokenizer, 96


def modernbert_mean():
    """Pooled over all tokens, with every bias that there can be."""
    biases = ("norm_bias", "attention_bias", "mlp_bias", "classifier_bias")
    return modernbert(classifier_pooling="mean", num_hidden_layers=3, **dict.fromkeys(biases, True))


FAMILIES = {
    "bert": bert,
    "roberta": roberta,
    "xlm-roberta": xlm_roberta,
    "camembert": camembert,
    "distilbert": distilbert,
    "electra": electra,
    "electra-even": electra_even,
    "albert": albert,
    "mpnet": mpnet,
    "deberta-v2": deberta_v2,
    "deberta-v3": deberta_v3,
    "modernbert": modernbert,
    "modernbert-mean": modernbert_mean,
}


# Writing


def randomise(model, seed):
    """Weights large enough that every part shows in the logits, and no norm or bias that could be left out unseen."""
    random = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        numbers = torch.randn(parameter.shape, generator=random)
        if parameter.dim() == 1:
            numbers = 0.3 * numbers + (1 if "norm" in name.lower() and name.endswith("weight") else 0)
        elif "embeddings" not in name and "relative_attention_bias" not in name and "rel_embeddings" not in name:
            numbers = numbers * 1.3 / parameter.shape[-1] ** 0.5
        parameter.data = numbers


def answers(model, tokenizer, tokens_max):
    """Number of tokens, logits and probabilities of every text, each alone."""
    pipeline = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", top_k=None)
    limits = dict(truncation=True, max_length=tokens_max)
    for text in TEXTS:
        cut = text[:TEXT_CHARS_MAX]
        row = tokenizer(cut, return_tensors="pt", **limits)
        scores = {answer["label"]: answer["score"] for answer in pipeline([cut], **limits)[0]}
        probabilities = [scores[model.config.id2label[index]] for index in range(len(scores))]
        yield row["input_ids"].shape[1], model(**row).logits[0], probabilities


def first_good_seed(model, tokenizer, tokens_max):
    """Many random networks forget their input, and some magnify rounding: neither kind would make a good test."""
    for seed in range(1000):
        randomise(model, seed)
        logits = torch.stack([logits for _, logits, _ in answers(model, tokenizer, tokens_max)])
        spread = logits.std(0)
        if spread.min() < SPREAD_MIN:
            continue
        rough = torch.stack([logits for _, logits, _ in answers(model.bfloat16(), tokenizer, tokens_max)]).float()
        randomise(model, seed)
        if (rough.softmax(-1) - logits.softmax(-1)).abs().max() < BF16_CHANGE_MAX:
            return seed, spread
    sys.exit(f"no seed makes a good test of {type(model).__name__}")


@torch.inference_mode()
def write(name):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    model, tokenizer, tokens_max = FAMILIES[name]()
    model.eval()
    seed, spread = first_good_seed(model, tokenizer, tokens_max)
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(saved)
        tokenizer.save_pretrained(saved)
        for file in KEPT:
            content = (Path(saved) / file).read_bytes()
            if file.endswith(".json"):
                content = json.dumps(json.loads(content), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            (folder / file).write_bytes(content)

    # The answers are those of the folder, as a user would load it.
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    made_with = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, torch {torch.__version__}"
    longest = 0
    with open(folder / "cases.jsonl", "w", encoding="utf-8") as cases:
        for text, (tokens, logits, probabilities) in zip(TEXTS, answers(model, tokenizer, tokens_max)):
            longest = max(longest, tokens)
            case = {
                "text": text,
                "tokens": tokens,
                "logits": [round(logit, 7) for logit in logits.tolist()],
                "probabilities": [round(probability, 8) for probability in probabilities],
            }
            if text == TEXTS[0]:
                case["made_with"] = made_with
            cases.write(json.dumps(case, ensure_ascii=False) + "\n")
    if longest != tokens_max:
        sys.exit(f"{name}: no text is cut ({longest} of {tokens_max} tokens)")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(
        f"{name:14} {len(tokenizer):4} tokens, {size / 1024:5.1f} KiB, seed {seed}, "
        f"spread of logits {spread.min():.2f} to {spread.max():.2f}"
    )


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    for name in sys.argv[1:] or FAMILIES:
        write(name)


if __name__ == "__main__":
    main()
