"""Trains turnstone-mini from the generated corpus and writes the model folder.

    pip install -r requirements.txt && python train.py --out ..

Seeded; on a GPU where there is one; goes on where an interrupted run stopped (`--work`). Whole programs are held out of training, for the figures and
for the temperature. A teacher (all layers, all words) is fitted first; the shipped model is the mean of several students of it.
"""

import argparse
import copy
import json
import random
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from corpus import PAIRED, generate
from corpus.labels import LABELS
from data import Draw, draw, encode, normalised
from encoder import new_model, package_folder, prune_vocabulary, student_of, weightiest_neurons
from fit import Recipe, fit
from folder import write_folder
from measure import figures, plain, predict, show, softmax


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the least negative log likelihood (Guo et al. 2017, arXiv:1706.04599), by a plain grid."""
    grid = np.exp(np.linspace(np.log(0.3), np.log(5.0), 160))
    return float(min(grid, key=lambda t: -np.log(softmax(logits / t)[np.arange(len(truth)), truth] + 1e-9).mean()))


def held_out(seed: int) -> tuple[Draw, Draw]:
    """Templates of the programs that training never sees: those written as pairs of look-alikes, and the others."""
    lines = normalised(generate(seed + 99, 2, held_out=True))
    parts = [line for line in lines if line.program in PAIRED], [line for line in lines if line.program not in PAIRED]
    pairs, others = (Draw([line.text for line in part], [LABELS.index(line.label) for line in part]) for part in parts)
    return pairs, others


def report(name: str, model, tokenizer, rows: Draw, temperature: float = 1.0) -> dict:
    """Prints and returns the figures of a model."""
    labelled = [{"text": text, "label": LABELS[truth]} for text, truth in zip(rows.texts, rows.truth)]
    result = figures(labelled, softmax(predict(model, tokenizer, rows.texts) / temperature))
    show(name, result)
    return result


def mean_of(models: list):
    """The mean of the weights of models that began as one (Wortsman et al. 2022, arXiv:2203.05482)."""
    mean = copy.deepcopy(models[0])
    with torch.no_grad():
        for kept, *others in zip(mean.parameters(), *(model.parameters() for model in models[1:])):
            kept.copy_(torch.stack([kept, *others]).mean(0))
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model into")
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder of the checkpoints; delete it to begin anew")
    parser.add_argument("--layers", default="0,1,2", help="encoder layers to keep")
    parser.add_argument("--inner", type=int, default=1536, help="inner neurons to keep in each layer's feed-forward part, of 1,536; only a student of a teacher can have fewer")
    parser.add_argument("--vocabulary", type=int, default=15_000, help="tokens to keep")
    parser.add_argument("--epochs", type=int, default=4, help="draws of the corpus that a student sees")
    parser.add_argument("--teacher-epochs", type=int, default=4, help="0: no teacher, students learn from the labels alone")
    parser.add_argument("--students", type=int, default=2)
    parser.add_argument("--teacher-out", type=Path, help="also write the teacher as a model folder")
    parser.add_argument("--distil", type=float, default=0.5)
    parser.add_argument("--focal", type=float, default=0.0)
    parser.add_argument("--contrast", type=float, default=0.0)
    parser.add_argument("--embedding-share", type=float, default=Recipe.embedding_share)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    # CUDA's fast products have no deterministic form; there, two runs differ a little.
    torch.use_deterministic_algorithms(options.device == "cpu")
    source = package_folder()
    draws = [draw(options.seed + n) for n in range(max(options.epochs, options.teacher_epochs))]
    pairs, validation = held_out(options.seed)
    print(f"{', '.join(str(len(d)) for d in draws)} templates in the draws, {len(validation)} held out and {len(pairs)} look-alikes of held-out programs", flush=True)
    recipe = Recipe(focal=options.focal, contrast=options.contrast, embedding_share=options.embedding_share)

    teacher, answers = None, None
    if options.teacher_epochs:
        whole_json, whole = prune_vocabulary(source, [], 0)
        whole_tokenizer = Tokenizer.from_str(whole_json)
        teacher = new_model(source, list(range(6)), whole, 0.1, options.seed).to(options.device)
        print(f"teacher: {sum(p.numel() for p in teacher.parameters()) / 1e6:.2f} M weights", flush=True)
        teacher = fit("teacher", teacher, whole_tokenizer, draws[: options.teacher_epochs], Recipe(rate=2e-4), options.seed, options.work)
        report("teacher, held-out programs", teacher, whole_tokenizer, validation)
        if options.teacher_out:
            write_folder(options.teacher_out, teacher, whole_json)
        answers = [answers_of(teacher, whole_tokenizer, d, options.work) for d in draws[: options.epochs]]
        recipe = replace(recipe, distil=options.distil)

    tokenizer_json, kept = prune_vocabulary(source, [text for d in draws for text in d.texts], options.vocabulary)
    tokenizer = Tokenizer.from_str(tokenizer_json)
    layers = [int(layer) for layer in options.layers.split(",")]
    if teacher is None:
        begin = new_model(source, layers, kept, 0.1, options.seed).to(options.device)
    else:
        teacher = teacher.to("cpu")
        sample = encode(whole_tokenizer, random.Random(options.seed).sample(draws[0].texts, min(2000, len(draws[0]))))
        inner = weightiest_neurons(teacher, [torch.tensor([ids]) for ids in sample], options.inner)
        begin = student_of(teacher, source, layers, inner, kept, 0.1).to(options.device)
    print(f"student: layers {options.layers}, {len(kept)} tokens, {sum(p.numel() for p in begin.parameters()) / 1e6:.2f} M weights", flush=True)
    students = []
    for number in range(options.students):
        student = fit(f"student-{number}", copy.deepcopy(begin), tokenizer, draws[: options.epochs], recipe, options.seed + number, options.work, answers)
        report(f"student {number}, held-out programs", student, tokenizer, validation)
        students.append(student)
    model = mean_of(students)

    # Real logs are mostly of programs that the corpus knows, so the scores are fitted on as many new templates of
    # trained programs as on templates of held-out ones: the latter alone, and look-alikes, make the model too modest elsewhere.
    trained = {text for d in draws for text in d.texts}
    fresh = draw(options.seed + 98)
    unseen = [row for row, text in enumerate(fresh.texts) if text not in trained]
    unseen = random.Random(options.seed).sample(unseen, min(len(unseen), len(validation)))
    calibration = Draw(validation.texts + [fresh.texts[row] for row in unseen], validation.truth + [fresh.truth[row] for row in unseen])
    temperature = fit_temperature(predict(model, tokenizer, calibration.texts), np.array(calibration.truth))
    with torch.no_grad():
        model.classifier.weight /= temperature
        model.classifier.bias /= temperature
    print(f"temperature {temperature:.3f}")
    result = report("mean of the students, held-out programs", model, tokenizer, validation)
    paired = report("mean of the students, look-alikes of held-out programs", model, tokenizer, pairs)
    write_folder(options.out, model, tokenizer_json)
    kept_as = options.out / "train" / "held_out.json"
    kept_as.parent.mkdir(exist_ok=True)
    kept_as.write_text(json.dumps({"temperature": round(temperature, 4), "seed": options.seed, "programs": plain(result), "look_alikes": plain(paired)}, indent=1) + "\n")


def answers_of(teacher, tokenizer, rows: Draw, work: Path) -> np.ndarray:
    """The teacher's logits of a draw; computed once for a teacher and a draw."""
    key = zlib.crc32("\n".join(rows.texts).encode(), zlib.crc32(teacher.classifier.weight.detach().cpu().numpy().tobytes()))
    kept = work / f"answers-{key:08x}.npy"
    if not kept.exists():
        np.save(kept, predict(teacher, tokenizer, rows.texts))
    return np.load(kept)


if __name__ == "__main__":
    main()
