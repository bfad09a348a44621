"""The judgements behind the bench `reuse`: complete, consistent, and ids only."""

from __future__ import annotations

import csv
from collections import Counter

from bench.reuse import ANSWER, BLIND, DRAWN, HARMLESS, LABELS, MORE, NO, half
from bench.reuse_lots import LEARN, SIZES


def _rows() -> list[dict[str, str]]:
    with LABELS.open(newline="", encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


def test_a_message_is_judged_once_and_has_no_text() -> None:
    rows = _rows()
    assert set(rows[0]) == {"log", "conversation", "turn", "half", "reusable", "verdict", "weight"}
    assert len({(row["log"], row["conversation"], row["turn"]) for row in rows}) == len(rows)


def test_the_later_lots_have_verdicts_that_agree_with_reusable() -> None:
    for row in _rows():
        if row["half"] not in {"tune", "report"}:
            assert row["verdict"] in {ANSWER, HARMLESS, NO}
            assert (row["reusable"] == "1") == (row["verdict"] == ANSWER)
        else:
            assert row["verdict"] == ""


def test_halves_have_the_sizes_in_which_they_are_drawn() -> None:
    drawn = Counter((log, half(log, position)) for log in DRAWN for position in range(DRAWN[log] + MORE))
    short = Counter({("star", LEARN): 1})  # one less of its richer stratum was there
    assert Counter((row["log"], row["half"]) for row in _rows()) == drawn + Counter(SIZES) - short


def test_a_conversation_of_the_blind_lot_is_in_no_other() -> None:
    of_half: dict[bool, set[str]] = {True: set(), False: set()}
    for row in _rows():
        of_half[row["half"] == BLIND].add(row["conversation"])
    assert of_half[True]
    assert not of_half[True] & of_half[False]


def test_rows_of_the_third_lot_weigh_what_they_stand_for() -> None:
    for row in _rows():
        third = row["half"] in {BLIND, LEARN}
        assert bool(row["weight"]) == third
        assert not third or float(row["weight"]) >= 1
