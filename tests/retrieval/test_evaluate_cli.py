"""`careline index evaluate`, `gaps` and `search --explain` in a workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from data.artifacts import DatasetLayout, Manifest, ModelLayout, create
from data.errors import InputError
from data.records import write_rows
from data.schema import Answer, Example
from data.workspace import Live, Workspace
from retrieval.build import build_index
from retrieval.cli import app
from tests.contracts.model_fixture import write_model

ANSWERS = [
    Answer("d", "The order is on its way in three days.", "en", support=4, conversations=("c1",)),
    Answer("t", "Send the tent back within 30 days.", "en", support=2, conversations=("c3",)),
]
EXAMPLES = [
    Example("c1", 1, "where is my order", "d", "train", "en", time=1.0),
    Example("c3", 1, "my tent is torn", "t", "train", "en", time=2.0),
]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Runs `careline index …` in a workspace with an index that is live."""
    place = Workspace(tmp_path / "shop")
    with create(place.folder("dataset"), Manifest("dataset", "d" * 12)) as draft:
        layout = DatasetLayout(draft.folder)
        write_rows(layout.answers, ANSWERS)
        write_rows(layout.examples, EXAMPLES)
        write_rows(layout.intents, [])
    with create(place.folder("model"), Manifest("model", "e" * 12)) as draft:
        write_model(draft.folder)
    dataset, model = (
        DatasetLayout(place.folder("dataset") / ("d" * 12)),
        ModelLayout(place.folder("model") / ("e" * 12)),
    )
    index = build_index(dataset, model, place.folder("index"))
    place.go_live(Live("d" * 12, "e" * 12, index.folder.name, "r"))

    def call(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(place.root)])

    return call


def test_evaluate(run: Callable[..., Result], tmp_path: Path) -> None:
    file, plot = tmp_path / "q.csv", tmp_path / "plot.png"
    file.write_text(
        "question,answer\nwhere is my order,d\nmy tent is torn,d\nnobody knows,Not there.\n", encoding="utf-8"
    )
    told = json.loads(run("evaluate", str(file), "--json", "--plot", str(plot)).stdout)
    assert told["n"] == 3
    assert told["not_in_index"] == 1
    assert 0 < told["r1"] <= 0.6667
    assert set(told["ms"]) == {"encode", "vectors", "words", "ranking", "whole"}
    assert {row["line"] for row in told["worst"]} <= {3, 4}
    assert plot.read_bytes().startswith(b"\x89PNG")
    shown = run("evaluate", str(file)).stdout
    for words in ("R@1", "NDCG@10", "unsure", "encode", "line 4: nobody knows", "not in the index"):
        assert words in shown
    with pytest.raises(InputError, match="No such file"):
        raise run("evaluate", "none.csv").exception or AssertionError


def test_explained_search(run: Callable[..., Result]) -> None:
    row = json.loads(run("search", "where is the order", "--explain", "--json").stdout)
    assert row["reasons"][0]["id"] == row["hits"][0]["id"] == "d"
    assert row["reasons"][0]["source"] == "log, given 4 x, in c1"
    assert [question for question, _ in row["reasons"][0]["questions"]] == ["where is my order"]
    shown = run("search", "where is the order", "--explain").stdout
    for words in ("asked before", "lexical_near", "matched words: ", "log, given 4 x"):
        assert words in shown


def test_gaps(run: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    row = {"language": "en", "time": 1.8e9, "outcome": "lost", "known": 0.1, "did": "handed over"}
    odd = {**row, "text": "an odd one", "did": "[/bold]"}
    texts = ["gift cards?", "gift cards?", "do you sell [bold]boats[/bold]"]
    file.write_text("".join(json.dumps({**row, "text": text}) + "\n" for text in texts), encoding="utf-8")
    told = json.loads(run("gaps", str(file), "--json").stdout)
    assert told["asked"] == 3
    assert [gap["count"] for gap in told["gaps"]] == [2, 1]
    assert told["gaps"][0]["did"] == {"handed over": 2}
    assert len(json.loads(run("gaps", str(file), "--json", "--least", "2").stdout)["gaps"]) == 1
    assert json.loads(run("gaps", str(file), "--json", "--since", "2030-01-01").stdout) == {"asked": 0, "gaps": []}
    file.write_text(file.read_text(encoding="utf-8") + json.dumps(odd) + "\n", encoding="utf-8")
    shown = run("gaps", str(file)).stdout
    assert "4 of 4 questions" in shown
    assert "[bold]" in shown
