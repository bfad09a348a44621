"""Which recipe learns a dataset: the one that was named, or what its logs, or their absence, ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from data.artifacts import DatasetLayout
from data.build import is_bare
from data.records import read_rows
from data.schema import Example
from finetune.recipe import Recipe, load_recipe
from finetune.unigram import script_of

if TYPE_CHECKING:
    from rich.console import Console

PLAIN, BILINGUAL = "laptop", "bilingual"

BARE = "demo"
"""Of a shop without logs: its base reads both languages as it comes, and there is nothing to train it with."""

FAIR_SHARE = 0.15
"""Of the messages: a Chinese customer in seven should not meet a bot that hardly reads Chinese."""


def chosen_recipe(dataset: DatasetLayout, asked: str | None, usual: str, *, console: Console) -> Recipe:
    """The recipe to learn a dataset with.

    Args:
        dataset: Finished.
        asked: The name that was asked for this time, or None.
        usual: The name in the workspace's settings.
        console: Told in one line where the log asks for another one than ``PLAIN``.

    Raises:
        InputError: There is no such recipe, or the dataset cannot be read.
    """
    if is_bare(dataset):
        return replace(load_recipe(asked or BARE), method="frozen")
    if asked or usual != PLAIN:
        return load_recipe(asked or usual)
    name, share = recipe_for(dataset)
    if name != PLAIN:
        why = f"{share:.0%} of the messages are not in Latin letters"
        console.print(f"      recipe {name}: {why} (--recipe {PLAIN} for the usual one)")
    return load_recipe(name)


def recipe_for(dataset: DatasetLayout) -> tuple[str, float]:
    """The recipe's name, and the share 0..1 of the training messages that are not in Latin letters.

    Args:
        dataset: Finished.

    Raises:
        InputError: Its examples cannot be read.
    """
    newest = (row.context.rpartition("\n")[2] for row in read_rows(dataset.examples, Example) if row.split == "train")
    share = other_scripts(newest)
    return (BILINGUAL if share >= FAIR_SHARE else PLAIN), share


def other_scripts(texts: Iterable[str]) -> float:
    """Share 0..1 of the texts with letters of which at least a third are not Latin; 0 for no such texts.

    A third, because a Chinese character says about as much as three Latin letters, and product names and the names of
    the speakers are Latin.
    """
    counted = foreign = 0
    for text in texts:
        scripts = [
            script for script in map(script_of, text.removeprefix("customer: ").removeprefix("agent: ")) if script
        ]
        if scripts:
            counted += 1
            foreign += 3 * sum(script != "LATIN" for script in scripts) >= len(scripts)
    return foreign / counted if counted else 0.0
