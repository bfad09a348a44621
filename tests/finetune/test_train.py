"""The whole model stage with the shortest recipe, once, and what must hold of its result."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from data.artifacts import DatasetLayout, ModelLayout, load_manifest
from data.errors import InputError
from data.workspace import Workspace
from finetune import export
from finetune.cli import app
from finetune.evaluation import swap_figures
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "export_encoder", _interrupted)  # after the encoder has learned
        with pytest.raises(KeyboardInterrupt):
            train_model(dataset, place.folder("model"), recipe=load_recipe("tiny"))
    (draft,) = place.folder("model").iterdir()
    draft.rename(draft.with_name(f".{draft.name.split('.')[1]}.4999999.tmp"))  # as that of a process that is gone
    return place, dataset, train_model(dataset, place.folder("model"), recipe=load_recipe("tiny"))


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


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


def test_what_the_interrupted_run_had_learned_was_not_learned_again(trained: Trained) -> None:
    place, _, model = trained
    course = load_manifest(model.folder, kind="model").metrics["encoder"]
    assert course["resumed"] == course["steps"] > 0
    assert [path.name for path in place.folder("model").iterdir()] == [model.folder.name]  # no draft
    assert not (model.folder / "training").exists()
    assert list((place.var / "reports" / "tensorboard" / model.folder.name).iterdir())


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


def test_evaluate_by_command_on_data_never_seen(trained: Trained, tmp_path: Path) -> None:
    place, _, model = trained
    table, page = tmp_path / "new.csv", tmp_path / "page.html"
    lines = [
        "hello there,greet",
        "when will it arrive,Delivery",
        "who is the king of Spain,oos",
        "is it raining,",
        "?,x",
    ]
    table.write_text("text,intent\n" + "\n".join(lines) + "\n", encoding="utf-8")
    where = [model.folder.name, "--workspace", str(place.root)]
    options = ["--quick", "--most", "10", "--on", str(table), "--html", str(page), "--json"]
    found = json.loads(CliRunner().invoke(app, ["evaluate", *where, *options], catch_exceptions=False).stdout)
    assert found["ranking"]["n"] == 10
    assert found["n"] == {"in_scope": 3, "out_of_scope": 2}
    assert found["unknown_intents"] == {"x": 1}
    assert found["systems"]["careline"]["accuracy"]["value"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["scope"]["of"] == "out-of-scope messages"
    assert set(found["ranking"]["systems"]["careline"]["intervals"]) == {"r1", "r5", "mrr", "ndcg10"}
    assert "Left out by --quick" in page.read_text(encoding="utf-8")
    for wrong in (["evaluate", "nope", *where[1:]], ["evaluate", *where, "--on", str(tmp_path / "none.csv")]):
        assert isinstance(CliRunner().invoke(app, wrong).exception, InputError)


def test_swaps_of_a_stored_model_for_the_gate(trained: Trained) -> None:
    found = swap_figures(trained[2], little_shop())
    assert 0 <= found["changed"]["value"] <= found["worst"] <= 1
    assert {row["language"] for row in found["kinds"]} == {"en", "zh"}
