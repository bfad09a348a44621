"""Writes ``docs/reference/recipes.md`` from the recipe's docstring: ``python -m finetune.recipe_page``."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

from finetune.ranges import CHOICES, RANGES
from finetune.recipe import Recipe, recipe_names, recipe_summary

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "recipes.md"

_HEAD = """# Recipes

A recipe is a TOML file with any of the fields below; what it leaves out has the default. An unknown field, a wrong type
or a value out of range is refused with one line, before anything is trained. Those that come with Careline lie in
`finetune/recipes/`; name one (`careline model train --recipe lora`), a file of your own (`--recipe mine.toml`), or set
`learn.recipe` in `careline.toml`.

This page is made from the code: `python -m finetune.recipe_page`.

## The recipes that come with Careline
| name | for |
|---|---|
"""

_FIELDS = """
`careline model recipes` prints this list.

## Fields
| field | default | may be | what it does |
|---|---|---|---|
"""

_TAIL = """
## Searching for a better recipe
`careline model tune --recipe mine.toml --trials 30 --write better.toml` tries values with Optuna, judges each on the
validation split (never on the test split) and cuts short what falls behind. The study is a SQLite file under
`var/tune/`: the same command goes on with it. A plot goes to `var/reports/`. What may change stands in a table `[tune]`
of the recipe's file; without one, learning rates, scale, warm-up and frozen layers are searched:

```toml
[tune]
learning_rate = { low = 2e-5, high = 1e-3, log = true }
adapter_rank = [4, 8, 16]
```

## What a run leaves
- The course of loss, learning rate and judgements goes to `var/reports/tensorboard/KEY`, live: `tensorboard --logdir
  var/reports/tensorboard`. With `WANDB_API_KEY`, `WANDB_PROJECT` or `WANDB_MODE` set and the package `wandb` installed
  it goes to Weights & Biases too.
- Checkpoints lie in the draft of the model (`var/models/.KEY.PID.tmp/training`). A run that was killed goes on from the
  last one when the same command is given again; they are gone when the model is done.
- The manifest of the model holds the recipe, the share of weights that learned, the judgements and which step was kept.

## Same seed, same model
With `minutes = 0` two runs with one seed on one machine and as many threads give the same weights. With a budget of
minutes the number of steps depends on how busy the machine is.

## Methods that add weights
`lora`, `adalora` and `ia3` are merged into the weights before export: serving costs nothing more. A `prefix` cannot be
merged: it is exported as a part of the ONNX graph, and the checkpoint of such a model is an adapter of peft's beside
the name of its base model.
"""


def page() -> str:
    """The whole page as Markdown."""
    recipes = "".join(f"| `{name}` | {recipe_summary(name)} |\n" for name in recipe_names())
    told = described()
    rows = "".join(
        f"| `{f.name}` | {_shown(f.default)} | {_allowed(f.name, f.default)} | {told[f.name]} |\n"
        for f in fields(Recipe)
        if f.name != "name"
    )
    return _HEAD + recipes + _FIELDS + rows + _TAIL


def described() -> dict[str, str]:
    """What the docstring of ``Recipe`` says about each field."""
    text = (Recipe.__doc__ or "").partition("Attributes:")[2]
    entries = re.split(r"\n {8}(?=\w+: )", text)
    pairs = (entry.strip().partition(": ") for entry in entries if entry.strip())
    return {name: " ".join(words.split()).replace("``", "`").replace("|", "\\|") for name, _, words in pairs}


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{part}"' for part in value) + "]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{str(value).lower()}`"


def _allowed(name: str, value: object) -> str:
    if name in CHOICES:
        return ", ".join(f"`{choice}`" for choice in CHOICES[name])
    if isinstance(value, bool):
        return "`true`, `false`"
    if isinstance(value, int | float):
        low, high = RANGES.get(name, (0, float("inf")))
        whole = "whole number, " if isinstance(value, int) else ""
        return whole + (f"from {low:g}" if high == float("inf") else f"{low:g} to {high:g}")
    return "list of words" if isinstance(value, tuple) else "text"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE, file=sys.stderr)
