#!/usr/bin/env python3
"""The Python programs that `turnstone bench classify --against-python PYTHON` is measured against.

    pip install -r tools/bench-peers/requirements.txt
    python tools/bench-peers/peers.py --model DIR --lines FILE --peers pipeline,ort-f32 --passes 3

prints one JSON object. With --serve it answers commands on standard input with one JSON object a line instead, so that the
caller can run its own passes and those of the peers in turn, on a machine whose speed changes while it works:

    pass NAME      -> {"peer", "seconds", "tokenise_seconds"}     classifies all lines once
    answers NAME   -> {"peer", "classes"}                         winner of each line in the last pass, in input order
    reference      -> {"classes", "scores", "gaps"}               PyTorch f32: winner, and by how much it leads the second
    quit

Every peer sees the same texts: UTF-8 with invalid bytes replaced, the first 512 characters, cut to 512 tokens (or what the
model takes). Loading, export and tuning of batch sizes are not part of a pass.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

CHARACTERS_MAX = 512
TOKENS_MAX = 512
PIP = "pip install -r tools/bench-peers/requirements.txt"

CPU_PEERS = ["pipeline", "pipeline-batched", "eager-f32", "eager-bf16", "ort-f32", "ort-int8"]
CUDA_PEERS = ["pipeline", "pipeline-f16-batched", "eager-f32", "eager-f16", "eager-bf16"]
DEFAULT_PEERS = {"cpu": ["pipeline", "pipeline-batched", "eager-f32", "ort-f32"], "cuda": ["pipeline-f16-batched", "eager-f16"]}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of a text-classification model")
    parser.add_argument("--lines", type=Path, required=True, help="file of lines")
    parser.add_argument("--peers", help=f"comma-separated; on a CPU {','.join(CPU_PEERS)}; on a GPU {','.join(CUDA_PEERS)}")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--passes", type=int, default=3, help="passes of each peer, in turn")
    parser.add_argument("--serve", action="store_true", help="answer commands on standard input")
    arguments = parser.parse_args()
    kind = arguments.device.split(":")[0]
    known = {"cpu": CPU_PEERS, "cuda": CUDA_PEERS}.get(kind)
    if known is None:
        parser.error(f"unknown device {arguments.device!r}; use cpu, cuda or cuda:N")
    arguments.peers = arguments.peers.split(",") if arguments.peers else DEFAULT_PEERS[kind]
    unknown = [name for name in arguments.peers if name not in known]
    if unknown:
        refuse(f"unknown peers {', '.join(unknown)}; on {kind} there are {', '.join(known)}")
    if arguments.threads < 1 or arguments.passes < 1:
        parser.error("--threads and --passes are at least 1")
    return arguments


def refuse(reason: str) -> None:
    """Ends the program; the caller shows the reason as it is."""
    print(json.dumps({"error": reason}), file=ANSWERS, flush=True)
    raise SystemExit(1)


def read_texts(path: Path) -> list[str]:
    """The lines as `turnstone classify` reads them: split at line feeds only, CR and LF cut off the end."""
    lines = path.read_bytes().split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.rstrip(b"\r\n").decode("utf-8", errors="replace")[:CHARACTERS_MAX] for line in lines]


def token_batches(lengths: list[int], budget: int) -> list[list[int]]:
    """Rows in order of length, as many to a batch as fit the budget once they are padded to the longest."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batches: list[list[int]] = [[]]
    for row in order:
        if batches[-1] and (len(batches[-1]) + 1) * lengths[row] > budget:
            batches.append([])
        batches[-1].append(row)
    return batches


