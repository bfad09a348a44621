"""A little workspace that is learned, served and changed: what tests of the index share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from data.artifacts import DatasetLayout, Manifest, ModelLayout, create
from data.records import write_rows
from data.schema import Answer, Example, IntentExample
from data.workspace import Live, Workspace
from retrieval.cli import app
from retrieval.compact import build_for
from retrieval.living import LivingIndex
from retrieval.rank import Ranker
from retrieval.testing import HashEncoder
from tests.contracts.model_fixture import write_model

ANSWERS = [
    Answer("d", "The order is on its way in three days.", "en", support=4, conversations=("c1", "c2")),
    Answer("t", "Send the tent back within 30 days.", "en", support=2, conversations=("c3",)),
    Answer("p", "Your order 17 is in Leeds.", "en", support=9, reusable=False),
]

EXAMPLES = [
    Example("c1", 1, "where is my order ?", "d", "train", "en", time=1.0),
    Example("c3", 1, "my tent is torn", "t", "train", "en", time=2.0),
    Example("c9", 1, "held out: where is the tent", "t", "test", "en", time=9.0),
]

INTENTS = [
    IntentExample("hello", "greet", "static", "train", "en"),
    IntentExample("good day", "greet", "static", "test", "en"),
]


def make_dataset(place: Workspace, key: str, answers: list[Answer]) -> DatasetLayout:
    """A dataset of the workspace with these answers."""
    with create(place.folder("dataset"), Manifest("dataset", key)) as draft:
        layout = DatasetLayout(draft.folder)
        write_rows(layout.answers, answers)
        write_rows(layout.examples, EXAMPLES)
        write_rows(layout.intents, INTENTS)
    return DatasetLayout(place.folder("dataset") / key)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A workspace with a dataset and a model, and an index that is live."""
    workspace = Workspace(tmp_path)
    dataset = make_dataset(workspace, "d" * 12, ANSWERS)
    with create(workspace.folder("model"), Manifest("model", "e" * 12)) as draft:
        write_model(draft.folder)
        Ranker.default().save(ModelLayout(draft.folder).ranker)
        ModelLayout(draft.folder).thresholds.write_text('{"sure": 0.7, "note": "by hand"}')
    model = ModelLayout(workspace.folder("model") / ("e" * 12))
    index = build_for(workspace, dataset, model)
    workspace.go_live(Live("d" * 12, "e" * 12, index.folder.name, "none"))
    return workspace


@pytest.fixture
def run(place: Workspace) -> Callable[..., str]:
    """Runs `careline index …` in the workspace and returns its stdout."""

    def call(*words: str) -> str:
        result = CliRunner().invoke(app, [*words, "--workspace", str(place.root)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return call


def opened(place: Workspace) -> LivingIndex:
    """What serves in the workspace, and follows its journal."""
    return LivingIndex.open(place.live_index(), place.live_model(), journal=place.changes, vectors=place.vectors)


def found(living: LivingIndex, question: str) -> list[str]:
    """Texts of the answers to a question, with all that was changed until now."""
    living.refresh()
    return [hit.answer.text for hit in living.searcher.search(question).hits]


class Picky(HashEncoder):
    """Fails as ONNX Runtime does, with an exception that is nothing but one."""

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> np.ndarray:
        if any("poison" in text for text in texts):
            raise Exception("out of memory")
        return super().encode(texts, batch_size=batch_size)
