"""Active learning: which utterances are worth a person's minute.

A label teaches most where the model is unsure, where many others lie near, and where none of the same kind was asked
for yet. Before there are labels only the last two can be told: the most typical utterance of each of as many groups as
labels are wanted (TypiClust; Hacohen, Dekel, Weinshall 2022, algorithm 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from data.embed import Matrix

    Labels = NDArray[np.int64]

POOL = 10_000
"""Candidates that are looked at, at most; more are sampled."""

NEIGHBOURS = 15
"""Over which an utterance's density is the mean cosine."""

FEWEST_LABELS = 1
"""Labels of a class on average before the model's doubts mean anything; on CLINC150, groups first and then
doubts beat groups alone by 4 points."""


def suggest(vectors: Matrix, labelled: Sequence[int], labels: Sequence[str], *, count: int, seed: int = 0) -> list[int]:
    """Chooses utterances to label, the most telling first.

    Args:
        vectors: (n, dim) rows of length 1: all utterances.
        labelled: Positions of those that have a label.
        labels: Their labels.
        count: How many to choose.
        seed: Of sampling and of groups.

    Returns:
        At most ``count`` positions outside ``labelled``.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    open_ = np.setdiff1d(np.arange(len(vectors)), np.asarray(labelled, dtype=np.int64))
    if len(open_) > POOL:
        open_ = np.sort(rng.choice(open_, POOL, replace=False))
    if not len(open_):
        return []
    density = _density(vectors[open_])
    known = np.asarray(labelled, dtype=np.int64)
    classes = len(set(labels))
    if classes >= 2 and len(known) >= FEWEST_LABELS * classes:
        doubt = _doubt(vectors[known], labels, vectors[open_])
        chosen = _unsure(vectors[open_], density * doubt, doubt, min(count, len(open_)), seed)
    else:
        chosen = _typical(vectors[open_], density, vectors[known], min(count, len(open_)), seed)
    return [int(open_[i]) for i in chosen]


def _density(vectors: Matrix) -> Matrix:
    """Mean cosine to the nearest other utterances, in pieces of 1,000 rows."""
    import numpy as np

    near = min(NEIGHBOURS, len(vectors) - 1)
    if near < 1:
        return np.ones(len(vectors))
    found = np.zeros(len(vectors))
    for start in range(0, len(vectors), 1000):
        cosines = vectors[start : start + 1000] @ vectors.T  # (piece, n)
        cosines[np.arange(len(cosines)), np.arange(start, start + len(cosines))] = -1
        found[start : start + 1000] = np.partition(cosines, -near, axis=1)[:, -near:].mean(axis=1)
    return np.maximum(found, 1e-3)


def _doubt(known: Matrix, labels: Sequence[str], rest: Matrix) -> Matrix:
    """1 - (first chance - second chance) of a linear model: the margin, which ranks better than entropy."""
    import numpy as np

    chances = np.partition(linear_model().fit(known, list(labels)).predict_proba(rest), -2, axis=1)
    doubt: Matrix = 1 - (chances[:, -1] - chances[:, -2])
    return doubt


def linear_model() -> Any:
    """The cheap stand-in for the intent head: logistic regression; 50 labels take 20 ms, 1,000 of 77 classes 1 s."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10, max_iter=200)


def _typical(vectors: Matrix, density: Matrix, known: Matrix, count: int, seed: int) -> list[int]:
    """The densest utterance of each group, large groups first, groups that hold a label last."""
    import numpy as np

    groups = _groups(vectors, count + len(known), seed)
    labels, centres = groups
    taken = set((known @ centres.T).argmax(axis=1).tolist()) if len(known) else set()
    sizes = np.bincount(labels, minlength=len(centres))
    order = sorted(range(len(centres)), key=lambda i: (i in taken, -int(sizes[i])))
    best = [max(np.flatnonzero(labels == i).tolist(), key=lambda at: density[at]) for i in order if sizes[i]]
    return _filled(best, density, count)


def _unsure(vectors: Matrix, worth: Matrix, doubt: Matrix, count: int, seed: int) -> list[int]:
    """The worthiest utterance of each group of the doubtful ones, so that no two ask the same."""
    import numpy as np

    doubtful = np.argsort(-doubt)[: max(10 * count, 200)]
    labels, centres = _groups(vectors[doubtful], count, seed)
    best = []
    for group in range(len(centres)):
        members = doubtful[labels == group]
        if len(members):
            best.append(int(members[worth[members].argmax()]))
    best.sort(key=lambda at: -worth[at])
    return _filled(best, worth, count)


def _groups(vectors: Matrix, count: int, seed: int) -> tuple[Labels, Matrix]:
    from sklearn.cluster import KMeans

    means = KMeans(min(count, len(vectors)), n_init=1, max_iter=30, random_state=seed).fit(vectors)
    return means.labels_.astype("int64"), means.cluster_centers_


def _filled(best: list[int], worth: Matrix, count: int) -> list[int]:
    """The first ``count`` of the list, filled up with the worthiest others."""
    import numpy as np

    chosen = dict.fromkeys(best[:count])
    for at in np.argsort(-worth).tolist():
        if len(chosen) >= count:
            break
        chosen.setdefault(at)
    return list(chosen)
