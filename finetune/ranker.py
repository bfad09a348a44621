"""Fits the ranker's weights: the agent's answer before the other candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from finetune.calibrate import platt_of
from retrieval.match import Match
from retrieval.metrics import mrr
from retrieval.rank import FEATURES, Features, Ranker

_LEAST = 30
_LEAST_CHOSEN = 100
_FOLDS = 4
_PULL = 0.01
"""How strongly weights are drawn to the hand-set ones, where the data has nothing to say against them."""

CHOICES: tuple[tuple[str, ...], ...] = (
    (),
    ("outcome",),
    ("outcome", "given_near"),
    ("outcome", "given_near", "lexical_context"),
    ("outcome", "given_near", "lexical_context", "bridge"),
)
"""Evidence that may be left out, what seldom helps first: on TweetSumm all of it gains, on STAR little (see
docs/explain/ranking.md)."""


@dataclass(frozen=True)
class Ranked:
    """A query's candidates with the right one marked.

    Attributes:
        features: (n, F).
        right: Position of the agent's answer among the candidates, or -1.
        weight: How much it counts in fitting (`Example.weight`).
    """

    features: Features
    right: int
    weight: float = 1.0

    @classmethod
    def of(cls, match: Match, row: int, *, weight: float = 1.0) -> Ranked:
        """From a match and the row of the right answer in the index (-1 for none)."""
        place = np.flatnonzero(match.rows == row)
        return cls(match.features, int(place[0]) if len(place) else -1, weight)


def fit_ranker(queries: Sequence[Ranked]) -> Ranker:
    """Weights that maximise the likelihood of the right candidate in a softmax over all (ListNet, Cao et al. 2007).

    The weights are held near the hand-set ones, so that evidence that never shows on the validation split (recency in
    a log without times, nearness where every answer is new) keeps its sense. Evidence of ``CHOICES`` is used only as
    far as it gains in cross-validation. With fewer than 30 usable queries the hand-set weights stay.

    Args:
        queries: Of the validation split, in the order of the log.
    """
    usable = [query for query in queries if query.right >= 0 and len(query.features) > 1]
    if len(usable) < _LEAST:
        return Ranker.default()
    if len(usable) < _LEAST_CHOSEN:
        return _fitted(usable, ())
    return _fitted(usable, max(CHOICES, key=lambda left_out: _held_out_mrr(usable, left_out)))


def _held_out_mrr(queries: Sequence[Ranked], left_out: tuple[str, ...]) -> float:
    """Mean reciprocal rank over folds of neighbouring queries: those of one conversation stay together."""
    places = np.array_split(np.arange(len(queries)), _FOLDS)
    ranks: list[int] = []
    for held in places:
        ranker = _fitted([queries[i] for other in places if other is not held for i in other], left_out)
        for query in (queries[i] for i in held):
            scores = ranker.scores(query.features)
            ranks.append(int((scores >= scores[query.right]).sum()))
    return mrr(ranks)


def _fitted(usable: Sequence[Ranked], left_out: tuple[str, ...]) -> Ranker:
    """The weights of all features but those left out, which weigh nothing."""
    from scipy.optimize import minimize

    default = Ranker.default()
    used = np.array([name not in left_out for name in FEATURES], dtype=np.float64)  # (F,)
    table = np.concatenate([query.features for query in usable]) * used  # (candidates, F)
    starts = np.cumsum([0, *(len(query.features) for query in usable[:-1])])
    right = starts + np.array([query.right for query in usable])
    weight = np.array([query.weight for query in usable])
    weight /= weight.sum()
    spread = np.maximum(table.std(axis=0), 1e-3)
    prior = np.asarray(default.weights) * used
    owner = np.repeat(np.arange(len(usable)), [len(query.features) for query in usable])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = table @ weights
        scores -= np.maximum.reduceat(scores, starts)[owner]
        raised = np.exp(scores)
        total = np.add.reduceat(raised, starts)
        away = (weights - prior) * spread
        value = weight @ (np.log(total) - scores[right]) + _PULL * (away**2).sum()
        share = raised / total[owner] * weight[owner]
        gradient = share @ table - weight @ table[right] + 2 * _PULL * away * spread
        return float(value), gradient

    found = minimize(loss, prior, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    weights = tuple(float(weight) for weight in found.x * used)
    size = len(FEATURES)
    return Ranker(weights, (0.0,) * size, (1.0,) * size, bias=default.bias)


def with_platt(ranker: Ranker, queries: Sequence[Ranked], *, first: int = 3) -> Ranker:
    """The ranker with probabilities fitted to the first candidates of each query, the right one present or not."""
    scores, right = [], []
    for query in queries:
        order = np.argsort(-ranker.scores(query.features), kind="stable")[:first]
        scores.append(ranker.scores(query.features[order]))
        right.append(order == query.right)
    if not scores:
        return ranker
    slope, offset = platt_of(np.concatenate(scores), np.concatenate(right))
    return replace(ranker, platt_slope=slope, platt_offset=offset)
