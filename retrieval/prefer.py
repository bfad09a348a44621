"""What a person wrote for a question comes before what was found: curated answers win where they are meant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.alike import Choice, numbers_of
from retrieval.index import NO_ROW, Index, message_of
from retrieval.match import Match
from retrieval.rank import column

NEAR = 0.85
"""Least cosine, times the share that could be read, of the message and a question that the answer was written for."""

SAME_WORDS = 0.8
"""Or so much of the message's words, weighed by BM25, stand in that question."""


def is_meant(index: Index, match: Match) -> NDArray[np.bool_]:
    """(candidates,) whether each was written by a person for a question like the message.

    The question must be near in meaning or hold nearly the same words, and no number may differ: what was written
    about two bags is no answer about three.
    """
    near = match.features[:, column("near_message")] >= NEAR
    worded = match.features[:, column("lexical_near")] >= SAME_WORDS
    meant = index.columns.curated.at(match.rows) & (near | worded)
    numbers = numbers_of(match.query.message) if meant.any() else frozenset()
    for place in np.flatnonzero(meant):
        asked = int(match.asked[place])
        question = "" if asked == NO_ROW else message_of(index.logged[asked].text)
        meant[place] = numbers_of(question) == numbers
    return np.asarray(meant)


def preferred(choices: Sequence[Choice], meant: NDArray[np.bool_], *, least: float) -> list[Choice]:
    """Puts choices that hold a curated answer that is meant first, led by that answer.

    Args:
        choices: Best first.
        meant: (candidates,) from ``is_meant``.
        least: Probability that such a choice has at least: that of being said outright.
    """
    if not meant.any():
        return list(choices)
    best = max((choice.probability for choice in choices), default=0.0)
    first = []
    for choice in choices:
        members = (choice.place, *choice.others)
        leader = next((place for place in members if meant[place]), None)
        if leader is not None:
            others = tuple(place for place in members if place != leader)
            first.append(Choice(leader, max(choice.probability, best, least), others))
    led = {place for choice in first for place in (choice.place, *choice.others)}
    return [*first, *(choice for choice in choices if choice.place not in led)]
