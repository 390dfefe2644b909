#!/usr/bin/env python3
"""Writes tiny tokenizer folders without tokenizer.json, and the ids that transformers makes of hostile texts with each.

Run in this folder with transformers 4.57, sentencepiece and tokenizers installed: python3 make.py
Everything it writes is committed; the tests of crates/classifier/src/tokenizer_files read it.
"""

import json
import random
import shutil
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
import transformers
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoTokenizer

HERE = Path(__file__).parent

WORDS = """
kernel disk failed error warning connection refused accepted password for root from port ssh session opened closed
timeout while reading response upstream client server request memory out of killed process usb device not found mount
file system read only link down up network interface restarted service unit entered state temperature above threshold
cpu clock throttled backup finished daemon started stopped user unknown invalid certificate expired tomorrow café naïve
Straße être déjà über señor
""".split()

# A small cut of what nmt_nfkc does: the real table has a quarter of a megabyte.
CHARACTER_RULES = [
    ("\t", " "), ("\n", " "), ("\r", " "), ("\u00a0", " "), ("\u3000", " "), ("\u200b", ""),
    ("\u0007", ""), ("\u001b", ""), ("\ufeff", ""), ("ﬁ", "fi"), ("™", "TM"), ("①", "1"), ("½", "1⁄2"), ("…", "..."),
    ("Ａ", "A"), ("ａ", "a"), ("１", "1"), ("ｱ", "ア"), ("e\u0301", "é"), ("u\u0308", "ü"), ("℃", "°C"), ("ſ", "s"),
]

TEXTS = [
    "kernel: disk sda1 failed with error 5",
    "Accepted password for root from 10.0.0.1 port 22 ssh2",
    "CONNECTION REFUSED, while Reading Response!",
    "",
    " ",
    "   leading and trailing   ",
    "many    spaces   between     words",
    "tab\tand\nnew line\r\nand \u000b vertical",
    "a",
    "1,234,567.89 0x7fff 1, 2, 3,",
    "unknownwordthatnobodysawbefore zzzz qqqq",
    "x" * 120,
    "caf\u00e9 na\u00efve Stra\u00dfe \u00eatre",
    "cafe\u0301 nai\u0308ve u\u0308ber",
    "\u0130stanbul I\u0307 \u0131 \u01c5",
    "\u4e2d\u6587 \u65e5\u672c\u8a9e kernel\u4e2d\u6587error",
    "\ud55c\uad6d\uc5b4 \u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "\u202eright to left\u202c \u200bzero\u200bwidth\ufeff",
    "\u0000nul\u0000 \u0007bell \u001b[31mred\u001b[0m \u007f",
    "\ufb01le \u2122 \u2460 \u00bd \u2026 \uff21\uff41\uff11 \uff71 \u2103",
    "\u00a0nbsp\u00a0\u3000ideographic\u3000space\u2028line\u2029para",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324 zalgo",
    "[CLS] [SEP] [MASK] [PAD] [UNK]",
    "<s> </s> <mask> <pad> <unk> <s>NOTUSED",
    "error [MASK] error",
    "error <mask> error",
    "error[SEP]error</s>error",
    "[cls] [Mask] <S> <MASK>",
    "\u2581already\u2581meta \u2581 \u2581\u2581",
    "##disk ##ed # ## ###",
    "\u0120G \u010a byte level",
    "``quotes'' and ''more`` 'single' \"double\"",
    "it's don't we'll I'VE they're he'd",
    "user@example.org /var/log/syslog?x=1&y=[2]{3}|4^5~6\\7",
    "C:\\Windows\\System32\\drivers\\etc\\hosts",
    "-----BEGIN CERTIFICATE-----",
    "$$$ %%% *** === +++ <<< >>> ;;; :::",
    "\u00ab guillemets \u00bb \u201ccurly\u201d \u2018single\u2019 \u2013 \u2014 \u2212",
    "2024-01-31T23:59:59.999Z [error] <3> (pid=1234): out of memory",
    "Jan  1 00:00:00 host sshd[1]: session opened for user root(uid=0)",
    "\u01c6\u0149 \u1e9e \u03a3\u03c3\u03c2 \u0390",
    "\u0301leading combining",
    "\ufffd\ufffe\uffff replacement",
    "\ue000 private \U000f0000 use \U0010ffff",
    "a\u00adsoft\u00adhyphen \u2060joiner",
    "\u0041\u030a \u212b \u00c5",
    "\u1100\u1161\u11a8 \uac01",
    "ends with a space ",
    "ends with spaces then tab  \t",
    "\u5b57" * 40,
    "mixed\u0438\u0440\u0438\u043b\u043b\u0438\u0446\u0430 \u0415\u0301\u0439",
]


def corpus():
    """Lines of our own words, the same at every run."""
    chance = random.Random(3)
    lines = []
    for _ in range(3000):
        words = [chance.choice(WORDS) for _ in range(chance.randint(3, 9))]
        if chance.random() < 0.3:
            words[0] = words[0].capitalize()
        if chance.random() < 0.4:
            words.insert(chance.randrange(len(words)), str(chance.randint(0, 99999)))
        if chance.random() < 0.3:
            words.insert(chance.randrange(len(words)), f"{chance.randint(1, 255)}.{chance.randint(0, 9)},")
        lines.append(" ".join(words) + chance.choice(["", ".", ":", "!", "…", " [x]", " (y)", " '' ``"]))
    return lines


def write(folder, name, value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) + "\n"
    (folder / name).write_text(text, encoding="utf-8")


