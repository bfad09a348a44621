"""What agents corrected wins over the log, in the dataset that is really built."""

from __future__ import annotations

from pathlib import Path

import pytest

import data.blocks
from data.artifacts import DatasetLayout
from data.build import build_dataset
from data.corrections import append_correction
from data.records import read_rows, write_rows
from data.report import read_report
from data.schema import Answer, Conversation, Correction, Example, IntentExample, Message, Topic
from data.workspace import Workspace

OIL = Correction("c3", 2, "anna", 1_700_100_000.0, text="Oak tables need oil once a year.")
THINGS = ("oak table", "red lamp", "wool rug")


def log() -> list[Conversation]:
    rows = []
    for i in range(120):
        thing = THINGS[i % 3]
        messages = (
            Message("customer", f"what about the {thing}, case {i}", time=1_700_000_000.0 + 60 * i),
            Message("agent", f"The {thing} is as described on its page.", time=1_700_000_005.0 + 60 * i),
        )
        rows.append(Conversation(f"c{i}", messages, topic=thing))
    return rows


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(data.blocks, "BLOCK_BYTES", 4000)
    write_rows(tmp_path / "log.jsonl", log())
    return Workspace(tmp_path)


def build(workspace: Workspace) -> DatasetLayout:
    return build_dataset([workspace.root / "log.jsonl"], workspace, engine="1")


def test_a_correction_makes_another_dataset_in_which_it_counts(workspace: Workspace) -> None:
    before = build(workspace)
    corrections = workspace.var / "corrections" / "anna.jsonl"
    append_correction(corrections, OIL)
    append_correction(corrections, Correction("c4", 2, "anna", 1_700_100_001.0, intent="lamp_care"))
    append_correction(corrections, Correction("gone", 2, "anna", 1_700_100_002.0, intent="lamp_care"))
    after = build(workspace)
    assert after.folder != before.folder
    (new,) = [a for a in read_rows(after.answers, Answer) if a.source == "curated"]
    assert (new.text, new.reusable, new.support) == ("Oak tables need oil once a year.", True, 1)
    given = {e.conversation: e.answer for e in read_rows(after.examples, Example)}
    old = {e.conversation: e.answer for e in read_rows(before.examples, Example)}
    assert given == {**old, "c3": new.id}
    labels = {row.text: row.intent for row in read_rows(after.intents, IntentExample)}
    assert labels["what about the red lamp, case 4"] == "lamp_care"
    assert "lamp_care" in {topic.id for topic in read_rows(after.topics, Topic)}
    learned = read_report(after)["corrections"]["learned"]
    assert (learned["new_answers"], learned["intents"], learned["gone"]) == (1, 1, 1)


def test_a_correction_that_is_taken_back_leaves_nothing(workspace: Workspace) -> None:
    corrections = workspace.var / "corrections" / "anna.jsonl"
    append_correction(corrections, OIL)
    build(workspace)
    corrections.unlink()
    clean = build(workspace)
    assert all(a.source == "log" for a in read_rows(clean.answers, Answer))
    known = {a.id for a in read_rows(clean.answers, Answer)}
    assert {e.answer for e in read_rows(clean.examples, Example)} <= known
