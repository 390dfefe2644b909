#!/usr/bin/env python3
"""Two helpers for measuring on a GPU (see docs/benchmarks.md).

    python tools/bench-peers/gpu.py peak --model DIR --tokens 60 --lines-per-second 20000
    python tools/bench-peers/gpu.py hold --leave-mib 1500

`peak` measures the card's matrix product in the given precision, and says what share of it a rate of lines a second is for a BERT-like
model. `hold` takes the card's memory but for what it leaves, until Enter, so that another program runs out of it.
"""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}


def peak_flops(device: str, dtype: torch.dtype, size: int) -> float:
    """Best of ten products of two square matrices, in floating-point operations a second."""
    left = torch.randn(size, size, device=device, dtype=dtype)
    right = torch.randn(size, size, device=device, dtype=dtype)
    wait = torch.cuda.synchronize if device != "cpu" else lambda: None
    for _ in range(3):
        left @ right
    wait()
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        left @ right
        wait()
        best = min(best, time.perf_counter() - started)
    return 2.0 * size**3 / best


def line_flops(config: dict, tokens: int) -> float:
    """Matrix products of one line: four of hidden by hidden and two of hidden by intermediate for each token and layer, and two
    of attention for each pair of tokens; pooler and head are too small to count."""
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    return layers * (tokens * 2.0 * (4 * hidden * hidden + 2 * hidden * inner) + 4.0 * tokens * tokens * hidden)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    peak = commands.add_parser("peak")
    peak.add_argument("--model", type=Path, required=True)
    peak.add_argument("--tokens", type=int, required=True, help="tokens of a line")
    peak.add_argument("--lines-per-second", type=float, required=True)
    peak.add_argument("--device", default="cuda")
    peak.add_argument("--dtype", choices=DTYPES, default="bf16")
    peak.add_argument("--size", type=int, default=8192, help="of the matrices")
    hold = commands.add_parser("hold")
    hold.add_argument("--device", default="cuda")
    hold.add_argument("--leave-mib", type=int, required=True)
    arguments = parser.parse_args()
    if arguments.device != "cpu" and not torch.cuda.is_available():
        raise SystemExit(f"torch {torch.__version__} sees no GPU")

    if arguments.command == "peak":
        config = json.loads((arguments.model / "config.json").read_text())
        flops = line_flops(config, arguments.tokens)
        used = flops * arguments.lines_per_second
        measured = peak_flops(arguments.device, DTYPES[arguments.dtype], arguments.size)
        print(f"matrix product   {measured / 1e12:.2f} TFLOP/s in {arguments.dtype}, {arguments.size} x {arguments.size}")
        print(f"one line         {flops / 1e9:.2f} GFLOP at {arguments.tokens} tokens")
        print(f"the model        {used / 1e12:.2f} TFLOP/s, {100 * used / measured:.1f} % of the measured peak")
    else:
        free, _ = torch.cuda.mem_get_info(arguments.device)
        size = free - arguments.leave_mib * 1024 * 1024
        if size <= 0:
            raise SystemExit(f"only {free // 1024**2} MiB are free")
        held = torch.empty(size, dtype=torch.uint8, device=arguments.device)
        input(f"holding {held.numel() // 1024**2} MiB; Enter gives them back\n")


if __name__ == "__main__":
    main()
