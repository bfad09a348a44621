"""New topics: what customers ask lately and did not ask before."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from data.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from data.embed import Matrix

NEIGHBOURS = 5
OLDER = 20_000
"""Older texts that recent ones are compared with, at most: more say nothing new, and a product of both stays small."""

NEW = 0.25
"""A topic is new when its texts have less than this share of the older neighbours that an even mixture would give."""

WEEK = 7 * 86400.0
CHUNK = 1000


def parse_since(value: str, *, newest: float | None = None) -> float:
    """When "lately" begins.

    Args:
        value: A date (``2026-05-01``, UTC) or a number of weeks (``3``) before the newest conversation.
        newest: Unix seconds of that; now by default.

    Returns:
        Unix seconds.

    Raises:
        InputError: Neither.
    """
    if re.fullmatch(r"\d{1,3}", value) and int(value) > 0:
        return (time.time() if newest is None else newest) - int(value) * WEEK
    try:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise InputError(
            "--since",
            got=repr(value),
            expected="a date such as 2026-05-01, or a number of weeks",
            next_step="Write --since 4 for the last four weeks.",
        ) from error


def older_shares(vectors: Matrix, recent: Sequence[bool], *, seed: int = 0) -> NDArray[np.float64]:
    """How much older data knows of each recent text.

    Of each recent text's nearest neighbours, the share that is older, divided by the share of older texts overall: 1
    where old and new are mixed evenly, 0 where only recent texts are near. Being relative it needs no threshold on
    cosines, which differ from encoder to encoder.

    Args:
        vectors: (n, dim) rows of length 1.
        recent: (n,) whether a text is from the last weeks.
        seed: Of the sample of older texts.

    Returns:
        (n,) from 0; not a number for older texts.
    """
    import numpy as np

    late = np.flatnonzero(np.asarray(recent))
    early = np.flatnonzero(~np.asarray(recent))
    shares = np.full(len(vectors), np.nan)
    if not len(late) or not len(early):
        shares[late] = 0.0 if len(late) else np.nan
        return shares
    if len(early) > OLDER:
        early = np.sort(np.random.default_rng(seed).choice(early, OLDER, replace=False))
    both = np.concatenate([early, late])
    near = min(NEIGHBOURS, len(both) - 1)
    expected = len(early) / len(both)
    for start in range(0, len(late), CHUNK):
        rows = late[start : start + CHUNK]
        cosines = vectors[rows] @ vectors[both].T  # (chunk, both)
        cosines[np.arange(len(rows)), len(early) + start + np.arange(len(rows))] = -2  # itself
        found = np.argpartition(-cosines, near - 1, axis=1)[:, :near]
        shares[rows] = (found < len(early)).mean(axis=1) / expected
    return shares
