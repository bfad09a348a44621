"""A model of labelled messages alone, from the table to the command that reads messages."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from data.artifacts import Manifest, ModelLayout, create
from data.build import build_dataset
from data.errors import InputError
from data.schema import IntentExample
from data.workspace import Workspace
from finetune.cli import app
from finetune.evaluation import as_learned
from finetune.examples import TrainingData
from finetune.intents import HELD_OUT, Trained, blended, regression
from finetune.messages import Labelled, split_off, with_names
from finetune.predicting import read_texts
from finetune.recipe import load_recipe
from finetune.train import train_model
from finetune.tune import Tuned
from retrieval.head import LinearHead
from retrieval.intents import IntentReader

_WORDS = {
    "Card.Arrival": ("card arrive", "new card", "card in the post", "card delivery", "card come"),
    "refund?": ("refund", "money back", "returned money", "refunded", "my money again"),
    "change_pin": ("change my pin", "new pin", "another pin", "pin number changed", "forgot pin"),
    "top up": ("top up", "add money", "load my account", "put money in", "topping up"),
    "lost": ("lost my phone", "phone was stolen", "lost phone", "phone gone", "cannot find my phone"),
    "closed": ("close the account", "delete my account", "leave the bank", "end my account", "account closed please"),
    "once": ("exchange rate",),
    "oos": ("who won the match", "tell me a joke"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path]:
    root = tmp_path_factory.mktemp("bank")
    rows = [f"how about {word},{label}" for label, words in _WORDS.items() for word in words]
    table = root / "labelled.csv"
    table.write_text("\n".join(["text,intent", *rows, "how about refund,lost"]) + "\n", encoding="utf-8")
    place = Workspace(root)
    model = train_model(build_dataset([table], place), place.folder("model"), recipe=load_recipe("tiny"))
    return place, model.folder


def test_every_label_is_learned_and_keeps_its_name(trained: tuple[Workspace, Path]) -> None:
    manifest = json.loads((trained[1] / "manifest.json").read_text(encoding="utf-8"))
    titles = manifest["metrics"]["titles"]
    assert set(titles.values()) == set(_WORDS) - {"oos"}
    assert manifest["metrics"]["few"]
    assert manifest["metrics"]["held_out"] > 0
    assert {"encoder", "rehearsal", "scope"} <= set(manifest["metrics"]["seconds"])


def test_messages_are_read_by_command(trained: tuple[Workspace, Path], tmp_path: Path) -> None:
    place, _ = trained
    (tmp_path / "texts.csv").write_text('id,text\n1,"how about refund"\n2,\n3,%$?\n', encoding="utf-8")
    arguments = ["predict", "change my pin", "xqzv wkpl", "x" * 100_000, "--file", str(tmp_path / "texts.csv")]
    done = CliRunner().invoke(app, [*arguments, "--workspace", str(place.root)])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 6
    assert rows[0]["intent"] == "change_pin"
    assert rows[3]["title"] == "refund?"
    assert [row["in_scope"] for row in rows[1:3] + rows[4:]] == [False] * 4
    assert all(0 <= row["confidence"] <= 1 and 0 <= row["known"] <= 1 for row in rows)


def test_a_model_of_few_messages_is_measured_on_others(trained: tuple[Workspace, Path], tmp_path: Path) -> None:
    place, model = trained
    where = ["evaluate", model.name, "--workspace", str(place.root), "--quick", "--json"]
    with pytest.raises(InputError, match="--on"):
        CliRunner().invoke(app, where, catch_exceptions=False)
    rows = ["how about refund,refund?", "new pin,change_pin", "xqzv wkpl,oos", "what is love,"]
    (tmp_path / "new.csv").write_text("\n".join(["text,intent", *rows]), encoding="utf-8")
    done = CliRunner().invoke(app, [*where, "--on", str(tmp_path / "new.csv")], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["n"] == {"in_scope": 2, "out_of_scope": 2}
    assert found["unknown_intents"] == {}
    assert found["systems"]["careline"]["accuracy"]["value"] == 1.0
    assert found["decision"]["threshold"] == IntentReader.open(ModelLayout(model)).scope.least
    assert "ranking" not in found


def test_the_messages_held_out_of_many_are_those_that_were_not_learned_from() -> None:
    rows = tuple(IntentExample(f"t{i}", f"c{i % 3}", "topic", "test", "en") for i in range(90))
    data = as_learned(TrainingData((), rows, {}), load_recipe("tiny"))
    _, apart = split_off(Labelled.of([(row.text, row.intent) for row in rows]), share=HELD_OUT, seed=0)
    assert {row.text for row in data.intents_of("valid")} == set(apart.texts)
    assert len(data.intents_of("train")) == 90 - len(apart)
    assert data.intents_of("test") == ()


def test_a_model_without_intents_is_refused(tmp_path: Path) -> None:
    with create(tmp_path, Manifest("model", "bare")):
        pass
    with pytest.raises(InputError, match="no intents"):
        IntentReader.open(ModelLayout(tmp_path / "bare"))


@pytest.mark.parametrize(("name", "text"), [("a.csv", "question\n"), ("b.csv", "a,b\n1,2\n"), ("c.txt", None)])
def test_files_of_texts(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    if name == "a.csv":
        assert read_texts((), tmp_path / name) == ["question"]
        return
    with pytest.raises(InputError):
        read_texts((), tmp_path / name)


def test_no_text_is_an_error() -> None:
    with pytest.raises(InputError, match="no text"):
        read_texts((), None)


def test_two_labels_for_one_text_leave_the_more_frequent() -> None:
    rows = Labelled.of([("a", "x"), ("a", "y"), ("a", "y"), ("b", "x")])
    assert rows.labels == ("x", "y")
    assert dict(zip(rows.texts, rows.gold, strict=True)) == {"a": 1, "b": 0}
    with pytest.raises(InputError, match="two intents"):
        Labelled.of([("a", "x"), ("b", "x")])


def test_each_intent_keeps_a_message_when_some_are_held_out() -> None:
    rows = Labelled.of([(f"t{i}", f"c{i % 7}") for i in range(20)] + [("alone", "z")], ["o1", "o2", "o3", "o4"])
    learned, held_out = split_off(rows, share=0.4, seed=0)
    assert set(learned.gold) == set(range(8))
    assert not set(learned.texts) & set(held_out.texts)
    assert len(learned) + len(held_out) == 21
    assert sorted(learned.outside + held_out.outside) == ["o1", "o2", "o3", "o4"]


def test_names_that_say_something_are_messages_too() -> None:
    rows = with_names(
        Labelled.of([("a", "card_arrival"), ("b", "c12"), ("c", "退货流程"), ("lost phone", "lost_phone")])
    )
    assert rows.texts == ("a", "b", "c", "lost phone", "card arrival", "退货流程")
    assert [rows.labels[i] for i in rows.gold[4:]] == ["card_arrival", "退货流程"]


def test_a_blended_head_weighs_its_halves() -> None:
    layer = np.array([[1, 2, 3], [1, 2, 3]], dtype=np.float32)
    words = LinearHead(
        ("a", "b"), layer[:, :-1] * 0, np.ones((2, 2**16), dtype=np.float32), np.ones(2, dtype=np.float32)
    )
    trained = Trained(None, words, Tuned(layer), layer[:, :-1], layer)  # type: ignore[arg-type]
    half = blended(trained, (2.0, 0.5))
    assert half.dense_weights[0].tolist() == [2, 4]
    assert half.ngram_weights is not None
    assert half.ngram_weights[0, 0] == 0.5
    assert half.bias[0] == 6.5
    assert blended(trained, (1.0, 0.0)).ngram_weights is None


@pytest.mark.parametrize("classes", [2, 3])
def test_the_regression_tells_classes_apart(classes: int) -> None:
    vectors, gold = np.eye(classes, dtype=np.float32).repeat(4, axis=0), np.arange(classes).repeat(4)
    layer = regression(vectors, gold)
    assert layer.shape == (classes, classes + 1)
    assert ((vectors @ layer[:, :-1].T + layer[:, -1]).argmax(axis=1) == gold).all()
