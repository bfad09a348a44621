"""Splits a log into train, valid and test, so that a model is measured on conversations later than it has seen.

By conversation, never by turn, and by first timestamp: the oldest 80 % train, the next 10 % choose, the newest 10 %
measure. Only complete conversations count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from data.schema import Conversation, Split

TRAIN, VALID = 0.8, 0.9
"""Where the train split and the valid split end."""

SplitBy = Literal["time", "order", "question"]


def split_conversations(conversations: Sequence[Conversation]) -> tuple[dict[str, Split], SplitBy]:
    """Assigns each complete conversation to a split.

    Args:
        conversations: In the order of the log.

    Returns:
        Conversation id to split, and by what it was split: ``time``; ``order`` in the log, when most conversations
        have no time; or a hash of the ``question``, when the log is a list of single questions with answers, whose
        order means nothing (repeated questions stay together).
    """
    complete = [c for c in conversations if c.complete]
    timed = sum(c.started is not None for c in complete)
    if 2 * timed > len(complete):
        # One without a time counts as oldest: it may be trained on, but says nothing about the future.
        ordered = sorted(complete, key=lambda c: c.started if c.started is not None else float("-inf"))
        return _cut([c.id for c in ordered]), "time"
    if complete and all(len(c.messages) == 2 for c in complete):
        return {c.id: _split_of(c.messages[0].text) for c in complete}, "question"
    return _cut([c.id for c in complete]), "order"


def split_lines(texts: Sequence[str]) -> list[Split]:
    """Assigns single lines, such as hand-written examples: of each ten in a stable shuffle, one valid and one test."""
    ranks = sorted(range(len(texts)), key=lambda i: _digest(texts[i]))
    splits: list[Split] = ["train"] * len(texts)
    for rank, position in enumerate(ranks):
        if rank % 10 == 8:
            splits[position] = "valid"
        elif rank % 10 == 9:
            splits[position] = "test"
    return splits


def _cut(ids: Sequence[str]) -> dict[str, Split]:
    first, second = int(len(ids) * TRAIN), int(len(ids) * VALID)
    return {name: "train" if i < first else "valid" if i < second else "test" for i, name in enumerate(ids)}


def _split_of(text: str) -> Split:
    share = (_digest(text) % 1000) / 1000
    return "train" if share < TRAIN else "valid" if share < VALID else "test"


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(" ".join(text.lower().split()).encode()).digest()[:8], "big")
