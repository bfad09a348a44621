"""Reciprocal rank fusion: lists whose scores cannot be compared vote by rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CONSTANT = 10
"""Dampens the first ranks less than the 60 of Cormack et al. 2009: our lists are short and their heads are good."""


def fuse(
    ranked: Sequence[Sequence[int] | NDArray[np.int64]], size: int, *, constant: int = CONSTANT
) -> NDArray[np.float32]:
    """Fuses ranked lists (Cormack, Clarke and Büttcher 2009, section 2), scaled to 0..1.

    Args:
        ranked: Each list holds distinct positions 0..size-1, best first. Empty lists have no say.
        size: How many things there are.
        constant: Larger gives lower ranks more say.

    Returns:
        (size,) mean over the lists of ``(constant + 1) / (constant + rank)``: 1 for what is first in all of them, 0
        for what is in none.
    """
    out = np.zeros(size, dtype=np.float32)
    voting = [np.asarray(rows, dtype=np.int64) for rows in ranked if len(rows)]
    for rows in voting:
        out[rows] += (constant + 1) / (constant + 1 + np.arange(len(rows)))
    return out / np.float32(max(1, len(voting)))
