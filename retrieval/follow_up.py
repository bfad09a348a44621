"""Short follow-ups: a message that leans on the talk is read a second time, joined with the customer's question before.

"And how long does that take?" has no word of what it is about. The context's vector has it, but BM25 and the nearest
logged questions look at the bare message; the second reading gives them the words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.schema import Role
from retrieval.sentences import content_of

SHARE = 0.3
"""Weight of the joined reading in the geometric mean with the reading in context: of .3, .5 and .7 the best on
held-out messages."""

LEAST = 1e-4
"""Probability of an answer that one of the readings has not among its candidates."""

FEW_WORDS = 3
"""A message with at most so many content words may lean on the talk."""

_OPENS = re.compile(
    r"\W*(?:and|also|or|but|so|then|what about|how about|what if|even|is it|is that|does it|does that|ok(?:ay)?)\b"
    r"|\W*(?:那|还有|另外|如果|要是|它|这个|这款|那个)",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:it|that|this|they|them|those|these|one|there|same)\b|它|这个|那个|这款|那边|这样", re.IGNORECASE
)
_ASKING = frozenset({"how", "what", "when", "where", "which", "who", "why", "much", "many", "long", "also", "there"})
_EMPTY = frozenset({"take", "cost", "work", "need", "possible", "price"})
"""Words that say nothing of what a question is about."""

_HOW_ZH = re.compile(r"多少钱?|多久|几天|什么时候|怎么[办弄样]?|价格|要|能|吗|呢|可以")
_WORD = re.compile(r"[^\W\d_]")


def leans(text: str) -> bool:
    """Whether a message may say too little to be understood without the talk before it."""
    if not _WORD.search(text):
        return False
    words = set(content_of(text)) - _ASKING
    follows = _OPENS.match(text) is not None or _POINTS.search(text) is not None
    return len(words) <= (2 * FEW_WORDS if follows else FEW_WORDS)


def points_back(text: str) -> bool:
    """Whether a text only points at something known and asks how much, how long: ``how much is it?``, ``这个多少钱``.

    ``Do I have to return it?`` points back as well, but says by itself what it is about.
    """
    if _POINTS.search(text) is None:
        return False
    left = _POINTS.sub(" ", _HOW_ZH.sub("", text))
    return not set(content_of(left)) - _ASKING - _EMPTY


def joined(text: str, turns: Sequence[tuple[Role, str]]) -> str | None:
    """A leaning message with the question it leans on; None where it stands alone or nothing was asked before.

    A question before that leans itself ("and what does it cost?") is left out where an earlier one does not.

    Args:
        text: The message.
        turns: (role, text) before it, oldest first.
    """
    if not leans(text):
        return None
    before = [said for role, said in reversed(turns) if role == "customer" and _WORD.search(said)]
    question = next((said for said in before if not _OPENS.match(said)), next(iter(before), None))
    return None if question is None else f"{text.strip()} {question.strip()}"


def blend(
    rows: NDArray[np.int64],
    in_context: NDArray[np.float64],
    joined_rows: NDArray[np.int64],
    alone: NDArray[np.float64],
    *,
    share: float = SHARE,
) -> NDArray[np.float64]:
    """Probabilities of two readings as one: their geometric mean, with as much in sum as the reading in context.

    Args:
        rows: (n,) answers of the reading in context.
        in_context: (n,) their probabilities.
        joined_rows: (m,) answers of the joined message.
        alone: (m,) their probabilities.
        share: Weight of the second reading, 0..1.

    Returns:
        (n,) for ``rows``, at most .999.
    """
    known = dict(zip(joined_rows.tolist(), alone.tolist(), strict=True))
    second = np.array([known.get(row, LEAST) for row in rows.tolist()], dtype=np.float64)  # (n,)
    mean = np.maximum(in_context, LEAST) ** (1 - share) * np.maximum(second, LEAST) ** share
    scale = in_context.sum() / mean.sum() if len(mean) else 0.0
    return np.asarray(np.minimum(0.999, mean * scale), dtype=np.float64)
