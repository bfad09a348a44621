"""Figures of ranking and of confidence, in numpy, each tested against an independent oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

NOT_FOUND = 0
"""The rank of a right answer that is not among the candidates."""


def ranks_of(scores: ArrayLike, gold: ArrayLike) -> NDArray[np.int64]:
    """Position of the right column in each row, from 1. Ties count against us: an equal score stands before it.

    Args:
        scores: (n, candidates), higher is better. NaN is refused.
        gold: (n,) column of the right candidate, or -1 when it is none of them.

    Returns:
        (n,) ranks; ``NOT_FOUND`` where ``gold`` is -1.

    Raises:
        ValueError: A score is NaN.
    """
    table = np.asarray(scores, dtype=np.float64)
    column = np.asarray(gold, dtype=np.int64)
    if np.isnan(table).any():
        raise ValueError("scores hold NaN; a ranking of them means nothing")
    if not table.shape[0]:
        return np.zeros(0, dtype=np.int64)
    right = np.take_along_axis(table, np.maximum(column, 0)[:, None], axis=1)  # (n, 1)
    ranks = (table >= right).sum(axis=1).astype(np.int64)
    return np.where(column >= 0, ranks, NOT_FOUND)


def recall_at(ranks: ArrayLike, k: int) -> float:
    """Share of queries whose right answer is among the first ``k``; 0.0 for no queries.

    Args:
        ranks: (n,) from 1; ``NOT_FOUND`` counts as a miss.
        k: At least 1.
    """
    row = np.asarray(ranks)
    return float(((row >= 1) & (row <= k)).mean()) if row.size else 0.0


def mrr(ranks: ArrayLike) -> float:
    """Mean reciprocal rank; a miss counts 0. 0.0 for no queries."""
    row = np.asarray(ranks, dtype=np.float64)
    if not row.size:
        return 0.0
    return float(np.where(row >= 1, 1.0 / np.maximum(row, 1.0), 0.0).mean())


def ndcg(ranks: ArrayLike, *, k: int = 10) -> float:
    """Normalised discounted cumulative gain with one right answer a query: ``1 / log2(1 + rank)``, 0 below ``k``.

    Järvelin and Kekäläinen 2002, section 2.2; with one right answer the ideal gain is 1. 0.0 for no queries.

    Args:
        ranks: (n,) from 1; ``NOT_FOUND`` counts 0.
        k: Ranks that count, at least 1.
    """
    row = np.asarray(ranks, dtype=np.float64)
    if not row.size:
        return 0.0
    return float(np.where((row >= 1) & (row <= k), 1.0 / np.log2(1.0 + np.maximum(row, 1.0)), 0.0).mean())


def average_precision(ranks: Sequence[int], count: int) -> float:
    """Mean, over all right answers of one query, of the precision where each was found (Manning et al. 2008, 8.4).

    Args:
        ranks: Of the right answers that were found, from 1, ascending.
        count: How many right answers there are; those that were not found count 0. 0.0 for none.
    """
    return sum(found / rank for found, rank in enumerate(ranks, start=1)) / count if count else 0.0


def ndcg_of(ranks: Sequence[int], count: int, *, k: int = 10) -> float:
    """NDCG of one query with several right answers, each as good as the others (see ``ndcg``).

    Args:
        ranks: Of the right answers that were found, from 1.
        count: How many right answers there are; 0.0 for none.
        k: Ranks that count, at least 1.
    """
    ideal = sum(1.0 / np.log2(1.0 + rank) for rank in range(1, min(count, k) + 1))
    return float(sum(1.0 / np.log2(1.0 + rank) for rank in ranks if rank <= k) / ideal) if ideal else 0.0


def bootstrap(values: ArrayLike, *, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of a mean (Efron and Tibshirani 1993, chapter 13); the same for one seed.

    Args:
        values: (n,) one figure a query.
        draws: Resamples; 1,000 settle the bounds to about a tenth of the interval's width.
        seed: Of the drawing.

    Returns:
        Lower and upper bound; (0.0, 0.0) for no values.
    """
    row = np.asarray(values, dtype=np.float64)
    if not row.size:
        return 0.0, 0.0
    random = np.random.default_rng(seed)
    means = [row[random.integers(0, row.size, row.size)].mean() for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def ece(confidence: ArrayLike, correct: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error with bins of equal width (Guo et al. 2017, section 2).

    Args:
        confidence: (n,) probability 0..1 of the predicted class.
        correct: (n,) whether the prediction was right.
        bins: 15, as in the paper.

    Returns:
        0..1, weighted mean over the bins of how far accuracy and confidence lie apart; 0.0 for no predictions.
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if not sure.size:
        return 0.0
    bin_of = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)  # (lower, upper]
    gap = np.bincount(bin_of, weights=right - sure, minlength=bins)  # (bins,)
    return float(np.abs(gap).sum() / sure.size)


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Chance that a positive scores above a negative, a tie counting half (Mann-Whitney U).

    Args:
        scores: (n,) higher means "more positive".
        positive: (n,) booleans; both kinds must occur.

    Raises:
        ValueError: Only one kind occurs.
    """
    row, is_positive = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    n_positive, n_negative = int(is_positive.sum()), int((~is_positive).sum())
    if not n_positive or not n_negative:
        raise ValueError(f"AUROC needs both kinds; got {n_positive} positive and {n_negative} negative")
    _, group, count = np.unique(row, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2  # mean rank, from 1, of each group of equal scores
    u = middle[group][is_positive].sum() - n_positive * (n_positive + 1) / 2
    return float(u / (n_positive * n_negative))


def false_positive_rate(scores: ArrayLike, positive: ArrayLike, *, recall: float = 0.95) -> float:
    """Share of negatives let through by the threshold that keeps ``recall`` of the positives (FPR95)."""
    row, is_positive = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    kept = np.sort(row[is_positive])[::-1]
    threshold = kept[max(0, int(np.ceil(recall * kept.size)) - 1)]
    return float((row[~is_positive] >= threshold).mean())
