"""A shop without logs: its dataset holds the domain's own intents and nothing else, and can be trained from."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.articles.intake import read_source
from data.articles.options import Options
from data.articles.sources import write_source
from data.artifacts import load_manifest
from data.build import build_bare, build_dataset
from data.errors import InputError
from data.records import read_rows
from data.schema import Answer, Example, IntentExample
from data.workspace import Workspace
from finetune.examples import TrainingData
from learn import named_sources


def test_a_bare_dataset_is_whole_and_made_once(tmp_path: Path) -> None:
    dataset = build_bare(Workspace(tmp_path))
    manifest = load_manifest(dataset.folder, kind="dataset")
    assert (manifest.metrics["conversations"], manifest.metrics["answers"]) == (0, 0)
    assert list(read_rows(dataset.answers, Answer)) == list(read_rows(dataset.examples, Example)) == []
    intents = list(read_rows(dataset.intents, IntentExample))
    assert {row.kind for row in intents} == {"static"}
    assert {row.language for row in intents} == {"en", "zh"}
    assert build_bare(Workspace(tmp_path)).folder == dataset.folder
    data = TrainingData.load(dataset)
    assert data.is_bare
    assert not data.has_answers


def test_what_articles_answer_is_a_topic(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "shop")
    (tmp_path / "a.md").write_text("# Tents\n\n## Is it heavy?\nNo.\n")
    options = Options("help")
    write_source(place.sources, read_source(tmp_path / "a.md", options), options, tmp_path / "a.md")
    dataset = build_bare(place)
    topics = [row for row in read_rows(dataset.intents, IntentExample) if row.kind == "topic"]
    assert [(row.text, row.intent, row.source) for row in topics] == [("Is it heavy?", "articles", "article")]
    assert TrainingData.load(dataset).is_bare
    assert dataset.folder.name != build_bare(Workspace(tmp_path / "other")).folder.name


def test_neither_log_nor_articles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no log"):
        build_dataset([], Workspace(tmp_path))


def test_sources_are_named_by_their_paths(tmp_path: Path) -> None:
    paths = [tmp_path / "Help Centre", tmp_path / "x" / "help-centre.csv", tmp_path / "帮助", tmp_path / "feed.xml"]
    assert list(named_sources(paths)) == ["help-centre", "articles-2", "articles-3", "feed"]
