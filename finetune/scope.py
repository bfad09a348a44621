"""Weighs what speaks for a message being in scope, on messages that training did not see.

Held-out messages are the one side. The other is examples that are out of scope where a dataset has them, messages of
intents that were left out of training (Lin, Xu 2019, arXiv:1906.00434, section 4, take such for unknown ones), and
noise: random letters, keyboards that somebody leaned on, numbers, signs.
"""

from __future__ import annotations

import random
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder import Vectors
from retrieval.scope import EVIDENCE, Evidence, IntentScope

DEFAULT_WEIGHTS: Mapping[str, float] = {
    "nearest": 6.0,
    "near": 4.0,
    "agreed": 1.0,
    "mean": 4.0,
    "logit": 3.0,
    "margin": 2.0,
    "surprise": -1.0,
    "stray": -4.0,
    "spelled": 3.0,
}
"""Before anything was held out: round figures near those that CLINC150's validation split gave."""

DEFAULT_BIAS = -14.0

_PULL = 2.0
"""Held-out messages whose weight the defaults have, as a ridge around them."""

IN_SCOPE_LEAST = 0.92
"""Share of held-out messages in scope that must stay so, whatever the rest comes to."""

NOISE_MOST = 0.005
_SHARES = {"outside": 0.8, "noise": 0.2}
_FEWEST = 20


@dataclass(frozen=True)
class HeldOut:
    """Evidence (n, len(EVIDENCE)) of messages that training did not see.

    Attributes:
        inside: Of messages in scope.
        outside: Of messages that are out of scope, or stand for such.
        noise: Of texts that mean nothing.
    """

    inside: Evidence
    outside: Evidence
    noise: Evidence


def default_scope(inside: Vectors, classes: NDArray[np.int64], outside: Vectors) -> IntentScope:
    """A scope with the default weights; see ``IntentScope`` for the arguments."""
    weights = np.array([DEFAULT_WEIGHTS[name] for name in EVIDENCE])
    return IntentScope(inside, classes, outside, weights, DEFAULT_BIAS)


def fit_scope(scope: IntentScope, held_out: HeldOut) -> IntentScope:
    """Fits weights, bias and threshold.

    A logistic regression in which both sides weigh the same, whatever their numbers. Each piece of evidence may only
    speak for what it stands for, and few held-out messages leave the weights near the given ones.

    Args:
        scope: With the weights to begin from.
        held_out: With fewer than 20 messages on a side the scope stays as it is.
    """
    if min(len(held_out.inside), len(held_out.outside)) < _FEWEST:
        return scope
    rows = np.vstack([held_out.inside, held_out.outside, held_out.noise])
    truth = np.repeat([1.0, 0.0, 0.0], [len(held_out.inside), len(held_out.outside), len(held_out.noise)])
    weights, bias = _logistic(rows, truth, _importance(held_out), scope, mass=len(held_out.inside))
    fitted = replace(scope, weights=weights, bias=bias)
    return replace(fitted, least=_threshold(fitted, held_out))


def _importance(held_out: HeldOut) -> NDArray[np.float64]:
    parts = [np.full(len(held_out.inside), 1.0 / len(held_out.inside))]
    for name, rows in (("outside", held_out.outside), ("noise", held_out.noise)):
        parts.append(np.full(len(rows), _SHARES[name] / max(1, len(rows))))
    return np.concatenate(parts)


def _logistic(
    rows: Evidence, truth: NDArray[np.float64], importance: NDArray[np.float64], prior: IntentScope, *, mass: int
) -> tuple[NDArray[np.float64], float]:
    from scipy.optimize import minimize

    signs = np.sign([DEFAULT_WEIGHTS[name] for name in EVIDENCE])
    start = np.append(prior.weights, prior.bias)
    spread = np.append(rows.std(axis=0), 0.0)  # the bias is free

    def loss(at: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        score = rows @ at[:-1] + at[-1]
        chance = 1 / (1 + np.exp(-np.clip(score, -50, 50)))
        away = (at - start) * spread
        value = (importance * (np.logaddexp(0, score) - truth * score)).sum() + _PULL / mass * (away**2).sum()
        slope = importance * (chance - truth)
        gradient = np.append(slope @ rows, slope.sum()) + 2 * _PULL / mass * away * spread
        return float(value), gradient

    bounds = [(0.0, None) if sign > 0 else (None, 0.0) for sign in signs] + [(None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000})
    return found.x[:-1], float(found.x[-1])


def _threshold(scope: IntentScope, held_out: HeldOut) -> float:
    """The probability at which most of both sides are told right, within what may be lost and what noise may pass."""
    inside, outside, noise = (scope.known(rows) for rows in (held_out.inside, held_out.outside, held_out.noise))
    grid = np.linspace(0.02, 0.98, 97)
    kept = (inside[None, :] >= grid[:, None]).mean(axis=1)
    refused = (outside[None, :] < grid[:, None]).mean(axis=1)
    allowed = kept >= min(IN_SCOPE_LEAST, kept[0])
    if len(noise):
        quiet = (noise[None, :] >= grid[:, None]).mean(axis=1) <= NOISE_MOST
        allowed = allowed & quiet if (allowed & quiet).any() else allowed
    score = np.where(allowed, kept + refused - 0.02 * np.abs(grid - 0.5), -1.0)
    return round(float(grid[int(score.argmax())]), 4)


def gibberish(count: int, *, seed: int) -> list[str]:
    """Texts that mean nothing, of eight kinds in turn; the same for one seed."""
    draw = random.Random(seed)
    kinds = (
        lambda: _words(draw, string.ascii_lowercase, 3, 8),
        lambda: _words(draw, "asdfghjkl", 4, 12),
        lambda: _words(draw, "qwertyuiop", 4, 10),
        lambda: _words(draw, string.ascii_letters + string.digits, 5, 16),
        lambda: _words(draw, string.punctuation, 1, 6),
        lambda: _words(draw, string.digits, 1, 9),
        lambda: draw.choice(string.ascii_lowercase) * draw.randint(1, 12),
        lambda: " ".join(_spoken(draw) for _ in range(draw.randint(1, 4))),
    )
    return [kinds[i % len(kinds)]() for i in range(count)]


def _words(draw: random.Random, letters: str, shortest: int, longest: int) -> str:
    return " ".join(
        "".join(draw.choices(letters, k=draw.randint(shortest, longest))) for _ in range(draw.randint(1, 4))
    )


def _spoken(draw: random.Random) -> str:
    """A word that could be one: consonants and vowels in turn."""
    return "".join(draw.choice("bcdfgklmnprstvz") + draw.choice("aeiou") for _ in range(draw.randint(2, 4)))
