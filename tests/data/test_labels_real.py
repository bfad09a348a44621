"""Label errors and new topics in real questions (BANKING77), by words only, so that it is quick."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from data.label_check import check_labels
from data.novelty import WEEK
from data.propose import propose
from data.schema import Conversation, Message

BANKING = Path(__file__).resolve().parents[3] / "shared" / "data" / "banking77_train.csv"


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str]]:
    if not BANKING.is_file():
        pytest.skip("banking77_train.csv is not here; it is measurement data beside the project (../shared/data)")
    with BANKING.open(newline="", encoding="utf-8") as lines:
        found = [(row["text"], row["category"]) for row in csv.DictReader(lines)]
    kinds = sorted({label for _, label in found})[::5]  # every fifth: 16 intents, 2,000 questions
    return [row for row in found if row[1] in kinds]


def test_most_of_what_is_listed_first_was_injected(rows: list[tuple[str, str]]) -> None:
    rng = np.random.default_rng(0)
    kinds = sorted({label for _, label in rows})
    wrong = set(rng.choice(len(rows), len(rows) // 20, replace=False).tolist())
    labels = [str(rng.choice([k for k in kinds if k != y])) if i in wrong else y for i, (_, y) in enumerate(rows)]
    doubts = [d for d in check_labels([t for t, _ in rows], labels, ["en"] * len(rows)) if d.kind == "label"]
    first = doubts[: len(wrong)]
    assert sum(d.row in wrong for d in first) >= 0.7 * len(wrong)
    assert sum(d.suggested == rows[d.row][1] for d in first if d.row in wrong) >= 0.8 * sum(
        d.row in wrong for d in first
    )


def test_an_intent_that_older_data_lack_is_proposed_as_new(rows: list[tuple[str, str]]) -> None:
    rng = np.random.default_rng(1)
    held_out = sorted({label for _, label in rows})[3]
    log, seen = [], 0
    for i, (text, label) in enumerate(rows):
        week = int(rng.integers(50))
        if label == held_out:
            seen += 1
            week = 48 + seen % 2
        log.append(Conversation(f"{label}:{i}", (Message("customer", text, time=week * WEEK),), "en"))
    proposals, members = propose(log, {}, since=47.5 * WEEK)
    new = {p.id for p in proposals if p.new}
    inside = [c for c, p in members.items() if p in new]
    hits = sum(c.startswith(f"{held_out}:") for c in inside)
    assert hits >= 0.6 * seen, "most questions of the new intent are found"
    assert hits >= 0.7 * len(inside), "most of what is called new is"
