"""The search for a recipe: spaces, studies that go on, what is printed and written."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest
from typer.testing import CliRunner

from data.artifacts import load_manifest
from data.errors import InputError
from data.workspace import Workspace
from finetune import search as module
from finetune.cli import app
from finetune.recipe import Recipe, load_recipe, recipe_names
from finetune.search import DEFAULT_SPACE, as_toml, search, space_of, suggested
from finetune.testing import little_shop, write_dataset


def _space(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text("epochs = 1\n[tune]\n" + text, encoding="utf-8")
    return str(path)


def test_a_recipe_names_its_space_or_takes_the_default(tmp_path: Path) -> None:
    assert space_of("tiny") == DEFAULT_SPACE
    assert space_of(_space(tmp_path, "epochs = [1, 2]\n")) == {"epochs": [1, 2]}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("learning_rte = [1e-4]\n", "expected learning_rate"),
        ("epochs = 3\n", "a list of values"),
        ("epochs = { low = 3, high = 1 }\n", "a list of values"),
        ("epochs = { low = 1, max = 3 }\n", "a list of values"),
        ("warmup = { low = 0.0, high = 1.5 }\n", "warmup: got 1.5"),
        ("method = ['lora', 'lara']\n", "method: got 'lara'"),
    ],
)
def test_a_space_that_is_none_is_refused(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        space_of(_space(tmp_path, text))


def test_suggestions_are_recipes() -> None:
    space = {**DEFAULT_SPACE, "batch_size": {"low": 8, "high": 64, "log": True}, "method": ["full", "lora"]}
    study = optuna.create_study()
    for _ in range(20):
        values = suggested(study.ask(), space)
        assert type(values["batch_size"]) is int
        Recipe(**values)


def test_a_search_goes_on_and_finds_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_judged", lambda data, recipe, trial: 1 - abs(recipe.warmup - 0.12))
    space, study = {"warmup": {"low": 0.0, "high": 0.2}}, tmp_path / "tune" / "study.db"

    def run(trials: int) -> module.Best:
        return search(
            little_shop(), load_recipe("tiny"), space, trials=trials, minutes=0, study=study,
            progress=lambda done, words: None,
        )  # fmt: skip

    first, more, same = run(4), run(12), run(12)
    assert [len(best.trials) for best in (first, more, same)] == [4, 12, 12]
    assert first.before == pytest.approx(0.98)  # the recipe's own warm-up comes first
    assert more.figure >= first.figure >= first.before
    assert same == more
    path = tmp_path / "best.toml"
    path.write_text(as_toml(more), encoding="utf-8")
    assert load_recipe(str(path)).warmup == more.recipe.warmup
    assert load_recipe(str(path)).max_pairs == load_recipe("tiny").max_pairs


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tune_by_command_trains_cuts_short_and_writes(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    dataset = write_dataset(place.folder("dataset"), little_shop())
    text = "max_length = 16\nmax_pairs = 8\nmax_intent_pairs = 0\nbatch_size = 8\njudged = 8\nminutes = 0\n"
    text += "epochs = 1\nevaluations = 1\nfrozen_layers = 5\nunknown_characters = 0\n"
    (tmp_path / "mine.toml").write_text(text + "[tune]\nlearning_rate = [1e-4, 1e-3]\n", encoding="utf-8")
    done = CliRunner().invoke(
        app,
        ["tune", "--recipe", str(tmp_path / "mine.toml"), "--dataset", dataset.folder.name, "--trials", "2",
         "--workspace", str(tmp_path), "--write", str(tmp_path / "best.toml"), "--json"],
    )  # fmt: skip
    assert done.exception is None, done.exception
    row = json.loads(done.stdout)
    assert len(row["trials"]) == 2
    assert Path(row["plot"]).is_file()
    assert Path(row["study"]).parent == tmp_path / "var" / "tune"
    assert load_recipe(str(tmp_path / "best.toml")).learning_rate in (1e-4, 1e-3)
    assert load_manifest(dataset.folder, kind="dataset").key == dataset.folder.name


def test_recipes_by_command() -> None:
    shown = CliRunner().invoke(app, ["recipes"]).stdout
    for name in recipe_names():
        assert f"{name} " in shown
    assert json.loads(CliRunner().invoke(app, ["recipes", "--json"]).stdout)["recipes"]["gpu"].startswith("A graphics")
