"""What was split by group stays where it is while the log grows, and what is new leaks nowhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.leaks import LeakTable, find_leaks, tabulate
from data.schema import Conversation, Message
from data.split import Division, Settled, divide, split_row

CODES = {"train": 0, "valid": 1, "test": 2}


def asked(number: int, person: str, *, at: float | None = None) -> Conversation:
    message = Message("customer", f"what of {number}", time=1e9 + 1000 * number if at is None else at)
    return Conversation(f"c{number}", (message, Message("agent", "well")), people=(person,) if person else ())


def settled(division: Division, log: list[Conversation]) -> Settled:
    return Settled(division.by, {c.id: CODES.get(division.splits.get(c.id, ""), -1) for c in log})


def table_of(log: list[Conversation]) -> LeakTable:
    return tabulate(split_row(c).leak for c in log)


def test_old_groups_stay_and_new_conversations_join_them() -> None:
    log = [asked(i, f"p{i % 25}") for i in range(500)]
    first = divide(map(split_row, log))
    more = [asked(i, f"p{i % 25}") for i in range(500, 530)]
    more += [asked(i, f"q{i % 30}") for i in range(530, 620)]
    grown = divide(map(split_row, [*log, *more]), settled(first, log))
    assert grown.by == "group"
    assert all(grown.splits[c.id] == first.splits[c.id] for c in log)
    assert all(grown.splits[f"c{i}"] == first.splits[f"c{i % 25}"] for i in range(500, 530))
    for k in range(30):
        assert len({grown.splits[f"c{i}"] for i in range(530, 620) if i % 30 == k}) == 1
    shares = [list(grown.splits.values()).count(split) / 620 for split in ("valid", "test")]
    assert all(0.05 < share <= 0.13 for share in shares)
    assert not grown.dropped


def test_what_would_join_two_splits_is_in_none() -> None:
    log = [asked(i, f"p{i % 25}") for i in range(500)]
    first = divide(map(split_row, log))
    ends = [next(f"p{i}" for i in range(25) if first.splits[f"c{i}"] == split) for split in ("train", "test")]
    longer = [*log, replace(asked(900, ""), people=tuple(ends))]
    grown = divide(map(split_row, longer), settled(first, log))
    assert "c900" not in grown.splits
    codes = settled(grown, longer).codes
    assert not len(find_leaks(table_of(longer), np.array([*codes.values()], dtype=np.int8)).rows)


def test_a_log_that_was_split_by_time_is_split_anew() -> None:
    log = [asked(i, "") for i in range(300)]
    first = divide(map(split_row, log))
    grown = [*log, *(asked(i, "") for i in range(300, 400))]
    assert divide(map(split_row, grown), settled(first, log)) == divide(map(split_row, grown))
