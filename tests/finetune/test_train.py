"""The whole model stage with the shortest recipe, once, and what must hold of its result."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from data.artifacts import DatasetLayout, ModelLayout, load_manifest
from data.errors import InputError
from data.workspace import Workspace
from finetune.cli import app
from finetune.recipe import load_recipe
from finetune.stored import evaluate_stored
from finetune.testing import little_shop, write_dataset
from finetune.train import train_model
from retrieval.build import build_index
from retrieval.encoder import OnnxEncoder
from retrieval.head import LinearHead
from retrieval.rank import Ranker
from retrieval.search import Searcher


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, DatasetLayout, ModelLayout]:
    place = Workspace(tmp_path_factory.mktemp("shop"))
    dataset = write_dataset(place.folder("dataset"), little_shop())
    return place, dataset, train_model(dataset, place.folder("model"), recipe=load_recipe("tiny"))


Trained = tuple[Workspace, DatasetLayout, ModelLayout]


def test_the_model_is_whole_and_says_what_it_is(trained: Trained) -> None:
    _, dataset, model = trained
    manifest = load_manifest(model.folder, kind="model")
    assert manifest.parents == {"dataset": dataset.folder.name}
    assert manifest.recipe["base_sha256"].startswith("53aa5117")
    assert {"encoder", "export", "evaluate", "peers"} <= set(manifest.metrics["seconds"])
    assert manifest.metrics["int8"]["cosine_mean"] > 0.95
    assert manifest.metrics["encoder"]["steps"] > 0
    ranking = manifest.metrics["ranking"]
    assert ranking["systems"]["careline"]["r1"] > ranking["systems"]["bm25"]["r1"]
    assert manifest.metrics["intent_accuracy"] > 0.8
    assert not list(model.folder.rglob("*.bin")) + list(model.folder.rglob("*.pkl"))


def test_the_card_tells_what_people_must_know(trained: Trained) -> None:
    _, dataset, model = trained
    card, metrics = model.card.read_text(encoding="utf-8"), load_manifest(model.folder, kind="model").metrics
    assert f"dataset {dataset.folder.name}" in card
    assert "| (context, answer) pairs | 192 | 48 | 48 |" in card
    for language, row in metrics["intent_accuracy_by_language"].items():
        assert f"| {language} | {row['accuracy']:.3f} | {row['n']} |" in card
    assert str(metrics["calibration"]["sure"]) in card
    assert f"Served as {metrics['int8']['form']}" in card
    assert metrics["int8"]["forms"][metrics["int8"]["form"]]["lost"] <= 1.0
    assert "## Not for" in card
    assert "manifest.json" not in load_manifest(model.folder, kind="model").files
    assert "card.md" in load_manifest(model.folder, kind="model").files, "the card is hashed as well"


def test_what_was_trained_serves(trained: Trained) -> None:
    place, dataset, model = trained
    searcher = Searcher.open(build_index(dataset, model, place.folder("index")), model)
    for question, answer in (("when will my parcel arrive?", "delivery"), ("请问怎么退货", "tuihuo")):
        result = searcher.search(question)
        assert result.hits[0].id == answer
        assert result.outcome == "sure"
    assert searcher.search("xqzv wkpl").outcome == "lost"
    assert searcher.search("hello").intent is not None
    assert searcher.search("hello").intent.label == "greet"  # type: ignore[union-attr]


def test_batches_agree_with_one_by_one(trained: Trained) -> None:
    encoder = OnnxEncoder.load(trained[2])
    texts = ["how about delivery", "请问退货", "x" * 2000, ""]
    together, alone = encoder.encode(texts), np.vstack([encoder.encode([text]) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.9


def test_the_same_again_is_skipped_and_another_recipe_is_not(trained: Trained) -> None:
    place, dataset, model = trained
    before = model.encoder.stat().st_mtime_ns
    assert train_model(dataset, place.folder("model"), recipe=load_recipe("tiny")) == model
    assert model.encoder.stat().st_mtime_ns == before


def test_a_missing_dataset_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        train_model(DatasetLayout(tmp_path / "none"), tmp_path / "models", recipe=load_recipe("tiny"))
    assert not (tmp_path / "models").exists()


def test_measuring_again_gives_the_figures_of_the_manifest(trained: Trained) -> None:
    _, dataset, model = trained
    stored = load_manifest(model.folder, kind="model").metrics["ranking"]
    assert evaluate_stored(model, dataset, most=50) == stored


def test_heads_and_ranker_load(trained: Trained) -> None:
    model = trained[2]
    assert set(LinearHead.load(model.intent_head).kinds) == {"static", "topic"}
    assert LinearHead.load(model.answer_head).reads_history
    assert Ranker.load(model.ranker).platt_slope > 0


def test_the_list_names_the_model(trained: Trained) -> None:
    place, _, model = trained
    done = CliRunner().invoke(app, ["list", "--workspace", str(place.root), "--json"])
    (row,) = json.loads(done.stdout)["models"]
    assert row["key"] == model.folder.name
    assert not row["live"]
    shown = CliRunner().invoke(app, ["list", "--workspace", str(place.root)])
    assert model.folder.name[:8] in shown.stdout


def test_evaluate_by_command(trained: Trained) -> None:
    place, _, model = trained
    done = CliRunner().invoke(
        app, ["evaluate", model.folder.name, "--most", "10", "--workspace", str(place.root), "--json"]
    )
    assert json.loads(done.stdout)["ranking"]["n"] == 10
    wrong = CliRunner().invoke(app, ["evaluate", "nope", "--workspace", str(place.root)])
    assert isinstance(wrong.exception, InputError)
