"""Tunes the upper layers of an encoder on labelled messages: a softmax over intents, and nearest neighbours that agree.

Two losses share each step. A class layer, which begins at the classes' means, is trained with label smoothing. Beside
it each message is drawn to the messages of its class in a memory of all training vectors (neighbourhood component
analysis with a memory bank; Wu, Efros, Yu 2018, arXiv:1808.04699, section 3): what lies near a message then shares its
intent, which is what telling unknown messages apart goes by. The weights of the last half are averaged (Izmailov et al.
2018, arXiv:1803.05407).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from finetune.losses import CLASS_SCALE
from finetune.progress import Progress
from finetune.upper import Rows, States, UpperLayers, by_length

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

_POOL = 40
_STEPS = 1400
"""Steps that many messages are tuned for; on CLINC150 accuracy on the validation split still rose after 940."""

_AVERAGED = 0.5
"""Share of the steps after which weights are averaged."""


@dataclass(frozen=True)
class Tuning:
    """How much and how fast.

    Attributes:
        frozen: Lower layers that keep their weights.
        epochs: Passes over the messages.
        batch: Messages a step.
        rate: Peak learning rate of the top layer.
        decay: Each layer below learns so much slower than the one above it.
        class_rate: Peak learning rate of the class layer.
        smoothing: Of the labels, 0..1.
        contrast: Weight of the neighbours' loss beside the softmax; 0 leaves it out.
        temperature: Divides cosines in the neighbours' loss.
        dropout: In the layers that learn and on what enters them.
        unseen: Share of a message's tokens that the layers which learn do without at a step, others each time.
        kept: Share 0..1 that the tuned weights have in the end, the rest being those from before (Wortsman et al. 2022,
            arXiv:2109.01903): few messages bend an encoder further than they can tell. Below 1 the class layer no
            longer fits, and a head must be fitted anew.
        minutes: Wall time, at most; the learning rates come to rest by then.
    """

    frozen: int = 2
    epochs: int = 5
    batch: int = 64
    rate: float = 1e-4
    decay: float = 0.85
    class_rate: float = 5e-3
    smoothing: float = 0.1
    contrast: float = 0.5
    temperature: float = 0.1
    dropout: float = 0.1
    unseen: float = 0.0
    kept: float = 1.0
    minutes: float = 30.0


def tuning_of(rows: int, classes: int, *, minutes: float) -> Tuning:
    """By the amount of data: few messages are passed over more often in smaller steps.

    Args:
        rows: Training messages.
        classes: Intents.
        minutes: Wall time, at most.
    """
    if rows < 20 * classes:
        steps = max(160, min(480, 6 * classes))
        return Tuning(batch=32, epochs=max(4, round(steps * 32 / rows)), unseen=0.3, kept=0.7, minutes=minutes)
    return Tuning(epochs=max(4, min(10, round(_STEPS * 64 / rows))), minutes=minutes)


@dataclass
class Tuned:
    """What tuning came to.

    Attributes:
        class_layer: (classes, dim + 1) weights and bias over unit vectors.
        fits: Whether that layer fits the vectors, or the encoder has moved on since.
        losses: Mean loss of each epoch.
        steps: Steps made.
        seconds: Wall time.
    """

    class_layer: NDArray[np.float32]
    fits: bool = True
    losses: list[float] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0

    @classmethod
    def mean_of(cls, runs: Sequence[Tuned]) -> Tuned:
        """Several runs as one: the mean of the class layers; losses, steps and seconds one after the other."""
        layer = np.mean([run.class_layer for run in runs], axis=0, dtype=np.float32)
        return cls(layer, all(run.fits for run in runs), [loss for run in runs for loss in run.losses],
                   sum(run.steps for run in runs), round(sum(run.seconds for run in runs), 1))  # fmt: skip


def two_ways(tuning: Tuning) -> tuple[Tuning, Tuning]:
    """Two runs whose mistakes differ, for the mean of both: one longer that leaves out tokens, one at twice the rate.

    Each has half of the time.
    """
    each = replace(tuning, minutes=tuning.minutes / 2)
    return replace(each, epochs=round(each.epochs * 4 / 3), unseen=0.15), replace(each, rate=2 * each.rate)


def tune_intents(
    model: SentenceTransformer, texts: Sequence[str], gold: Rows, *, classes: int, tuning: Tuning,
    others: Sequence[Tuning] = (), prompt: str = "", seed: int = 0, progress: Progress | None = None,
) -> Tuned:  # fmt: skip
    """Tunes a model in place.

    Args:
        model: BERT-like, with mean pooling; ends in evaluation mode.
        texts: (n,) messages.
        gold: (n,) number of each one's class, 0..classes-1.
        classes: Number of classes.
        tuning: How.
        others: Further runs from the same start, on the same lower layers; the weights are the mean of all runs
            (Wortsman et al. 2022, arXiv:2203.05482).
        prompt: Put before each text.
        seed: Of order and dropout.
        progress: Told how far it is.

    Raises:
        InputError: The loss is no number any more.
    """
    import torch

    started = time.monotonic()
    upper = UpperLayers(model, frozen=tuning.frozen, prompt=prompt)
    states, ways, found, mean = upper.states(texts), (tuning, *others), [], dict[str, Any]()
    for number, way in enumerate(ways):
        torch.manual_seed(seed)
        run = _Run(upper, states, gold, classes, way, started)
        found.append(run.all(np.random.default_rng(seed), part_of(progress, number, len(ways))))
        for name, weight in upper.layers.state_dict().items():
            mean[name] = mean.get(name, 0) + weight / len(ways)
        if number + 1 < len(ways):
            upper.layers.load_state_dict(run.before)
        started = time.monotonic()
    upper.layers.load_state_dict(mean)
    model.eval()
    return Tuned.mean_of(found)


def part_of(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Progress of one of several equal parts as that of the whole."""
    return progress and (lambda done, words: progress((number + done) / parts, words))