def fresh(name, config, tokenizer_config):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write(folder, "config.json", config)
    if tokenizer_config is not None:
        write(folder, "tokenizer_config.json", tokenizer_config)
    return folder


def wordpiece_vocabulary(special):
    characters = sorted({character for word in WORDS for character in word.lower()} | set("0123456789"))
    punctuation = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    pieces = sorted({word.lower() for word in WORDS}) + ["Error", "中", "文", "##ed", "##ing", "##ion", "cafe", "uber"]
    words = special + punctuation + characters + ["##" + character for character in characters] + pieces
    return "\n".join(dict.fromkeys(words)) + "\n"


def train_sentencepiece(path, vocab_size, rules=CHARACTER_RULES, **options):
    lines = HERE / "corpus.tmp"
    lines.write_text("\n".join(corpus()), encoding="utf-8")
    table = HERE / "rules.tmp"
    hexadecimal = lambda text: " ".join(f"{ord(character):X}" for character in text)
    # An empty file of rules would mean the default table.
    table.write_text("".join(f"{hexadecimal(a)}\t{hexadecimal(b)}\n" for a, b in rules))
    normalisation = {"normalization_rule_tsv": str(table)} if rules else {"normalization_rule_name": "identity"}
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines), model_prefix=str(path.with_suffix("")), vocab_size=vocab_size, model_type="unigram",
        character_coverage=1.0, minloglevel=2, num_threads=1, **normalisation, **options)
    # The trainer notes down where it found and wrote its files, which is nobody's business.
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(path.read_bytes())
    model.trainer_spec.ClearField("input")
    model.trainer_spec.ClearField("model_prefix")
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    path.write_bytes(model.SerializeToString())
    path.with_suffix(".vocab").unlink()
    lines.unlink()
    table.unlink()


def main():
    bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    folder = fresh("bert", {"model_type": "bert"}, None)
    write(folder, "vocab.txt", wordpiece_vocabulary(bert))
    folder = fresh("bert-cased", {"model_type": "bert"}, {
        "tokenizer_class": "BertTokenizer", "do_lower_case": False, "tokenize_chinese_chars": False})
    write(folder, "vocab.txt", wordpiece_vocabulary(bert))
    folder = fresh("distilbert-accents", {"model_type": "distilbert"}, {
        "do_lower_case": True, "strip_accents": False,
        "added_tokens_decoder": {"0": {"content": "[PAD]", "special": True, "normalized": False},
                                 "1": {"content": "[UNK]", "special": True, "normalized": False}},
        "unk_token": {"content": "[UNK]", "lstrip": False, "__type": "AddedToken"}})
    write(folder, "vocab.txt", wordpiece_vocabulary(bert))
    folder = fresh("electra", {"model_type": "electra"}, {"do_lower_case": True, "model_max_length": 512})
    write(folder, "vocab.txt", wordpiece_vocabulary(bert))
    write(folder, "special_tokens_map.json", {"cls_token": "[CLS]", "sep_token": "[SEP]"})
    folder = fresh("mpnet", {"model_type": "mpnet"}, {"tokenizer_class": "MPNetTokenizer"})
    write(folder, "vocab.txt", wordpiece_vocabulary(["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"]))

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(corpus(), vocab_size=400, min_frequency=2, show_progress=False,
                            special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    for name, config in [("roberta", None), ("roberta-prefix-space", {"add_prefix_space": True})]:
        folder = fresh(name, {"model_type": "roberta"}, config)
        bpe.save_model(str(folder))

    folder = fresh("xlm-roberta", {"model_type": "xlm-roberta"}, None)
    train_sentencepiece(folder / "sentencepiece.bpe.model", 200)
    folder = fresh("camembert", {"model_type": "camembert"}, {"tokenizer_class": "CamembertTokenizer"})
    train_sentencepiece(folder / "sentencepiece.bpe.model", 200)
    folder = fresh("albert", {"model_type": "albert"}, None)
    train_sentencepiece(folder / "spiece.model", 200, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, pad_piece="<pad>",
                        control_symbols="[CLS],[SEP],[MASK]")
    other = fresh("albert-cased", {"model_type": "albert"}, {"do_lower_case": False, "keep_accents": True})
    shutil.copy(folder / "spiece.model", other)
    folder = fresh("deberta-v2", {"model_type": "deberta-v2"}, {"do_lower_case": False, "vocab_type": "spm"})
    train_sentencepiece(folder / "spm.model", 200, pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]",
                        bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]", user_defined_symbols="(y),[x]")
    write(folder, "added_tokens.json", {"[MASK]": 200})
    other = fresh("deberta-v2-punctuation", {"model_type": "deberta-v2"}, {"do_lower_case": True, "split_by_punct": True})
    train_sentencepiece(other / "spm.model", 180, rules=[], pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]",
                        bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]")

    cases = {}
    for folder in sorted(path for path in HERE.iterdir() if path.is_dir()):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert tokenizer.is_fast and not (folder / "tokenizer.json").exists(), folder
        cases[folder.name] = [tokenizer(text)["input_ids"] for text in TEXTS]
    with open(HERE / "expected.json", "w", encoding="utf-8") as file:
        made_with = f"transformers {transformers.__version__}, sentencepiece {sentencepiece.__version__}"
        file.write("{" + f'"made_with": {json.dumps(made_with)},\n"texts": {json.dumps(TEXTS)},\n"ids": {{\n')
        file.write(",\n".join(f"{json.dumps(name)}: {json.dumps(ids, separators=(',', ':'))}" for name, ids in cases.items()))
        file.write("}}\n")


if __name__ == "__main__":
    main()
