"""Which recipe a log asks for when nobody names one: the bilingual one, where a fair share is not in Latin letters."""

from __future__ import annotations

from collections.abc import Iterable

from data.artifacts import DatasetLayout
from data.records import read_rows
from data.schema import Example
from finetune.unigram import script_of

PLAIN, BILINGUAL = "laptop", "bilingual"

FAIR_SHARE = 0.15
"""Of the messages: a Chinese customer in seven should not meet a bot that hardly reads Chinese."""


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
