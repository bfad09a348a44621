"""``careline model evaluate`` and ``explain`` on a learned workspace: figures, page, data never seen, bad input."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.workspace import Workspace
from finetune.classifiers import Remembered, Served
from finetune.cli import app
from finetune.evaluation import assess_intents
from finetune.head import fit_intent_head
from finetune.labelled import held_out
from finetune.progress import Stages
from finetune.recipe import load_recipe
from finetune.report import write_evaluation_page
from finetune.testing import little_shop
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


def test_the_whole_evaluation_becomes_one_page(tmp_path: Path) -> None:
    shop, encoder = little_shop(), Remembered(HashEncoder())
    head = fit_intent_head(shop, encoder, load_recipe("tiny"), progress=lambda done, words: None)
    assert head is not None
    found = assess_intents(
        Served(head, encoder), shop, held_out(shop), frozen=encoder, recipe=load_recipe("tiny"), known=0.5,
        stages=Stages(None),
    )  # fmt: skip
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
