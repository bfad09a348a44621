"""Lists of the nearest rows: what every kind of vector search gives back."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder import Vectors

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Found = tuple[NDArray[np.float32], Ids]
"""Cosines and rows, (queries, k) each, best first; a row of -1 where fewer were found."""


class Base(Protocol):
    """What was built at once."""

    size: int
    dim: int

    def search(self, vectors: Vectors, k: int, among: Mask | None) -> Found:
        """The nearest rows of each query, among those that a mask allows."""
        ...

    def take(self, rows: Ids) -> Vectors:
        """(n, dim) vectors of rows."""
        ...

    def save(self, path: Path) -> None:
        """Writes its files."""
        ...


def nothing(queries: int) -> Found:
    """No rows for so many queries."""
    return np.zeros((queries, 0), np.float32), np.zeros((queries, 0), np.int64)


def best(scores: NDArray[np.float32], rows: Ids, k: int) -> Found:
    """(n, k) the best of (n, m); -1 for what is minus infinity. Equal scores keep the order they came in."""
    k = min(k, scores.shape[1])
    part = np.argpartition(-scores, k - 1, axis=1)[:, :k] if k < scores.shape[1] else None
    if part is not None:
        part.sort(axis=1)
        scores, rows = np.take_along_axis(scores, part, axis=1), np.take_along_axis(rows, part, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    scores, rows = np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)
    return scores, np.where(np.isneginf(scores), -1, rows)
