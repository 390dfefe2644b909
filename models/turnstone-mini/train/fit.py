"""Fits one classifier: loss, optimiser, learning rate, moving average, checkpoints after every epoch."""

import copy
import json
import random
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from corpus.labels import LABELS
from data import Draw, batches, encode, worn

UNKNOWN = "[UNK]"


@dataclass(frozen=True)
class Recipe:
    """How one classifier is fitted."""

    rate: float = 3e-4
    """Peak learning rate of the layers; embeddings take `embedding_share` of it and the head four times as much."""
    embedding_share: float = 0.3
    batch: int = 32
    normal_weight: float = 1.4
    """Weight of NORMAL in the loss: real logs are nearly all NORMAL, and a false detection costs a person's time."""
    smoothing: float = 0.03
    focal: float = 0.0
    """Exponent of the focal loss (Lin et al. 2017, arXiv:1708.02002); 0 is cross entropy."""
    contrast: float = 0.0
    """Weight of the supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362) on the head's input."""
    distil: float = 0.0
    """Weight of the teacher's answers (Hinton et al. 2015, arXiv:1503.02531, temperature 2) against the labels'."""
    average: float = 0.995
    """Decay of the moving average of the weights, which is what is kept."""


def loss_weights(truth: list[int], recipe: Recipe) -> torch.Tensor:
    """Weight of each label: rare ones a little more, NORMAL as the recipe says."""
    counts = np.bincount(truth, minlength=len(LABELS))
    weight = torch.tensor((counts.mean() / np.maximum(counts, 1)) ** 0.3, dtype=torch.float32)
    weight[0] = recipe.normal_weight
    return weight


def label_loss(logits, truth, weight, recipe: Recipe):
    """Cross entropy with label smoothing, or the focal loss."""
    if not recipe.focal:
        return functional.cross_entropy(logits, truth, weight=weight, label_smoothing=recipe.smoothing)
    logs = functional.log_softmax(logits, 1)
    right = logs.gather(1, truth[:, None])[:, 0]
    return (-weight[truth] * (1 - right.exp()) ** recipe.focal * right).sum() / weight[truth].sum()


def contrast_loss(features, truth):
    """Lines of one label are drawn together, those of others, look-alikes included, pushed apart."""
    unit = functional.normalize(features, dim=1)
    alike = unit @ unit.T / 0.1
    alike.fill_diagonal_(-1e4)
    same = (truth[:, None] == truth[None, :]).float().fill_diagonal_(0)
    logs = alike - torch.logsumexp(alike, 1, keepdim=True)
    return -((logs * same).sum(1) / same.sum(1).clamp(min=1)).mean()


def distil_loss(logits, teacher):
    """Kullback-Leibler divergence from the teacher's answers at temperature 2."""
    return 4 * functional.kl_div(functional.log_softmax(logits / 2, 1), functional.log_softmax(teacher / 2, 1), log_target=True, reduction="batchmean")


class Average:
    """A moving average of a model's weights."""

    def __init__(self, model, decay: float):
        self.model, self.decay, self.steps = copy.deepcopy(model).eval(), decay, 0

    @torch.no_grad()
    def update(self, model) -> None:
        """Takes in the weights after a step; the first steps count more, as there is no past yet."""
        self.steps += 1
        share = max(1 - self.decay, 1 / (self.steps + 1))
        for kept, now in zip(self.model.parameters(), model.parameters()):
            kept.lerp_(now, share)


def _groups(model, recipe: Recipe) -> list[dict]:
    named = list(model.named_parameters())
    return [
        {"params": [p for n, p in named if n.startswith("bert.embeddings")], "lr": recipe.rate * recipe.embedding_share},
        {"params": [p for n, p in named if n.startswith("bert.") and "embeddings" not in n], "lr": recipe.rate},
        {"params": list(model.classifier.parameters()), "lr": recipe.rate * 4},
    ]


def _digest(rows: Draw) -> int:
    return zlib.crc32("\n".join(rows.texts).encode("utf-8", "surrogatepass"), zlib.crc32(bytes(rows.truth)))


def fit(name: str, model, tokenizer, draws: list[Draw], recipe: Recipe, seed: int, work: Path, teacher: list[np.ndarray] | None = None):
    """Trains `model` on one draw an epoch and returns the average of its weights.

    After every epoch all state goes to `work/name.pt`; a call that finds such a file of the same recipe goes on from there.
    """
    described = json.dumps({**asdict(recipe), "seed": seed, "draws": [_digest(d) for d in draws], "weights": sum(p.numel() for p in model.parameters())})
    device = next(model.parameters()).device
    groups = _groups(model, recipe)
    base = [group["lr"] for group in groups]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.02, fused=True)
    average = Average(model, recipe.average)
    weight = loss_weights(draws[0].truth, recipe).to(device)
    steps = sum(-(-len(d) // recipe.batch) for d in draws)
    warm = min(60, steps // 10 + 1)
    unknown = tokenizer.token_to_id(UNKNOWN)
    begin, step, spent = 0, 0, 0.0
    checkpoint = work / f"{name}.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=device)
        if state["described"] == described:
            model.load_state_dict(state["model"])
            average.model.load_state_dict(state["average"])
            optimiser.load_state_dict(state["optimiser"])
            begin, step, spent, average.steps = state["epoch"], state["step"], state["spent"], state["step"]
            print(f"{name}: goes on behind epoch {begin} of {len(draws)}", flush=True)
    started, running = time.time() - spent, 0.0
    model.train()
    for epoch in range(begin, len(draws)):
        # Seeded by epoch, so that an interrupted run and an uninterrupted one see the same.
        rng = random.Random(f"{seed} {epoch}")
        torch.manual_seed(seed * 1000 + epoch)
        encoded, truth = encode(tokenizer, draws[epoch].texts), draws[epoch].truth
        for rows in batches(rng, encoded, recipe.batch):
            done = step / steps
            for group, rate in zip(optimiser.param_groups, base):
                group["lr"] = rate * min(1.0, (step + 1) / warm) * (1 - done)
            lines = [worn(rng, encoded[row], unknown) for row in rows]
            width = max(map(len, lines))
            ids = torch.tensor([line + [0] * (width - len(line)) for line in lines], device=device)
            wanted = torch.tensor([truth[row] for row in rows], device=device)
            with torch.autocast(device.type, dtype=torch.bfloat16):
                features = model.bert(input_ids=ids, attention_mask=(ids != 0).long()).pooler_output
                logits = model.classifier(model.dropout(features))
            logits = logits.float()
            loss = label_loss(logits, wanted, weight, recipe)
            if recipe.distil:
                loss = (1 - recipe.distil) * loss + recipe.distil * distil_loss(logits, torch.from_numpy(teacher[epoch][rows]).to(device))
            if recipe.contrast:
                loss = loss + recipe.contrast * contrast_loss(features.float(), wanted)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            average.update(model)
            step += 1
            running += (loss.item() - running) / min(step, 50)
            if step % 100 == 0:
                print(f"{name}: epoch {epoch + 1} step {step}/{steps} loss {running:.3f} {(time.time() - started) / step:.2f} s/step", flush=True)
        state = {"described": described, "model": model.state_dict(), "average": average.model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch + 1, "step": step, "spent": time.time() - started}
        work.mkdir(parents=True, exist_ok=True)
        torch.save(state, checkpoint.with_suffix(".part"))
        checkpoint.with_suffix(".part").replace(checkpoint)
    return average.model
