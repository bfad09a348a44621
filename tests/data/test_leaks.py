"""What is measured was not trained on: copies, near-copies and known customers leave the held-out splits."""

from __future__ import annotations

import gzip
import json
import pickle
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import InputError
from data.leaks import CROWD, FEWEST, LeakRow, find_leaks, refuse_leaks, resolve_leaks, sketch, tabulate
from data.schema import Conversation, Message
from data.split import divide, split_row

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
_WORDS = [
    f"{a}{b}" for a in ("ma", "ko", "ti", "re", "lu", "sa", "no") for b in ("ri", "ven", "dor", "lix", "pa", "mu")
]


def told(seed: int, *, words: int = 60, at: float | None = None, name: str | None = None) -> Conversation:
    """A conversation of random words: no two seeds are alike."""
    luck = random.Random(seed)
    said = [luck.choice(_WORDS) + str(luck.randrange(50)) for _ in range(words)]
    lines = [" ".join(said[i : i + 10]) for i in range(0, words, 10)]
    messages = [Message(role, line, time=at) for line in lines for role in ("customer", "agent")]
    return Conversation(name or f"c{seed}", tuple(messages), language="en")


def edited(conversation: Conversation, *, name: str) -> Conversation:
    """One word of every other message is another one."""
    messages = tuple(
        replace(m, text=m.text.rsplit(" ", 1)[0] + " elsewhere") if i % 4 == 0 else m
        for i, m in enumerate(conversation.messages)
    )
    return replace(conversation, id=name, messages=messages)


def log_of(count: int) -> list[Conversation]:
    return [told(i, at=1e9 + 1000 * i) for i in range(count)]


def moved(conversation: Conversation, seconds: float, name: str) -> Conversation:
    messages = tuple(replace(m, time=None if m.time is None else m.time + seconds) for m in conversation.messages)
    return replace(conversation, id=name, messages=messages)


def test_unlike_conversations_do_not_leak() -> None:
    division = divide(map(split_row, log_of(200)))
    assert division.by == "time"
    assert not division.dropped
    assert list(division.splits.values()).count("test") == 20


def test_each_kind_of_leak_is_found_and_its_held_out_copy_dropped() -> None:
    log = log_of(200)
    log[199] = moved(log[3], 1e7, "copy")
    log[198] = moved(edited(log[4], name="near"), 1e7, "near")
    log[197] = replace(log[197], people=("aa11",))
    log[5] = replace(log[5], people=("bb22", "aa11"))
    log[170] = replace(log[170], people=("cc33",))
    log[195] = replace(log[195], people=("cc33",))  # valid and test
    division = divide(map(split_row, log))
    assert division.dropped == {"copy": 1, "near-copy": 1, "same customer": 2}
    assert {"copy", "near", "c197", "c195"} & set(division.splits) == set()
    assert division.splits["c3"] == division.splits["c4"] == division.splits["c5"] == "train"
    assert division.splits["c170"] == "valid"
    pairs = {(leak.kind, leak.held_out, leak.older) for leak in division.examples}
    assert ("copy", "copy", "c3") in pairs
    assert ("near-copy", "near", "c4") in pairs
    assert ("same customer", "c197", "c5") in pairs


def test_two_exports_of_one_conversation_are_the_same_even_if_one_is_longer() -> None:
    log = [told(i) for i in range(40)]  # no times: split by order
    short, long = told(100, at=5e8, name="a"), told(100, words=200, at=5e8, name="a~2")
    log[0] = replace(short, messages=(*short.messages[:2],))
    log[39] = replace(long, messages=(*short.messages[:2], *told(101, words=400, at=5e8).messages))
    division = divide(map(split_row, log))
    assert division.by == "order"
    assert division.dropped == {"same conversation": 1}


def test_common_questions_and_shared_openings_are_no_leaks() -> None:
    log = []
    for i in range(200):
        opening = Message("customer", "hello, I have a question about my last order with you please", time=1e9 + i)
        rest = told(i, at=1e9 + i).messages if i % 2 else (Message("agent", "It takes two days.", time=1e9 + i),)
        log.append(Conversation(f"c{i}", (opening, *rest)))
    assert not divide(map(split_row, log)).dropped
    words = " ".join(f"word{i}" for i in range(FEWEST))
    assert not sketch(log[0])[2:].any()
    assert sketch(Conversation("c", (Message("customer", words),)))[2:].all()


def test_what_repeats_a_dropped_conversation_alone_may_stay() -> None:
    log = log_of(200)
    log[165] = replace(log[165], people=("aa", "bb"))  # valid, leaks by aa
    log[0] = replace(log[0], people=("aa",))
    log[190] = replace(log[190], people=("bb",))  # test, meets only the dropped one
    splits = divide(map(split_row, log)).splits
    assert "c165" not in splits
    assert splits["c190"] == "test"


def test_a_shared_contact_is_nobody() -> None:
    log = [replace(c, people=("switchboard", f"p{i}")) for i, c in enumerate(log_of(CROWD + 50))]
    division = divide(map(split_row, log))
    assert division.crowds == 1
    assert not division.dropped


def test_two_customers_of_one_name_are_two() -> None:
    log = log_of(200)
    log[0], log[199] = replace(log[0], people=("nab12", "12ab")), replace(log[199], people=("nab12", "34cd"))
    assert not divide(map(split_row, log)).dropped


