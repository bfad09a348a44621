"""The judgements behind the bench `reuse`: complete, consistent, and ids only."""

from __future__ import annotations

import csv
from collections import Counter

from bench.reuse import ANSWER, DRAWN, HARMLESS, LABELS, MORE, NO, half


def _rows() -> list[dict[str, str]]:
    with LABELS.open(newline="", encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


def test_a_message_is_judged_once_and_has_no_text() -> None:
    rows = _rows()
    assert set(rows[0]) == {"log", "conversation", "turn", "half", "reusable", "verdict"}
    assert len({(row["log"], row["conversation"], row["turn"]) for row in rows}) == len(rows)


def test_the_second_lot_has_verdicts_that_agree_with_reusable() -> None:
    for row in _rows():
        if row["half"] in {"blind", "tune2"}:
            assert row["verdict"] in {ANSWER, HARMLESS, NO}
            assert (row["reusable"] == "1") == (row["verdict"] == ANSWER)
        else:
            assert row["verdict"] == ""


def test_halves_have_the_sizes_in_which_they_are_drawn() -> None:
    drawn = Counter((log, half(log, position)) for log in DRAWN for position in range(DRAWN[log] + MORE))
    assert Counter((row["log"], row["half"]) for row in _rows()) == drawn