class Shared:
    """What all peers need: the texts, the tokenizer, and the function that makes probabilities of logits."""

    def __init__(self, arguments: argparse.Namespace, texts: list[str]):
        from transformers import AutoConfig, AutoTokenizer

        self.model, self.texts, self.threads, self.device = arguments.model, texts, arguments.threads, arguments.device
        self.config = AutoConfig.from_pretrained(self.model)
        self.tokenizer = AutoTokenizer.from_pretrained(self.model)
        self.tokens_max = min(TOKENS_MAX, self.tokenizer.model_max_length)
        self.one_of_many = self.config.problem_type != "multi_label_classification" and self.config.num_labels > 1
        # id2label and not label2id: the pipeline answers with the former, and the two need not agree.
        self.classes = {label: index for index, label in self.config.id2label.items()}
        self.sample = list(range(0, len(texts), max(1, len(texts) // 160)))

    def probabilities(self, logits):
        """As transformers' pipeline: softmax, or one sigmoid a label where labels do not exclude each other."""
        import numpy as np

        logits = logits.astype(np.float64)
        if not self.one_of_many:
            return 1.0 / (1.0 + np.exp(-logits))
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    def load(self, dtype: str = "float32", **more):
        import torch
        from transformers import AutoModelForSequenceClassification

        model = AutoModelForSequenceClassification.from_pretrained(self.model, dtype=getattr(torch, dtype), **more)
        return model.eval()


class Pipeline:
    """transformers' pipeline. `batch_size` None is the seed's way: one list of texts, one row at a time."""

    def __init__(self, shared: Shared, dtype: str = "float32", batched: bool = False):
        from transformers import pipeline

        self.shared = shared
        model = shared.load(dtype)
        self.pipe = pipeline("text-classification", model=model, tokenizer=shared.tokenizer, device=shared.device)
        self.order = list(range(len(shared.texts)))
        self.settings = {}
        if batched:
            self.order.sort(key=lambda row: len(shared.texts[row]))
            sizes = [8, 16, 32, 64] if shared.device == "cpu" else [64, 128, 256, 512]
            rows = sorted(shared.sample, key=lambda row: len(shared.texts[row]))
            self.settings = {"batch_size": fastest(sizes, lambda size: self.call(rows, {"batch_size": size}))}

    def call(self, rows: list[int], settings: dict):
        return self.pipe([self.shared.texts[row] for row in rows], truncation=True, max_length=self.shared.tokens_max, **settings)

    def run(self):
        """Classifies all texts."""
        found = self.call(self.order, self.settings)
        classes, scores = [0] * len(found), [0.0] * len(found)
        for row, answer in zip(self.order, found):
            classes[row], scores[row] = self.shared.classes[answer["label"]], answer["score"]
        return classes, scores, None


class Batched:
    """A model called by hand: tokenised at once, sorted by length, batches by token budget."""

    budgets = [512, 1024, 2048, 4096]

    def __init__(self, shared: Shared):
        self.shared = shared
        self.settings: dict = {}

    def tune(self) -> None:
        rows = [self.shared.texts[row] for row in self.shared.sample]
        self.settings["batch_tokens"] = fastest(self.budgets, lambda budget: self.logits(rows, budget))

    def forward(self, batch: dict):
        raise NotImplementedError

    def logits(self, texts: list[str], budget: int):
        import numpy as np

        started = time.perf_counter()
        tokenizer = self.shared.tokenizer
        encoded = tokenizer(texts, truncation=True, max_length=self.shared.tokens_max)
        names = [name for name in tokenizer.model_input_names if name in encoded]
        lengths = [len(ids) for ids in encoded["input_ids"]]
        tokenised = time.perf_counter() - started
        answers = np.zeros((len(texts), self.shared.config.num_labels), dtype=np.float32)
        for rows in token_batches(lengths, budget):
            width = max(lengths[row] for row in rows)
            batch = {}
            for name in names:
                filler = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}.get(name, 0)
                matrix = np.full((len(rows), width), filler, dtype=np.int64)
                for index, row in enumerate(rows):
                    matrix[index, : lengths[row]] = encoded[name][row]
                batch[name] = matrix
            answers[rows] = self.forward(batch)
        return answers, tokenised

    def run(self):
        """Classifies all texts."""
        logits, tokenised = self.logits(self.shared.texts, self.settings["batch_tokens"])
        self.last = self.shared.probabilities(logits)
        return self.last.argmax(-1).tolist(), self.last.max(-1).tolist(), tokenised


class Eager(Batched):
    """PyTorch, as loaded by transformers."""

    def __init__(self, shared: Shared, dtype: str):
        super().__init__(shared)
        if shared.device != "cpu":
            self.budgets = [8192, 16384, 32768, 65536]
        self.module = shared.load(dtype).to(shared.device)
        self.tune()

    def forward(self, batch: dict):
        import torch

        with torch.inference_mode():
            tensors = {name: torch.from_numpy(matrix).to(self.shared.device) for name, matrix in batch.items()}
            return self.module(**tensors).logits.float().cpu().numpy()


class OnnxRuntime(Batched):
    """ONNX Runtime on the CPU: the fastest of the plain graph and the one with fused transformer operators."""

    def __init__(self, shared: Shared, folder: Path, int8: bool = False):
        super().__init__(shared)
        graphs = onnx_graphs(shared, folder)
        if int8:
            import onnx
            from onnxruntime.quantization import QuantType, quantize_dynamic

            # Types behind fused operators cannot be inferred; all of them are floats.
            extra = {"DefaultTensorType": onnx.TensorProto.FLOAT}

            quantised = {}
            for name, path in graphs.items():
                target = path.with_name(f"{name}-int8.onnx")
                quantize_dynamic(path, target, weight_type=QuantType.QInt8, per_channel=True, extra_options=extra)
                quantised[name] = target
            graphs = quantised
        rows = [shared.texts[row] for row in shared.sample]
        sessions = {name: self.session(path) for name, path in graphs.items()}

        def attempt(choice):
            self.ort = sessions[choice[0]]
            return self.logits(rows, choice[1])

        graph, budget = fastest([(name, budget) for name in sessions for budget in self.budgets], attempt)
        self.ort = sessions[graph]
        self.settings = {"graph": graph, "batch_tokens": budget}

    def session(self, path: Path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = self.shared.threads
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def forward(self, batch: dict):
        wanted = {each.name for each in self.ort.get_inputs()}
        return self.ort.run(["logits"], {name: matrix for name, matrix in batch.items() if name in wanted})[0]


def onnx_graphs(shared: Shared, folder: Path) -> dict[str, Path]:
    """Exports the model, and fuses it where ONNX Runtime's optimizer knows the family."""
    import torch

    plain = folder / "plain.onnx"
    if not plain.exists():
        # Attention spelt out: this is the pattern that the optimizer knows how to fuse.
        model = shared.load(attn_implementation="eager")
        example = dict(shared.tokenizer(["a short line", "another line, longer than it"], padding=True, return_tensors="pt"))
        names = [name for name in shared.tokenizer.model_input_names if name in example]

        class Logits(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, *inputs):
                return self.model(**dict(zip(names, inputs))).logits

        axes = {name: {0: "rows", 1: "tokens"} for name in names} | {"logits": {0: "rows"}}
        torch.onnx.export(
            Logits().eval(), tuple(example[name] for name in names), str(plain), dynamo=False, opset_version=17,
            input_names=names, output_names=["logits"], dynamic_axes=axes,
        )  # fmt: skip
    graphs = {"plain": plain}
    fused = folder / "fused.onnx"
    if not fused.exists():
        try:
            from onnxruntime.transformers.optimizer import optimize_model

            model = optimize_model(
                str(plain), model_type="bert", opt_level=0, use_gpu=False,
                num_heads=getattr(shared.config, "num_attention_heads", 0), hidden_size=getattr(shared.config, "hidden_size", 0),
            )  # fmt: skip
            counts = {name: count for name, count in model.get_fused_operator_statistics().items() if count}
            print(f"fused by ONNX Runtime's optimizer: {counts}", file=sys.stderr)
            model.save_model_to_file(str(fused))
        except Exception as error:  # The optimizer does not know every family; the plain graph is the peer then.
            print(f"ONNX Runtime's transformer optimizer cannot do this model: {error}", file=sys.stderr)
    if fused.exists():
        graphs["fused"] = fused
    return graphs


def fastest(choices: list, attempt):
    """The choice with the best of two timed attempts, after one that warms up; a choice that fails is out."""
    best, best_seconds, last_error = None, float("inf"), None
    for choice in choices:
        try:
            attempt(choice)
            for _ in range(2):
                started = time.perf_counter()
                attempt(choice)
                seconds = time.perf_counter() - started
                if seconds < best_seconds:
                    best, best_seconds = choice, seconds
        except Exception as error:
            last_error = error
    if best is None:
        raise last_error or ValueError("nothing to choose from")
    return best


def make_peer(name: str, shared: Shared, folder: Path):
    if name == "pipeline":
        return Pipeline(shared)
    if name == "pipeline-batched":
        return Pipeline(shared, batched=True)
    if name == "pipeline-f16-batched":
        return Pipeline(shared, dtype="float16", batched=True)
    if name.startswith("eager-"):
        return Eager(shared, {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}[name.removeprefix("eager-")])
    return OnnxRuntime(shared, folder, int8=name == "ort-int8")


class Bench:
    """The peers, each made at its first use and kept; what cannot be made is left out with its reason."""

    def __init__(self, arguments: argparse.Namespace, folder: Path):
        self.shared = Shared(arguments, read_texts(arguments.lines))
        self.answers: dict[str, list[int]] = {}
        encoded = self.shared.tokenizer(self.shared.texts, truncation=True, max_length=self.shared.tokens_max)
        self.tokens = sum(len(ids) for ids in encoded["input_ids"])
        self.peers, self.left_out = {}, {}
        for name in arguments.peers:
            try:
                print(f"preparing {name}", file=sys.stderr)
                self.peers[name] = make_peer(name, self.shared, folder)
            except Exception as error:
                self.left_out[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"

    def hello(self) -> dict:
        import torch
        import transformers

        versions = {"python": sys.version.split()[0], "torch": torch.__version__, "transformers": transformers.__version__}
        if any(name.startswith("ort") for name in self.peers):
            import onnxruntime

            versions["onnxruntime"] = onnxruntime.__version__
        return {
            "lines": len(self.shared.texts),
            "tokens": self.tokens,
            "labels": [self.shared.config.id2label[index] for index in range(self.shared.config.num_labels)],
            "threads": self.shared.threads,
            "device": self.shared.device,
            "versions": versions,
            "peers": [{"name": name, "settings": peer.settings} for name, peer in self.peers.items()],
            "left_out": self.left_out,
        }

    def run_pass(self, name: str) -> dict:
        started = time.perf_counter()
        classes, _, tokenise_seconds = self.peers[name].run()
        if self.shared.device != "cpu":
            import torch

            torch.cuda.synchronize()
        seconds = time.perf_counter() - started
        self.answers[name] = classes
        return {"peer": name, "seconds": seconds, "tokenise_seconds": tokenise_seconds}

    def reference(self) -> dict:
        """Winner and lead over the second in PyTorch f32, from which every line's label can be called clear or a near tie."""
        peer = self.peers.get("eager-f32") or Eager(self.shared, "float32")
        classes, scores, _ = peer.run()
        ordered = peer.last.copy()
        ordered.sort(axis=-1)
        single = ordered.shape[1] == 1
        gaps = abs(ordered[:, 0] - 0.5) * 2 if single else ordered[:, -1] - ordered[:, -2]
        return {"classes": classes, "scores": scores, "gaps": gaps.tolist()}


def serve(bench: Bench) -> None:
    for line in sys.stdin:
        command, _, name = line.strip().partition(" ")
        if command == "quit":
            return
        try:
            if command == "pass":
                answer = bench.run_pass(name)
            elif command == "answers":
                answer = {"peer": name, "classes": bench.answers[name]}
            elif command == "reference":
                answer = bench.reference()
            else:
                answer = {"error": f"unknown command {command!r}"}
        except Exception as error:
            answer = {"error": f"{name or command}: {type(error).__name__}: {error}"}
        print(json.dumps(answer), file=ANSWERS, flush=True)


def main() -> None:
    arguments = parse_arguments()
    # Idle threads must not spin while the other side is measured; before any of the libraries starts its threads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    try:
        import numpy  # noqa: F401
        import torch
        import transformers
    except ImportError as error:
        refuse(f"{error}; {PIP}")
    if any(name.startswith("ort") for name in arguments.peers):
        try:
            import onnx  # noqa: F401
            import onnxruntime  # noqa: F401
        except ImportError as error:
            refuse(f"{error}; {PIP}, or leave the ort peers out with --peers")
    import tempfile
    import warnings

    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(arguments.threads)
    if arguments.device != "cpu" and not torch.cuda.is_available():
        refuse(f"torch {torch.__version__} sees no GPU; use --device cpu")
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as folder:
        try:
            bench = Bench(arguments, Path(folder))
        except Exception as error:
            refuse(f"{arguments.model}: transformers cannot load it: {type(error).__name__}: {error}")
        if not bench.shared.texts:
            refuse(f"{arguments.lines}: no lines")
        hello = bench.hello()
        if arguments.serve:
            print(json.dumps(hello), file=ANSWERS, flush=True)
            return serve(bench)
        seconds: dict[str, list[float]] = {name: [] for name in bench.peers}
        for _ in range(arguments.passes):
            for name in bench.peers:
                seconds[name].append(bench.run_pass(name)["seconds"])
        reference = bench.reference()
        clear = [row for row, gap in enumerate(reference["gaps"]) if gap > 1e-3]
        results = {}
        for name, each in seconds.items():
            classes = bench.answers[name]
            same = sum(classes[row] == reference["classes"][row] for row in range(len(classes)))
            same_clear = sum(classes[row] == reference["classes"][row] for row in clear)
            results[name] = {
                "seconds": each,
                "lines_per_second_median": hello["lines"] / statistics.median(each),
                "lines_per_second_best": hello["lines"] / min(each),
                "tokens_per_second_median": hello["tokens"] / statistics.median(each),
                "label_agreement_with_f32": same / len(classes),
                "label_agreement_with_f32_where_clear": same_clear / max(1, len(clear)),
            }
        print(json.dumps(hello | {"results": results}, indent=1), file=ANSWERS, flush=True)


if __name__ == "__main__":
    # Libraries print to standard output as they please; the answers get a copy of it, everything else goes to standard error.
    ANSWERS = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    main()
