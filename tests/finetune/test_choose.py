from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from finetune.choose import chosen_recipe, other_scripts, recipe_for
from finetune.examples import TrainingData
from finetune.testing import little_shop, write_dataset


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (["where is my parcel", "customer: naïve café?"], 0.0),
        (["customer: 我的包裹在哪里", "where is it"], 0.5),
        (["我的 Northwind 帐篷什么时候发货"], 1.0),
        (["почта?", "12", "", "?!"], 1.0),
        ([], 0.0),
    ],
)
def test_the_share_of_messages_in_other_scripts(texts: list[str], share: float) -> None:
    assert other_scripts(texts) == share


def test_a_log_with_a_fair_share_of_chinese_asks_for_the_bilingual_recipe(tmp_path: Path) -> None:
    name, share = recipe_for(write_dataset(tmp_path, little_shop()))
    assert name == "bilingual"
    assert 0.2 < share < 0.5


def test_an_english_log_keeps_the_plain_recipe(tmp_path: Path) -> None:
    shop = little_shop()
    english = TrainingData(tuple(e for e in shop.examples if e.language == "en"), shop.intents, shop.answers)
    assert recipe_for(write_dataset(tmp_path, english)) == ("laptop", 0.0)


def test_learning_says_in_one_line_which_recipe_it_took(tmp_path: Path) -> None:
    console, dataset = Console(file=io.StringIO(), width=200), write_dataset(tmp_path, little_shop())
    assert chosen_recipe(dataset, None, "laptop", console=console).name == "bilingual"
    assert chosen_recipe(dataset, "tiny", "laptop", console=console).name == "tiny"
    assert chosen_recipe(dataset, None, "tiny", console=console).name == "tiny"
    (line,) = console.file.getvalue().splitlines()
    assert "recipe bilingual" in line
    assert "--recipe laptop" in line