def test_where_all_customers_come_back_they_are_split_instead() -> None:
    log = [replace(c, people=(f"p{i % 25}",)) for i, c in enumerate(log_of(500))]
    division = divide(map(split_row, log))
    assert division.by == "group"
    assert not division.dropped
    where = {f"p{k}": {division.splits[f"c{i}"] for i in range(k, 500, 25)} for k in range(25)}
    assert all(len(splits) == 1 for splits in where.values())
    assert {split for splits in where.values() for split in splits} == {"train", "valid", "test"}


def test_a_log_that_repeats_itself_keeps_held_out_conversations() -> None:
    log = [moved(told(i, at=1e9 + i), 1e6 * k, f"c{i}-{k}") for k in range(12) for i in range(50)]
    division = divide(map(split_row, log))
    assert division.by == "group"
    assert len(division.splits) == 600
    for i in range(50):
        assert len({division.splits[f"c{i}-{k}"] for k in range(12)}) == 1
    assert set(division.splits.values()) == {"train", "valid", "test"}


def test_one_group_larger_than_a_split_is_trained_on() -> None:
    log = [replace(c, people=("p",) if i % 10 < 4 else ()) for i, c in enumerate(log_of(100))]
    log += [moved(c, 1e6, f"{c.id}-again") for c in log if not c.people]
    division = divide(map(split_row, log))
    assert division.by == "group"
    assert {division.splits[c.id] for c in log if c.people} == {"train"}


def test_one_group_of_all_is_split_by_time_and_what_leaks_dropped() -> None:
    log = log_of(300)
    chained = [replace(c, people=(f"x{i % 240}", f"x{i % 240 + 1}")) for i, c in enumerate(log)]
    division = divide(map(split_row, [*chained[:285], *log[285:]]))
    assert division.by == "time"
    assert division.dropped == {"same customer": 45}
    assert list(division.splits.values()).count("test") == 15


def test_a_leaking_split_is_refused() -> None:
    log = [*log_of(20), moved(told(0), 0, "again")]
    table = tabulate(split_row(c).leak for c in log)
    splits = np.array([0] * 20 + [2], dtype=np.int8)
    with pytest.raises(
        InputError, match=r"1 held-out conversations that repeat an older one \(1 copy; first 'again'\)"
    ):
        refuse_leaks(table, splits)
    mended, dropped, _ = resolve_leaks(table, splits)
    assert mended[20] == -1
    assert dropped == {"copy": 1}
    assert splits[20] == 2
    refuse_leaks(table, mended)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 12), st.sets(st.sampled_from("abcdef"), max_size=2), st.integers(-1, 2)), max_size=40
    )
)
def test_what_is_found_is_what_brute_force_finds(rows: list[tuple[int, set[str], int]]) -> None:
    sketches = {seed: sketch(told(seed)) for seed in range(13)}
    table = tabulate(LeakRow(f"c{i}", sketches[seed], tuple(p)) for i, (seed, p, _) in enumerate(rows))
    splits = np.array([split for *_, split in rows], dtype=np.int8)
    expected = [
        i
        for i, (seed, people, split) in enumerate(rows)
        if any(0 <= other < split and (s == seed or p & people) for s, p, other in rows)
    ]
    found = find_leaks(table, splits)
    assert found.rows.tolist() == expected
    assert sum(found.counts.values()) == len(expected)
    refuse_leaks(table, resolve_leaks(table, splits)[0])


def test_no_conversation_and_a_few() -> None:
    assert divide([]).splits == {}
    assert set(divide(map(split_row, log_of(3))).splits) == {"c0", "c1", "c2"}


def test_a_row_travels_between_processes_and_is_the_same_in_each() -> None:
    row = split_row(told(1, at=1.0))
    again = pickle.loads(pickle.dumps(row))
    assert np.array_equal(again.leak.sketch, row.leak.sketch)
    assert len(pickle.dumps(row)) < 1000


def test_chinese_near_copies_are_found() -> None:
    text = (
        "你好我上周买的帐篷拉链坏了想问一下可以换一个新的吗还是只能修理谢谢，"
        "订单里还有一个睡袋没有收到，物流显示已经签收但是我没有拿到"
    )
    log = [
        *log_of(100),
        Conversation("zh", (Message("customer", text.replace("睡袋", "背包"), time=2e9),), language="zh"),
    ]
    log[0] = Conversation("first", (Message("customer", text, time=1.0),), language="zh")
    assert divide(map(split_row, log)).dropped == {"near-copy": 1}


def test_a_hundred_thousand_conversations_take_seconds() -> None:
    luck = np.random.default_rng(0)
    sketches = luck.integers(1, 2**63, size=(100_000, 18), dtype=np.uint64)
    sketches[90_000:91_000] = sketches[:1000]
    rows = (LeakRow(str(i), sketches[i], (f"p{i % 70_000}",)) for i in range(100_000))
    table = tabulate(rows)
    started = time.process_time()
    splits = np.repeat(np.array([0, 1, 2], dtype=np.int8), [80_000, 10_000, 10_000])
    found = find_leaks(table, splits)
    assert time.process_time() - started < 20
    assert found.counts == {"copy": 1000, "same customer": 19_000}


def star() -> Iterator[Conversation]:
    from data.readers.star import parse

    path = SHARED / "star.jsonl.gz"
    if not path.is_file():
        pytest.skip("star.jsonl.gz is not in ../shared/data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if (conversation := parse(json.loads(line))) is not None:
                yield conversation


@pytest.mark.slow
def test_star_hardly_leaks() -> None:
    division = divide(map(split_row, star()))
    assert division.by == "time"
    assert sum(division.dropped.values()) <= 0.01 * 0.2 * len(division.splits)
