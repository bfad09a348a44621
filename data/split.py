"""Splits a log into train, valid and test, so that a model is measured on conversations later than it has seen.

By conversation, never by turn, and by first timestamp: the oldest 80 % train, the next 10 % choose, the newest 10 %
measure. Only complete conversations count. A held-out conversation that repeats an older one, or that comes from a
customer who is trained on, is left out of the measurement (`data.leaks`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from data.leaks import Leak, LeakRow, LeakTable, belonging, refuse_leaks, resolve_leaks, sketch, tabulate, touching
from data.schema import Conversation, Split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRAIN, VALID = 0.8, 0.9
"""Where the train split and the valid split end."""

LEFT = 0.5
"""Share of the held-out conversations that must remain without leaks. Where fewer do, because most
customers come back or the log repeats itself, groups of conversations are split that have nothing in common."""

SplitBy = Literal["time", "order", "question", "group"]
_SPLITS: tuple[Split, ...] = ("train", "valid", "test")


class SplitRow(NamedTuple):
    """What splitting needs of a conversation; made where it is read, small, and picklable.

    Attributes:
        started: Unix seconds, or None.
        complete: Whether it may be trained on.
        question: Hash of the question, if the conversation is one question and one answer.
        leak: What the leak check needs, with the conversation's id.
    """

    started: float | None
    complete: bool
    question: int | None
    leak: LeakRow


@dataclass(frozen=True)
class Division:
    """How a log was split.

    Attributes:
        splits: Conversation id to split, of those in one.
        by: By what it was split; see `divide`.
        dropped: Held-out conversations left out, by the kind of leak.
        examples: A few of them with the conversation they repeat.
        crowds: Contacts that too many conversations share to be one person's.
    """

    splits: dict[str, Split]
    by: SplitBy
    dropped: Counter[str] = field(default_factory=Counter)
    examples: tuple[Leak, ...] = ()
    crowds: int = 0


def split_row(conversation: Conversation) -> SplitRow:
    """Reduces a redacted conversation to what splitting needs; pure, about 0.1 ms."""
    single = len(conversation.messages) == 2
    return SplitRow(
        conversation.started,
        conversation.complete,
        _digest(conversation.messages[0].text) if single else None,
        LeakRow(conversation.id, sketch(conversation), conversation.people),
    )


@dataclass(frozen=True)
class Settled:
    """How an earlier build of a log split it.

    Attributes:
        by: By what.
        codes: Conversation id to 0, 1, 2, or -1 where it was dropped, of the complete ones.
    """

    by: SplitBy
    codes: Mapping[str, int]


def divide(rows: Iterable[SplitRow], settled: Settled | None = None) -> Division:
    """Assigns each complete conversation to a split, without leaks.

    Args:
        rows: In the order of the log, ids unique.
        settled: How the log was split before it grew. Where that was by group, what was assigned stays; otherwise it
            changes nothing.

    Returns:
        The splits, and by what: ``time``; ``order`` in the log, when most conversations have no time; a hash of the
        ``question``, when the log is a list of single questions with answers, whose order means nothing (repeated
        questions stay together); or ``group``, when most conversations repeat one another or come from customers who
        come back: copies, and all of one customer, stay together.

    Raises:
        InputError: A leak was left, which cannot happen unless something is broken.
    """
    complete = [row for row in rows if row.complete]
    table = tabulate(row.leak for row in complete)
    if settled is not None and settled.by == "group":
        return _grown(complete, table, settled)
    planned, by = _plan(complete)
    splits, dropped, examples = resolve_leaks(table, planned)
    if (splits > 0).sum() < LEFT * (planned > 0).sum():
        grouped = resolve_leaks(table, _plan_by_group(complete, table))
        if (grouped[0] > 0).sum() > (splits > 0).sum():
            (splits, dropped, examples), by = grouped, "group"
    return _division(table, splits, by, dropped, examples)


def _division(
    table: LeakTable, splits: NDArray[np.int8], by: SplitBy, dropped: Counter[str], examples: Sequence[Leak]
) -> Division:
    refuse_leaks(table, splits)
    named = {table.ids[i]: _SPLITS[code] for i, code in enumerate(splits.tolist()) if code >= 0}
    return Division(named, by, dropped, tuple(examples), table.crowds)


def _grown(rows: Sequence[SplitRow], table: LeakTable, settled: Settled) -> Division:
    """Leaves the old conversations in their splits and assigns the new ones.

    A new conversation goes where the group is that it belongs to. One that would join groups of two splits measures
    nothing and teaches nothing, so that neither has to move. New groups are held out, the latest first, as long as the
    test split or the valid split is smaller than its share.
    """
    import numpy as np

    unknown = -2
    codes = np.array([settled.codes.get(row.leak.id, unknown) for row in rows], dtype=np.int8)
    fresh = codes == unknown
    group = touching(table, fresh)
    splits = np.where(fresh, np.int8(0), codes)
    touched = [np.bincount(group[codes == split], minlength=len(rows)) > 0 for split in range(3)]
    for split in (2, 1, 0):
        splits[fresh & touched[split][group]] = split
    torn = fresh & (np.sum(touched, axis=0) > 1)[group]
    splits[torn] = -1
    alone = fresh & ~np.any(touched, axis=0)[group]
    splits[alone] = _held_out(rows, group, alone, splits)
    splits, dropped, examples = resolve_leaks(table, splits)
    return _division(table, splits, "group", dropped, examples)


def _held_out(
    rows: Sequence[SplitRow], group: NDArray[np.int64], alone: NDArray[np.bool_], splits: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Splits of the conversations of new groups, each group as a whole."""
    import numpy as np

    started = np.array([-np.inf if row.started is None else row.started for row in rows])
    names, first, of, sizes = np.unique(group[alone], return_index=True, return_inverse=True, return_counts=True)
    latest = np.full(len(names), -np.inf)
    np.maximum.at(latest, of, started[alone])
    wanted = {2: (1 - VALID) * len(rows) - (splits == 2).sum(), 1: (VALID - TRAIN) * len(rows) - (splits == 1).sum()}
    found = np.zeros(len(names), dtype=np.int8)
    for name in np.lexsort((first, latest))[::-1].tolist():
        for split in (2, 1):
            if sizes[name] <= wanted[split]:
                found[name], wanted[split] = split, wanted[split] - sizes[name]
                break
    return np.asarray(found[of])


