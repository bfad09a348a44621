"""A person edits proposed topics; what was decided stays and becomes labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.novelty import WEEK, older_shares, parse_since
from data.proposals import (
    Proposal,
    accepted_labels,
    keep_decisions,
    members_file,
    proposal_id,
    read_proposals,
    write_proposals,
)
from data.propose import propose
from data.schema import Conversation, Message

ONE = Proposal("t1", "refund", "Where is my money: back?", size=2, keywords=("a", "退款"), examples=("x # y", "- z"))
TWO = Proposal("t2", "money", "Money", size=1)
MEMBERS = {"c1": "t1", "c2": "t1", "c3": "t2"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_proposals(tmp_path / "proposals.yml", [ONE, TWO], MEMBERS)
    return tmp_path / "proposals.yml"


def edit(path: Path, old: str, new: str, *, at: int = 0) -> None:
    """Replaces the occurrence number ``at``, as a person would in an editor."""
    parts = path.read_text(encoding="utf-8").split(old)
    assert len(parts) > at + 1
    path.write_text(old.join(parts[: at + 1]) + new + old.join(parts[at + 1 :]), encoding="utf-8")


def test_what_is_written_is_read(file: Path) -> None:
    assert read_proposals(file) == ([ONE, TWO], MEMBERS)
    assert file.read_text(encoding="utf-8").startswith("# Proposed topics.")
    assert accepted_labels(file) == {}
    assert accepted_labels(file.with_name("none.yml")) == {}


def test_decisions_become_labels(file: Path) -> None:
    edit(file, "decision: undecided", "decision: accept")
    edit(file, "name: refund", "name: money_back")
    assert accepted_labels(file) == {"c1": "money_back", "c2": "money_back"}
    edit(file, "decision: undecided\n  into: ''", "decision: merge\n  into: money_back")
    assert accepted_labels(file) == dict.fromkeys(MEMBERS, "money_back")
    edit(file, "decision: accept\n", "decision: reject\n")
    with pytest.raises(InputError, match="a merge into the rejected money_back"):
        accepted_labels(file)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("decision: undecided", "decision: yes please", "undecided or accept or merge or reject"),
        ("decision: undecided", "decision: merge", "name of the topic to join"),
        ("decision: undecided\n  into: ''", "decision: merge\n  into: refund", "a circle of merges"),
        ("name: refund", "name: Refund now!", "lower case"),
        ("name: refund", "nam: refund", "no id or no name"),
        ("size: 2", "seize: 2", "unknown key 'seize'"),
        ("id: t2", "id: t1", "twice"),
        ("version: 1", "version: 9", "version: 1"),
        ("topics:", "topics: [", "line"),
    ],
)
def test_mistakes_are_told_with_their_place(file: Path, old: str, new: str, told: str) -> None:
    edit(file, old, new)
    with pytest.raises(InputError, match="Mend the file") as error:
        read_proposals(file)
    assert told in str(error.value)
    assert "proposals.yml" in str(error.value)
    assert "Where is my money" not in str(error.value), "text of the log in an error"


def test_a_missing_members_file_is_told(file: Path) -> None:
    members_file(file).unlink()
    with pytest.raises(InputError, match="members"):
        read_proposals(file)


def test_decisions_survive_a_second_run() -> None:
    accepted = replace(ONE, name="money_back", decision="accept")
    rejected = replace(TWO, decision="reject")
    before = {"c1": "t1", "c2": "t1", "c3": "t2", "c4": "t2"}
    fresh = [
        Proposal("n1", "refund_late", "Refund", size=3),
        Proposal("n2", "other", "Other", size=1),
        Proposal("n3", "money_back", "The same name", size=1),
    ]
    members = {"c1": "n1", "c2": "n1", "c9": "n1", "c8": "n2", "c7": "n3"}
    found, merged = keep_decisions(fresh, members, [accepted, rejected], before)
    by_id = {p.id: p for p in found}
    assert (by_id["t1"].name, by_id["t1"].decision, by_id["t1"].size) == ("money_back", "accept", 3)
    assert merged["c9"] == "t1", "a new conversation of an accepted topic"
    assert by_id["t2"].decision == "reject", "not found again, but decided"
    assert (merged["c3"], merged["c4"]) == ("t2", "t2")
    assert by_id["n2"].decision == "undecided"
    assert by_id["n3"].name == "money_back_2"
    assert all(p.size == sum(i == p.id for i in merged.values()) for p in found)


def test_ids_follow_members() -> None:
    assert proposal_id(["b", "a"]) == proposal_id(["a", "b"]) != proposal_id(["a"])


QUESTIONS = {
    "delivery": "{} parcel courier delivery arrive late tracking",
    "payment": "{} invoice card payment transfer bank charge",
    "login": "{} password login account locked reset sign",
    "size": "{} shoes size small wide boots fit",
}


def log_of(weeks: int = 20, *, held_out: str = "login") -> list[Conversation]:
    """Four topics evenly over the weeks, save one that only the last two know."""
    rng = np.random.default_rng(0)
    log = []
    for i in range(400):
        week = i % weeks
        topics = [t for t in QUESTIONS if t != held_out or week >= weeks - 2]
        topic = topics[int(rng.integers(len(topics)))] if week < weeks - 2 else topics[i // weeks % len(topics)]
        some = rng.choice(QUESTIONS[topic].split()[1:], 4, replace=False)
        text = f"{' '.join(some)} {topic}"
        log.append(Conversation(f"{topic}-{i}", (Message("customer", text, time=week * WEEK),), language="en"))
    return log


def test_a_topic_that_older_data_lack_is_new() -> None:
    proposals, members = propose(log_of(), {}, since=17.5 * WEEK)
    new = [p for p in proposals if p.new]
    assert new == proposals[: len(new)], "new ones come first"
    inside = [c for c, p in members.items() if p in {n.id for n in new}]
    assert len(inside) >= 8
    assert {c.split("-")[0] for c in inside} == {"login"}


def test_nothing_is_new_when_nothing_is() -> None:
    same = log_of(held_out="none")
    assert not any(p.new for p in propose(same, {}, since=17.5 * WEEK)[0])
    assert not any(p.new for p in propose(log_of(), {})[0])


def test_proposals_show_examples_and_the_typical_answer() -> None:
    log = log_of(held_out="none")
    answers = {c.id: ("We ship daily." if i % 3 else "Tomorrow.") for i, c in enumerate(log)}
    proposals, members = propose(log, answers)
    assert len(members) > 350
    for p in proposals:
        said = [answers[c] for c, i in members.items() if i == p.id]
        assert said.count(p.typical_answer) == max(said.count(text) for text in said)
        assert 1 <= len(p.examples) <= 5
        assert p.size == sum(i == p.id for i in members.values())
    tagged = [replace(c, topic="known") for c in log]
    assert propose(tagged, {}) == ([], {})
    assert propose(tagged, {}, tagged=True)[1] == members


def test_older_shares_equal_a_count_by_hand() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    recent = [i % 3 == 0 for i in range(60)]
    shares = older_shares(vectors, recent)
    for i in range(60):
        order = sorted((j for j in range(60) if j != i), key=lambda j: -float(vectors[i] @ vectors[j]))[:5]
        by_hand = sum(not recent[j] for j in order) / 5 / (40 / 60)
        assert np.isnan(shares[i]) if not recent[i] else shares[i] == pytest.approx(by_hand)


def test_since_is_a_date_or_weeks() -> None:
    assert parse_since("2", newest=10 * WEEK) == 8 * WEEK
    assert parse_since("1970-01-08") == WEEK
    for wrong in ("soon", "0", "2026-13-01", "-3"):
        with pytest.raises(InputError, match="number of weeks"):
            parse_since(wrong)
