"""The pace of a training run: batches of like length, a learning rate by steps and clock, judgements and progress."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from sentence_transformers.base.sampler import DefaultBatchSampler
from transformers.trainer_callback import TrainerCallback

from finetune.progress import Progress
from finetune.recipe import Recipe

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


def length_batches(dataset: Dataset, batch_size: int, seed: int = 0, **_: Any) -> LengthBatches:
    """What the trainer calls for a sampler: see ``LengthBatches``."""
    column = "context" if "context" in dataset.column_names else "text"
    return LengthBatches([len(text) for text in dataset[column]], batch_size=batch_size, seed=seed)


class Pace(TrainerCallback):
    """Warms up, lets the learning rate fall to 0, judges at even distances, stops in time.

    Args:
        judge: Asked whether to go on.
        recipe: For warm-up and the number of judgements.
        budget: Seconds.
        progress: Told how far the run is.
    """

    def __init__(self, judge: Judge, recipe: Recipe, *, budget: float, progress: Progress) -> None:
        self.judge, self.recipe, self.budget, self.progress = judge, recipe, budget, progress
        self.total = 1
        self._started = 0.0
        self._judged = 0

    def done(self, step: int) -> float:
        """Share 0..1 of the run that is over, by steps or by the clock."""
        elapsed = time.monotonic() - self._started if self._started else 0.0
        return min(1.0, max(step / max(1, self.total), elapsed / self.budget))

    def learning_rate(self, step: int) -> float:
        """Factor 0..1 on the recipe's learning rate: up within ``warmup``, then down in a line."""
        done, warmup = self.done(step), max(self.recipe.warmup, 1e-9)
        if step == 0:
            return min(1.0, 1.0 / (warmup * max(1, self.total)))
        return min(done / warmup, (1.0 - done) / (1.0 - warmup)) if warmup < 1 else 1.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Starts the clock."""
        self._started = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Judges when it is time, and ends the run when nothing is gained or the budget is spent."""
        done = self.done(state.global_step)
        figures = [score for _, score in self.judge.outcome.judgements]
        self.progress(done, f"validation MRR {figures[-1]:.3f} (before {figures[0]:.3f})")
        if done >= 1.0:
            control.should_training_stop = True
        elif int(done * self.recipe.evaluations) > self._judged:
            self._judged = int(done * self.recipe.evaluations)
            if not self.judge.judge(state.global_step):
                control.should_training_stop = True