class _Run:
    """One run: its class layer, memory, optimiser and averaged weights."""

    def __init__(
        self, upper: UpperLayers, states: States, gold: Rows, classes: int, tuning: Tuning, started: float
    ) -> None:
        import torch

        self.upper, self.states, self.tuning, self.started = upper, states, tuning, started
        device = upper.model.device
        self.gold = torch.from_numpy(gold).to(device)
        self.memory = torch.from_numpy(upper.encode(states)).to(device)  # (n, dim)
        self.layer = _class_layer(self.memory, self.gold, classes)
        for module in upper.layers.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = tuning.dropout
        self.adam = torch.optim.AdamW(self._groups())
        self.peaks = [group["lr"] for group in self.adam.param_groups]
        self.before = {name: weight.detach().clone() for name, weight in upper.layers.named_parameters()}
        self.average: dict[str, Tensor] = {}
        self.averaged = 0

    def all(self, random: np.random.Generator, progress: Progress | None) -> Tuned:
        """Every epoch, or as many as there is time for."""
        per_epoch = math.ceil(len(self.states) / self.tuning.batch)
        total, losses, step, done = per_epoch * self.tuning.epochs, [], 0, 0.0
        for _ in range(self.tuning.epochs):
            self.upper.layers.train()
            seen: list[float] = []
            for rows in self._batches(random):
                if done >= 1.0:
                    break
                seen.append(self._step(rows, done, step))
                step += 1
                spent = (time.monotonic() - self.started) / (60 * self.tuning.minutes)
                done = max(step / total, spent)
                if done > _AVERAGED and step % max(1, total // 16) == 0:
                    self._take_into_average()
                if progress:
                    progress(min(1.0, done), f"loss {seen[-1]:.3f}")
            losses += [round(float(np.mean(seen)), 4)] if seen else []
        self._take_average()
        seconds = round(time.monotonic() - self.started, 1)
        return Tuned(self._unpacked(), fits=self.tuning.kept == 1, losses=losses, steps=step, seconds=seconds)

    def _step(self, rows: Rows, done: float, step: int) -> float:
        import torch
        from torch.nn.functional import cross_entropy

        factor = min((done + 1e-3) / 0.1, 1.0 - done)
        for group, peak in zip(self.adam.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        gold = self.gold[rows]
        tuning = self.tuning
        vectors = self.upper.forward(self.states, rows, dropout=tuning.dropout, unseen=tuning.unseen)  # (batch, dim)
        loss = cross_entropy(self.layer(vectors * CLASS_SCALE), gold, label_smoothing=self.tuning.smoothing)
        if self.tuning.contrast:
            loss = loss + self.tuning.contrast * neighbour_loss(
                vectors, self.memory, gold, self.gold, torch.from_numpy(rows), temperature=self.tuning.temperature
            )
        value = float(loss.detach())
        if not math.isfinite(value):
            raise InputError("tuning of the encoder", got=f"a loss of {value} at step {step}", expected="a number",
                             next_step="Use a lower learning rate, or a base model that is sound.")  # fmt: skip
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.upper.layers.parameters(), 1.0)
        self.adam.step()
        self.memory[rows] = vectors.detach()
        return value

    def _groups(self) -> list[dict[str, Any]]:
        """The layers, each slower than the one above it, and the class layer."""
        layers, tuning = list(self.upper.layers), self.tuning
        groups: list[dict[str, Any]] = [
            {"params": list(layer.parameters()), "lr": tuning.rate * tuning.decay**below, "weight_decay": 0.01}
            for below, layer in enumerate(reversed(layers))
        ]
        return [*groups, {"params": list(self.layer.parameters()), "lr": tuning.class_rate, "weight_decay": 0.0}]

    def _batches(self, random: np.random.Generator) -> Iterator[Rows]:
        """Batches of texts of like length, in random order and other company each epoch."""
        order, size = random.permutation(len(self.states)), self.tuning.batch
        lengths, batches = self.states.lengths, []
        for start in range(0, len(order), size * _POOL):
            pool = order[start : start + size * _POOL]
            batches += [pool[rows] for rows in by_length(lengths[pool], size)]
        yield from (batches[i] for i in random.permutation(len(batches)))

    def _take_into_average(self) -> None:
        self.averaged += 1
        for name, weight in self._weights():
            if name in self.average:
                self.average[name] += (weight.detach() - self.average[name]) / self.averaged
            else:
                self.average[name] = weight.detach().clone()

    def _take_average(self) -> None:
        import torch

        with torch.no_grad():
            for name, weight in self._weights() if self.averaged else ():
                weight.copy_(self.average[name])
            for name, weight in self.upper.layers.named_parameters():
                weight.lerp_(self.before[name], 1 - self.tuning.kept)

    def _weights(self) -> list[tuple[str, Tensor]]:
        return [*self.upper.layers.named_parameters(), *self.layer.named_parameters(prefix="class")]

    def _unpacked(self) -> NDArray[np.float32]:
        weight, bias = (part.detach().cpu().numpy() for part in (self.layer.weight, self.layer.bias))
        return np.asarray(np.concatenate([weight * CLASS_SCALE, bias[:, None]], axis=1), dtype=np.float32)


def _class_layer(vectors: Tensor, gold: Tensor, classes: int) -> nn.Linear:
    """A linear layer whose weights are the means of the classes, of length 1; 0 for a class without a message."""
    import torch

    layer = torch.nn.Linear(vectors.shape[1], classes, device=vectors.device)
    means = torch.zeros((classes, vectors.shape[1]), device=vectors.device).index_add_(0, gold, vectors)
    with torch.no_grad():
        layer.weight.copy_(torch.nn.functional.normalize(means))
        layer.bias.zero_()
    return layer


def neighbour_loss(
    vectors: Tensor, memory: Tensor, labels: Tensor, of_memory: Tensor, rows: Tensor, *, temperature: float
) -> Tensor:
    """-log of the share that each message's own class has of its softmax over a memory of vectors.

    Args:
        vectors: (batch, dim) of length 1.
        memory: (n, dim) of length 1.
        labels: (batch,) classes.
        of_memory: (n,) classes.
        rows: (batch,) each message's own place in the memory, which is left out.
        temperature: Divides the cosines.

    Returns:
        The mean over messages that are not alone in their class; 0 where all are.
    """
    import torch

    cosines = vectors @ memory.T / temperature  # (batch, n)
    cosines = cosines.scatter(1, rows.to(vectors.device)[:, None], float("-inf"))
    same = labels[:, None] == of_memory[None, :]
    among = same.sum(dim=1) > 1
    if not bool(among.any()):
        return vectors.sum() * 0.0
    own = torch.logsumexp(cosines.masked_fill(~same, float("-inf"))[among], dim=1)
    return (torch.logsumexp(cosines[among], dim=1) - own).mean()
