import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.artifacts import IndexLayout, Manifest, ModelLayout, create, load_manifest
from data.errors import InputError
from data.workspace import Workspace
from retrieval.build import build_index
from retrieval.index import Index
from retrieval.search import Searcher, Thresholds
from retrieval.shelf import Shelf
from tests.contracts.model_fixture import write_model
from tests.retrieval.conftest import ANSWERS, EXAMPLES, INTENTS


def test_an_index_holds_all_answers_and_the_train_split_only(place: Workspace) -> None:
    index = Index.load(place.live_index())
    assert list(index.answers) == ANSWERS
    assert [row.text for row in index.logged] == ["where is my order ?", "my tent is torn", "hello"]
    manifest = load_manifest(place.live_index().folder, kind="index")
    assert manifest.parents == {"dataset": "d" * 12, "model": "e" * 12}
    assert manifest.metrics == {"answers": 3, "sayable": 2, "contexts": 2, "intents": 1}


def test_building_again_is_skipped(place: Workspace) -> None:
    folder = place.live_index().folder
    before = (folder / "manifest.json").stat().st_mtime_ns
    again = build_index(place.live_dataset(), place.live_model(), place.folder("index"))
    assert again.folder == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == before


def test_searching_what_was_built_equals_searching_in_memory(place: Workspace) -> None:
    opened = Searcher.open(place.live_index(), place.live_model())
    assert opened.thresholds == Thresholds(sure=0.7)
    memory = Index.from_parts(ANSWERS, EXAMPLES[:2], opened.encoder, intents=INTENTS[:1])
    matcher = type(opened.matcher)(memory, opened.encoder)
    fresh = Searcher(matcher, thresholds=opened.thresholds, model=opened.model, index=opened.index_key)
    for question in ("where is my order", "tent", "Leeds", ""):
        ours, theirs = opened.search(question), fresh.search(question)
        assert ours.to_json() == theirs.to_json()


def test_artefacts_that_do_not_belong_together_are_refused(place: Workspace) -> None:
    with create(place.folder("model"), Manifest("model", "f" * 12)) as draft:
        write_model(draft.folder)
    with pytest.raises(InputError, match="an index made with model"):
        Searcher.open(place.live_index(), ModelLayout(place.folder("model") / ("f" * 12)))
    with pytest.raises(InputError, match="of schema"):
        Searcher.open(IndexLayout(place.live_model().folder), place.live_model())


def test_a_damaged_index_is_refused(place: Workspace) -> None:
    path = place.live_index().answers
    path.write_text(path.read_text().replace("three days", "ten years"))
    with pytest.raises(InputError, match="SHA-256"):
        Searcher.open(place.live_index(), place.live_model())


def test_files_of_different_lengths_are_refused(place: Workspace) -> None:
    layout = place.live_index()
    Shelf(ANSWERS[:1]).save(layout.answers)
    with pytest.raises(InputError, match="3 ids for 1 answers"):
        Index.load(layout)
    layout.answers.write_bytes(b"")
    with pytest.raises(InputError, match="bytes, not"):
        Index.load(layout)


def test_an_index_of_an_older_version_is_refused_in_one_line(place: Workspace) -> None:
    shutil.rmtree(place.live_index().columns)
    with pytest.raises(InputError, match=r"older version.*careline index build") as refusal:
        Index.load(place.live_index())
    assert "\n" not in str(refusal.value)


def test_broken_thresholds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    assert Thresholds.load(path) == Thresholds()
    for text in ('{"sure": 2}', '{"sure": "high"}', "[]", "{"):
        path.write_text(text)
        with pytest.raises(InputError, match="three probabilities"):
            Thresholds.load(path)


def test_the_commands(place: Workspace, run: Callable[..., str]) -> None:
    built = json.loads(run("build", "--json"))
    assert built["index"] == place.live().index
    assert "3 answers" in run("build")
    row = json.loads(run("search", "where is my order", "--json", "-k", "1"))
    assert [hit["text"] for hit in row["hits"]] == [ANSWERS[0].text]
    assert row["hits"][0]["conversations"] == ["c1", "c2"]
    assert "three" in run("search", "where is my order")
    assert "No answer" in run("search", "???")


def test_vectors_of_a_loaded_index_are_those_that_were_saved(place: Workspace) -> None:
    opened = Searcher.open(place.live_index(), place.live_model())
    expected = opened.encoder.encode([answer.text for answer in ANSWERS])
    np.testing.assert_allclose(opened.index.dense.vectors([0, 1, 2]), expected, atol=1e-6)
