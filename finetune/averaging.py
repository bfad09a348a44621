"""Averages of the weights that a run passes through, which often generalise better than the last ones.

A moving average (Polyak and Juditsky 1992), or the mean of the last judged weights (Izmailov et al. 2018,
arXiv:1803.05407).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Weights = dict[str, Any]


class Average:
    """Keeps an average of the weights that learn.

    Args:
        weights: Called for (name, parameter) pairs of what learns.
        decay: Of the moving average, 0..1; 0 keeps none.
        last: Number of judged weights to take the mean of; 0 keeps none.
    """

    def __init__(self, weights: Callable[[], Iterator[tuple[str, Any]]], *, decay: float, last: int) -> None:
        self._weights, self.decay, self.last = weights, decay, last
        self.steps = 0
        self.moving: Weights = {}
        self.recent: list[Weights] = []

    def step(self) -> None:
        """Moves the average; the decay is smaller in the first steps, so that it does not remember the start."""
        if not self.decay:
            return
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, weight in self._weights():
            now = weight.detach()
            if name in self.moving:
                self.moving[name].lerp_(now.to(self.moving[name].dtype), 1 - decay)
            else:
                self.moving[name] = now.clone()

    def remember(self) -> None:
        """Takes the present weights among the last ones."""
        if self.last:
            self.recent = [*self.recent, copied(self._weights())][-self.last :]

    def mean(self) -> Weights:
        """Of the last judged weights; empty without any."""
        if not self.recent:
            return {}
        return {name: sum(w[name] for w in self.recent) / len(self.recent) for name in self.recent[0]}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within, the model has the moving average; after, its own weights again. Does nothing without one."""
        if not self.moving:
            yield
            return
        own = copied(self._weights())
        put(self._weights(), self.moving)
        try:
            yield
        finally:
            put(self._weights(), own)


def copied(weights: Iterator[tuple[str, Any]]) -> Weights:
    """The values of parameters, as they are now."""
    return {name: weight.detach().clone() for name, weight in weights}


def put(weights: Iterator[tuple[str, Any]], values: Mapping[str, Any]) -> None:
    """Sets parameters to values; one without a value stays."""
    import torch

    with torch.no_grad():
        for name, weight in weights:
            if name in values:
                weight.copy_(values[name])
