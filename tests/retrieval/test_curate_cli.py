"""The commands that change answers and tell who changed what."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from data.errors import InputError
from data.workspace import Workspace
from retrieval.journal import Journal


def test_the_commands(place: Workspace, run: Callable[..., str]) -> None:
    before = place.live()
    added = json.loads(run("add", "where is the tent", "In the [big] order.", "--by", "anna", "--tag", "x", "--json"))
    assert added["change"] == 1
    name = added["answer"]
    assert "[big]" in run("search", "where is the tent")
    assert "change" in run("change", name, "--text", "In the [small] order.", "--question", "tent ?", "--by", "bo")
    assert "[small]" in run("search", "where is the tent")
    run("remove", name)
    assert "[small]" not in run("search", "where is the tent")
    assert json.loads(run("undo", "--json"))["undoes"] == 3
    assert "[small]" in run("search", "where is the tent")
    run("remove", name)
    run("restore", name)
    lines = run("history").splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert "anna: add" in lines[0]
    history = json.loads(run("history", name, "--json", "-n", "2"))["changes"]
    assert [row["kind"] for row in history] == ["remove", "restore"]
    assert place.live() == before, "nothing was built"
    assert json.loads(run("compact", "--json"))["index"] == place.live().index != before.index
    assert "nothing to do" in run("compact")
    assert "[small]" in run("search", "where is the tent")
    with pytest.raises(InputError, match="--until"):
        run("add", "q", "Yes.", "--until", "tomorrow")
    until = json.loads(run("add", "q", "Yes.", "--from", "2026-12-01", "--until", "2026-12-02T00:00+01:00", "--json"))
    made = Journal(place.changes).read()[-1]
    assert (made.answer.id, made.answer.valid_from, made.answer.valid_until) == (
        until["answer"],
        1796083200.0,
        1796166000.0,
    )


def test_history_of_nothing(run: Callable[..., str]) -> None:
    assert run("history") == "Nobody changed anything.\n"
