"""``careline model evaluate`` and ``explain`` on a learned workspace: figures, page, data never seen, bad input."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from data.errors import InputError
from data.workspace import Workspace
from finetune.classifiers import Remembered, Served
from finetune.cli import app
from finetune.evaluation import assess_intents
from finetune.head import fit_intent_head
from finetune.labelled import Labelled, held_out
from finetune.progress import Stages
from finetune.recipe import load_recipe
from finetune.report import write_evaluation_page
from finetune.testing import little_shop
from retrieval.evaluate import Ranking
from retrieval.testing import HashEncoder

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name == "src" for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def call(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def served() -> Served:
    encoder = Remembered(HashEncoder())
    head = fit_intent_head(little_shop(), encoder, load_recipe("tiny"), progress=lambda done, words: None)
    assert head is not None
    return Served(head, encoder)


def assessed(served: Served, rows: list[Labelled], *, quick: bool = False) -> dict[str, Any]:
    return assess_intents(
        served, little_shop(), rows, frozen=served.encoder, recipe=load_recipe("tiny"), known=0.5,
        stages=Stages(None), quick=quick,
    )  # fmt: skip


def test_the_whole_evaluation_becomes_one_page(served: Served, tmp_path: Path) -> None:
    found = assessed(served, held_out(little_shop()))
    assert set(found["systems"]) == {"careline", "tfidf + linear SVM", "frozen encoder + logistic regression"}
    assert found["scope"]["of"] == "random letters and punctuation"
    assert {row["system"] for row in found["folds"]} == {"careline's head", "tfidf + SVM", "our head, frozen encoder"}
    assert json.loads(json.dumps(found)) == found
    found["errors"] = [{"text": EVIL, "intent": "a", "guessed": "b", "confidence": 0.9, "language": "en"}]
    found["confusions"] = [["a", "b", 1]]
    whole = {"model": "m", "dataset": "d", "source": "test split", "left_out": [], "tuned": [["a", "b", "c"]], **found}
    text = write_evaluation_page(whole, tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert EVIL in page.text
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("svg") == 3
    for title in ("Intents beside peers", "Calibration", "Out of scope", "Each intent", "Groups side by side",
                  "Counterfactual swaps", "Robustness", "By length and age", "Cross-validation", "Learning curve",
                  "The errors themselves", "What was tuned on what"):  # fmt: skip
        assert title in page.text


def test_only_foreign_messages_are_no_error(served: Served, tmp_path: Path) -> None:
    found = assessed(served, [Labelled("who won the cup", None, "en")] * 3)
    assert found["n"] == {"in_scope": 0, "out_of_scope": 3}
    assert found["scope"]["systems"]["careline"] == {}
    assert found["decision"]["foreign_found"]["n"] == 3
    whole = {"model": "m", "dataset": "d", "source": "x.csv", "left_out": ["folds"], "tuned": [], **found}
    assert "Left out by --quick: folds." in write_evaluation_page(whole, tmp_path / "page.html").read_text("utf-8")


def test_a_model_without_intents_has_a_page_of_its_ranking(tmp_path: Path) -> None:
    row = Ranking.of(np.array([1, 2, 3])).to_json()
    ranking = {"protocol": "all answers", "n": 3, "candidates": 9, "systems": {"careline": row, "old": {"r1": 0.5}}}
    whole = {"model": "m", "dataset": "d", "source": "test split", "left_out": [], "tuned": [], "ranking": ranking}
    page = Page(write_evaluation_page(whole, tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "Ranking of answers" in page.text
    assert "Intents beside peers" not in page.text


@pytest.mark.parametrize("command", [["evaluate"], ["explain", "hello"]])
def test_a_folder_is_no_page(command: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*command, "--html", str(tmp_path), "--workspace", str(tmp_path)])
    assert isinstance(done.exception, InputError)
    assert "a folder" in str(done.exception)


@pytest.mark.slow
def test_explain_by_command(learned_workspace: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    place = ("--workspace", str(learned_workspace.root))
    row = json.loads(call("explain", f"hello {EVIL}", "--answer", "--html", str(page), "--json", *place))
    assert row["intent"]["label"]
    assert row["words"][0]["text"] == "hello"
    assert row["nearest"]
    shown = Page(page.read_text(encoding="utf-8"))
    assert "script" not in shown.tags
    assert "The decision" in shown.text
    told = call("explain", "怎么退货", *place)
    assert "理解为" in told
    assert "Taken for" in call("explain", "怎么退货", "--language", "en", *place)
