#!/usr/bin/env python3
"""Compares `turnstone classify` with transformers, line by line, on real lines.

    python tools/bench-peers/compare.py --model DIR --turnstone target/release/turnstone LINES

Both read the same lines; exit 1 where a label differs on a line whose two best probabilities are further apart than the
tolerance, or the winner's probability differs by more than it. For a model of templates (`"normalise": "template"` in its
turnstone.json) transformers gets the templates, written by `--template PROGRAM`: it reads lines on standard input and writes one
template a line.
"""
from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

CHARACTERS_MAX = 512
TEMPLATE = "cargo run --quiet --package turnstone-types --example template"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=Path, help="file of lines")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--turnstone", default="target/release/turnstone", help="the program")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="f32", help="of turnstone; transformers always computes in f32")
    parser.add_argument("--normalise", choices=["raw", "template"], help="as the model says, unless given")
    parser.add_argument("--template", default=TEMPLATE, help="program that writes templates (default: %(default)s)")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of the winner's probability (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=1000, help="lines, spread evenly over the file (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def read_lines(path: Path, limit: int) -> list[bytes]:
    lines = path.read_bytes().split(b"\n")
    if not lines[-1]:
        lines.pop()
    wanted = min(limit, len(lines))
    return [lines[index * len(lines) // wanted].rstrip(b"\r") for index in range(wanted)]


def normalise_of(model: Path) -> str:
    settings = model / "turnstone.json"
    return json.loads(settings.read_text()).get("normalise", "raw") if settings.exists() else "raw"


def as_text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace")


def templates(program: str, lines: list[bytes]) -> list[str]:
    """What the program makes of the lines; one line each."""
    text = "".join(as_text(line).replace("\r", " ") + "\n" for line in lines)
    made = subprocess.run(shlex.split(program), input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    found = made.decode().split("\n")[:-1]
    if len(found) != len(lines):
        raise SystemExit(f"{program} made {len(found)} templates of {len(lines)} lines")
    return found


def ours(arguments: argparse.Namespace, lines: list[bytes]) -> list[dict]:
    command = [arguments.turnstone, "classify", "--model", arguments.model, "--device", arguments.device]
    command += ["--dtype", arguments.dtype]
    if arguments.normalise:
        command += ["--normalise", arguments.normalise]
    done = subprocess.run([*command, "-"], input=b"".join(line + b"\n" for line in lines), stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise SystemExit(f"{arguments.turnstone} classify failed; its message is above")
    return [json.loads(line) for line in done.stdout.splitlines()]


def theirs(arguments: argparse.Namespace, texts: list[str]) -> list[list[dict]]:
    """Every label's probability for each text, best first."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    torch.set_num_threads(arguments.threads)
    pipe = transformers.pipeline("text-classification", model=str(arguments.model), device="cpu", dtype=torch.float32)
    length = min(512, pipe.tokenizer.model_max_length)
    cut = [text[:CHARACTERS_MAX] for text in texts]
    return pipe(cut, truncation=True, max_length=length, top_k=None)


def main() -> None:
    arguments = parse_arguments()
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    lines = read_lines(arguments.lines, arguments.limit)
    normalise = arguments.normalise or normalise_of(arguments.model)
    texts = templates(arguments.template, lines) if normalise == "template" else [as_text(line) for line in lines]
    answers, expected = ours(arguments, lines), theirs(arguments, texts)
    if len(answers) != len(expected):
        raise SystemExit(f"turnstone answered {len(answers)} of {len(expected)} lines")

    worst, same, near_ties, wrong = 0.0, 0, 0, []
    for row, (answer, labels) in enumerate(zip(answers, expected)):
        best = labels[0]
        second = labels[1]["score"] if len(labels) > 1 else 1.0 - best["score"]
        near_tie = abs(best["score"] - second) <= arguments.tolerance
        near_ties += near_tie
        same += answer["raw_label"] == best["label"]
        difference = abs(answer["score"] - best["score"])
        worst = max(worst, difference)
        if difference > arguments.tolerance or (answer["raw_label"] != best["label"] and not near_tie):
            wrong.append(f"line {row + 1}: {answer['raw_label']} {answer['score']:.6f}, not {best['label']} {best['score']:.6f}")
    print(f"{len(answers)} lines, {normalise}, {arguments.dtype}: same label on {same}, {near_ties} near ties")
    print(f"the winner's probability differs by at most {worst:.1e} (tolerance {arguments.tolerance:.0e})")
    for each in wrong[:10]:
        print(each)
    if wrong:
        print(f"{len(wrong)} lines differ")
        sys.exit(1)


if __name__ == "__main__":
    main()
