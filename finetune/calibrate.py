"""Scores to probabilities, and the probabilities from which the bot answers, offers or gives up.

All of it is fitted on the validation split with the encoder that serves, the quantised one.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.search import Thresholds

Floats = NDArray[Any]

STRICT, LOOSE = 0.85, 0.55
"""Between these lies the share of first answers that must be the agent's own choice before answers are said."""

OVER_AGENTS = 0.95
"""How often the bot must agree with an agent, by how often two agents agree with each other.

The agent's choice is one of several right answers where a shop words one fact in many ways, and the only one where it
has one answer a question; how often two agents give the same answer to the same question tells which shop this is. A
bot that is always right agrees with an agent about as often as agents do. On the sample log they agree in six of ten
cases; of 25 questions there whose first answer was not the agent's, at
probabilities from .38 to .57, that answer was right by eye in 24.
"""

FEWEST_REPEATED = 30
"""Repeated questions below which nothing is known about how agents agree."""

IN_SCOPE = 0.97
"""Share of real questions that must not be taken for out of scope."""

_OFFERED = 0.9


def temperature_of(logits: Floats, gold: NDArray[np.int64]) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017, section 4.2), 0.2..5.

    Args:
        logits: (n, classes).
        gold: (n,) right class.
    """
    from scipy.optimize import minimize_scalar

    scores = np.asarray(logits, dtype=np.float64)

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        top = scaled.max(axis=1, keepdims=True)
        total = np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0]  # (n,)
        return float((total - scaled[np.arange(len(gold)), gold]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.2), np.log(5.0)), method="bounded").x))


def blend_of(first: Floats, second: Floats, gold: NDArray[np.int64]) -> tuple[float, float]:
    """The two weights, 0 or more, under which the sum of two classifiers' logits is most likely.

    Args:
        first: (n, classes) logits.
        second: (n, classes) logits of the other.
        gold: (n,) right class.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    halves = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    rows = np.arange(len(gold))

    def loss(at: Floats) -> tuple[float, Floats]:
        logs = log_softmax(at[0] * halves[0] + at[1] * halves[1], axis=1)  # (n, classes)
        share = np.exp(logs)
        gradient = [((share * half).sum(axis=1) - half[rows, gold]).mean() for half in halves]
        return float(-logs[rows, gold].mean()), np.array(gradient)

    found = minimize(loss, np.array([1.0, 0.5]), jac=True, method="L-BFGS-B", bounds=[(0.0, 10.0)] * 2)
    return float(found.x[0]), float(found.x[1])


def platt_of(scores: Floats, right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of Platt's sigmoid, with his smoothed targets (1999, section 2.2).

    Args:
        scores: (n,) of candidates.
        right: (n,) whether each was the right answer.

    Returns:
        ``(1.0, 0.0)`` when there is nothing to learn from: fewer than 10 scores, or all of one kind.
    """
    from scipy.optimize import minimize

    hits, misses = int(right.sum()), int((~right).sum())
    if hits + misses < 10 or not hits or not misses:
        return 1.0, 0.0
    targets = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))

    def loss(at: Floats) -> float:
        logit = at[0] * scores + at[1]
        return float((np.logaddexp(0.0, logit) - targets * logit).mean())

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return (float(slope), float(offset)) if slope > 0 else (1.0, 0.0)


@dataclass(frozen=True)
class Judged:
    """A held-out question after ranking.

    Attributes:
        best: Probability of the answer that came first.
        right: Whether it was the agent's.
        offered: Whether the agent's was among the first three.
        known: Probability that the question is in scope.
    """

    best: float
    right: bool
    offered: bool
    known: float


def precision_wanted(agreed: list[bool]) -> float:
    """Share of first answers that must be the agent's own choice, ``LOOSE``..``STRICT``.

    Args:
        agreed: For each repeated question whether two agents gave it the same answer; too few count as not known.
    """
    if len(agreed) < FEWEST_REPEATED:
        return (STRICT + LOOSE) / 2
    return min(max(OVER_AGENTS * sum(agreed) / len(agreed), LOOSE), STRICT)


def thresholds_of(judged: list[Judged], *, noise: list[float], precision: float) -> Thresholds:
    """Chooses the thresholds.

    Args:
        judged: Held-out questions; with fewer than 20 the defaults stay.
        noise: ``known`` of texts that are no questions at all.
        precision: From ``precision_wanted``.
    """
    default = Thresholds()
    if len(judged) < 20:
        return default
    sure = _least_precise(judged, precision)
    offered = [row.best for row in judged if row.offered]
    unsure = float(np.quantile(offered, 1 - _OFFERED)) if offered else default.unsure
    known = float(np.quantile([row.known for row in judged], 1 - IN_SCOPE))
    above_noise = float(np.quantile(noise, 0.99)) + 0.01 if noise else known
    known = min(max(known, 0.2), 0.7) if above_noise > known else max(above_noise, min(known, 0.5))
    return Thresholds(sure=round(sure, 4), unsure=round(min(unsure, 0.6 * sure), 4), known=round(known, 4))


def _least_precise(judged: list[Judged], precision: float) -> float:
    """The lowest probability above which the first answer is right often enough; within 0.3..0.9."""
    rows = sorted(judged, key=lambda row: -row.best)
    right = np.cumsum([row.right for row in rows]) / np.arange(1, len(rows) + 1)  # precision down to each row
    good = np.flatnonzero(right >= precision)
    good = good[good >= max(10, len(rows) // 20)]
    sure = rows[int(good[-1])].best if len(good) else float(np.quantile([row.best for row in rows], 0.8))
    return float(min(max(sure, 0.3), 0.9))


def noise_texts(count: int = 60, *, seed: int = 0) -> list[str]:
    """Texts that mean nothing: random letters in word-like groups, the same for one seed."""
    draw = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        " ".join("".join(draw.choices(letters, k=draw.randint(3, 8))) for _ in range(draw.randint(1, 4)))
        for _ in range(count)
    ]


def save_thresholds(thresholds: Thresholds, path: Path, *, notes: dict[str, float]) -> None:
    """Writes ``thresholds.json``; ``notes`` are what they were chosen by."""
    path.write_text(json.dumps({**asdict(thresholds), "calibration": notes}, indent=2) + "\n", encoding="utf-8")
