"""The pace of a training run: batches of like length, a learning rate by steps and clock, judgements and progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sentence_transformers.base.sampler import DefaultBatchSampler
from transformers.trainer_callback import TrainerCallback

from finetune import processes
from finetune.checkpoints import Checkpoints
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.tracking import Tracker

if TYPE_CHECKING:
    from datasets import Dataset

    from finetune.trainer import Judge

_POOL = 40
"""Batches that are filled from one sorted pool: texts of like length together, yet other company each epoch."""


class LengthBatches(DefaultBatchSampler):
    """Random batches of texts of like length, so that little is computed for padding (about a third is saved).

    Args:
        lengths: Characters of each row.
        batch_size: Rows a batch.
        seed: Of the shuffling; each epoch has its own.
    """

    def __init__(self, lengths: list[int], *, batch_size: int, seed: int) -> None:
        super().__init__(range(len(lengths)), batch_size=batch_size, drop_last=False)
        self._lengths = np.asarray(lengths)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self.seed, self.epoch))
        order = random.permutation(len(self._lengths))
        pools = [order[i : i + self.batch_size * _POOL] for i in range(0, len(order), self.batch_size * _POOL)]
        batches: list[list[int]] = []
        for pool in pools:
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            batches += [pool[i : i + self.batch_size].tolist() for i in range(0, len(pool), self.batch_size)]
        self.epoch += 1
        yield from (batches[i] for i in random.permutation(len(batches)))

    def __len__(self) -> int:
        return math.ceil(len(self._lengths) / int(self.batch_size))


def batch_sampler(recipe: Recipe) -> Callable[..., LengthBatches]:
    """What the trainer calls for the batches of a task.

    Pairs come ``cached_batch`` at a time where the recipe says so; a task of single texts needs no company and keeps
    ``batch_size``.
    """

    def sampler(dataset: Dataset, batch_size: int, seed: int = 0, **_: Any) -> LengthBatches:
        pairs = "context" in dataset.column_names
        lengths = [len(text) for text in dataset["context" if pairs else "text"]]
        size = recipe.cached_batch if pairs and recipe.cached_batch else recipe.batch_size
        return LengthBatches(lengths if recipe.length_buckets else [0] * len(lengths), batch_size=size, seed=seed)

    return sampler


class Pace(TrainerCallback):
    """Warms up, lets the learning rate fall to 0, judges at even distances, writes checkpoints, stops in time.

    Args:
        judge: Asked whether to go on.
        recipe: For warm-up and the number of judgements.
        budget: Seconds; infinite takes no notice of the clock.
        progress: Told how far the run is.
        checkpoints: Where they go.
        track: Told loss, learning rate and judgements.
    """

    def __init__(
        self,
        judge: Judge,
        recipe: Recipe,
        *,
        budget: float,
        progress: Progress,
        checkpoints: Checkpoints,
        track: Tracker,
    ) -> None:
        self.judge, self.recipe, self.budget, self.progress = judge, recipe, budget, progress
        self.checkpoints, self.track = checkpoints, track
        self.total = 1
        self._started = 0.0
        self._before = 0.0
        self._judged = 0
        self._measured = (-1, 0.0)

    @property
    def seconds(self) -> float:
        """Of training so far, those before a resumption too."""
        return self._before + (time.monotonic() - self._started if self._started else 0.0)

    def done(self, step: int) -> float:
        """Share 0..1 of the run that is over, by steps or by the clock of the first process."""
        if self._measured[0] != step:
            share = min(1.0, max(step / max(1, self.total), self.seconds / self.budget))
            self._measured = step, processes.shared(share)
        return self._measured[1]

    def learning_rate(self, step: int) -> float:
        """Factor 0..1 on the recipe's learning rate: up within ``warmup``, then down in a line."""
        done, warmup = self.done(step), max(self.recipe.warmup, 1e-9)
        if step == 0:
            return min(1.0, 1.0 / (warmup * max(1, self.total)))
        return min(done / warmup, (1.0 - done) / (1.0 - warmup)) if warmup < 1 else 1.0

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a checkpoint holds of the run: tensors and notes."""
        tensors, notes = self.judge.state()
        return tensors, {**notes, "seconds": self.seconds, "judged": self._judged}

    def restore(self, tensors: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
        """Puts back what ``state`` gave."""
        self.judge.put_back(tensors, notes)
        self._before, self._judged = notes["seconds"], notes["judged"]

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Starts the clock."""
        self._started = time.monotonic()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Averages the weights; lets AdaLoRA share out its ranks, which needs the gradients."""
        if self.recipe.method == "adalora":
            kwargs["model"][0].auto_model.update_and_allocate(state.global_step + 1)
        self.judge.average.step()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Passes loss and learning rate on."""
        wanted = {"loss": "train/loss", "learning_rate": "train/learning_rate", "grad_norm": "train/gradient"}
        self.track(state.global_step, **{wanted[key]: value for key, value in (logs or {}).items() if key in wanted})

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Judges when it is time, and ends the run when nothing is gained or the budget is spent.

        Forgets the gradients of the class layers too: the trainer only zeroes those of the encoder.
        """
        for _, weight in self.judge.trained():
            weight.grad = None
        done = self.done(state.global_step)
        figures = [score for _, score in self.judge.outcome.judgements]
        self.progress(done, f"validation {self.judge.figure} {figures[-1]:.3f} (before {figures[0]:.3f})")
        if done >= 1.0:
            control.should_training_stop = True
        elif int(done * self.recipe.evaluations) > self._judged:
            self._judged = int(done * self.recipe.evaluations)
            if not self.judge.judge(state.global_step):
                control.should_training_stop = True
            self.track(state.global_step, **{f"valid/{self.judge.figure}": self.judge.outcome.judgements[-1][1]})
        if self.checkpoints.is_due and not control.should_training_stop:
            control.should_save = True