def split_conversations(conversations: Sequence[Conversation]) -> tuple[dict[str, Split], SplitBy]:
    """Splits conversations that are held in memory: conversation id to split, and by what; see `divide`."""
    division = divide(split_row(c) for c in conversations)
    return division.splits, division.by


def _plan(rows: Sequence[SplitRow]) -> tuple[NDArray[np.int8], SplitBy]:
    """The splits (n,) as 0, 1, 2 before leaks are looked for."""
    import numpy as np

    timed = sum(row.started is not None for row in rows)
    if 2 * timed > len(rows):
        # One without a time counts as oldest: it may be trained on, but says nothing about the future.
        return _cut(np.array([-np.inf if row.started is None else row.started for row in rows])), "time"
    if rows and all(row.question is not None for row in rows):
        return np.array([_split_of(row.question or 0) for row in rows], dtype=np.int8), "question"
    return _cut(np.arange(len(rows), dtype=np.float64)), "order"


def _plan_by_group(rows: Sequence[SplitRow], table: LeakTable) -> NDArray[np.int8]:
    """Keeps together what would leak: all conversations of a customer, and all copies of one.

    Groups are ordered by their latest conversation, so that the held-out ones are among the latest where possible. One
    that is larger than a split can only be trained on.
    """
    import numpy as np

    group = belonging(table)
    started = np.array([-np.inf if row.started is None else row.started for row in rows])
    latest = np.full(len(rows), -np.inf)
    np.maximum.at(latest, group, started)
    large = np.bincount(group, minlength=len(rows)) > (1 - VALID) * len(rows)
    latest[large] = -np.inf
    order = np.lexsort((group, latest[group]))
    ends = _ends(group[order])
    splits = np.zeros(len(rows), dtype=np.int8)
    splits[order] = (ends > TRAIN * len(rows)).astype(np.int8) + (ends > VALID * len(rows))
    splits[large[group]] = 0
    return splits


def _ends(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each place of an array in which equal numbers stand together, the place after the last of its equals."""
    import numpy as np

    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    sizes = np.diff(np.r_[starts, len(group)])
    return np.repeat(starts + sizes, sizes)


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


def _cut(keys: NDArray[np.float64]) -> NDArray[np.int8]:
    """The smallest 80 % are 0, the next 10 % are 1, the rest is 2; equal keys in the order of the log."""
    import numpy as np

    splits = np.full(len(keys), 2, dtype=np.int8)
    order = np.argsort(keys, kind="stable")
    splits[order[: int(len(keys) * VALID)]] = 1
    splits[order[: int(len(keys) * TRAIN)]] = 0
    return splits


def _split_of(digest: int) -> int:
    share = (digest % 1000) / 1000
    return int(share >= TRAIN) + int(share >= VALID)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(" ".join(text.lower().split()).encode()).digest()[:8], "big")
