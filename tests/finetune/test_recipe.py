from pathlib import Path

import pytest

from data.errors import InputError
from finetune.recipe import Recipe, load_recipe, recipe_names


def test_every_recipe_that_comes_with_careline_reads() -> None:
    assert set(recipe_names()) == {"tiny", "demo", "laptop", "gpu", "few-shot"}
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_a_whole_number_stands_for_a_float(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("epochs = 2\n")
    assert load_recipe(str(path)) == Recipe(name="mine", epochs=2.0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("epoch = 2\n", "epoch"),
        ("batch_size = 'many'\n", "batch_size"),
        ("batch_size = 1\n", "batch_size"),
        ("seed = true\n", "seed"),
        ("minutes = -1.0\n", "minutes"),
        ("patience = 0\n", "patience"),
        ("= 3\n", "TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=named):
        load_recipe(str(path))


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(InputError, match="demo, few-shot, gpu, laptop, tiny"):
        load_recipe("huge")
