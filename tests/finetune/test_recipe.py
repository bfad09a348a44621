from dataclasses import fields
from pathlib import Path

import pytest

from data.errors import InputError
from finetune.recipe import Recipe, load_recipe, recipe_names, recipe_summary


def test_every_recipe_that_comes_with_careline_reads() -> None:
    assert {"tiny", "demo", "laptop", "gpu", "lora", "few-shot", "bilingual"} <= set(recipe_names())
    for name in recipe_names():
        assert load_recipe(name).name == name
        assert len(recipe_summary(name)) > 20


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
        ("minutes = nan\n", "minutes"),
        ("warmup = 1.5\n", "0 to 1"),
        ("frozen_layers = -2\n", "frozen_layers"),
        ("method = 'lorra'\n", "full, lora, adalora, prefix, ia3, frozen"),
        ("precision = 'int4'\n", "bf16"),
        ("labelsmoothing = 0.1\n", "expected label_smoothing"),
        ("cached_batch = 8\n", "cached_batch"),
        ("cached_batch = 1024\nadversary = 1.0\n", "adversary"),
        ("ema = 0.9\naverage_last = 2\n", "average_last"),
        ("augmenters = ['my words']\n", "module:function"),
        ("augmenters = 'a:b'\n", "list of words"),
        ("adapter_targets = [1]\n", "list of words"),
        ("= 3\n", "TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=named):
        load_recipe(str(path))


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"bilingual, demo, .*gpu, laptop, lora, .*tiny"):
        load_recipe("huge")


@pytest.mark.parametrize("key", [f.name for f in fields(Recipe) if isinstance(f.default, int | float)])
def test_every_number_has_a_least(key: str, tmp_path: Path) -> None:
    if isinstance(getattr(Recipe(), key), bool):
        return
    path = tmp_path / "mine.toml"
    path.write_text(f"{key} = -7\n")
    with pytest.raises(InputError, match=key):
        load_recipe(str(path))


def test_a_list_of_words_is_a_tuple_and_the_space_to_search_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("augmenters = ['my_words:synonyms']\n[tune]\nepochs = [1, 2]\n")
    assert load_recipe(str(path)) == Recipe(name="mine", augmenters=("my_words:synonyms",))
