"""What each field of a recipe may be: bounds of numbers, names to choose from, fields that need each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finetune.recipe import Recipe

RANGES: dict[str, tuple[float, float]] = {
    "max_length": (4, 8192),
    "frozen_layers": (-1, 1000),
    "batch_size": (1, 1_000_000),
    "learning_rate": (0, 1),
    "class_learning_rate": (0, 1),
    "intent_runs": (1, 2),
    "warmup": (0, 1),
    "scale": (0.01, 1000),
    "evaluations": (1, 10_000),
    "judged": (1, 1_000_000),
    "patience": (1, 10_000),
    "buckets": (1, 2**24),
    "head_epochs": (1, 10_000),
    "min_support": (1, 1_000_000),
    "seed": (0, 2**32 - 1),
    "adapter_rank": (1, 1024),
    "adapter_alpha": (0.001, 10_000),
    "adapter_dropout": (0, 0.9),
    "prefix_tokens": (1, 1024),
    "accumulation": (1, 100_000),
    "weight_decay": (0, 1),
    "dropout": (-1, 0.9),
    "label_smoothing": (0, 0.9),
    "workers": (0, 256),
    "typos": (0, 0.5),
    "word_drop": (0, 0.5),
    "adversary": (0, 100),
    "ema": (0, 0.99999),
    "average_last": (0, 1000),
}
"""Least and most of each number; one that is not listed here must not be negative."""

CHOICES: dict[str, tuple[str, ...]] = {
    "method": ("full", "lora", "adalora", "prefix", "ia3", "frozen"),
    "precision": ("auto", "fp32", "bf16", "fp16"),
    "attention": ("sdpa", "eager"),
}
"""Fields that take one of a few names."""


def problems(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Yields (field, got, expected) for each value that is out of range or does not go with another."""
    for key, value in recipe.to_json().items():
        if key in CHOICES and value not in CHOICES[key]:
            yield key, repr(value), f"one of {', '.join(CHOICES[key])}"
        elif isinstance(value, int | float) and not isinstance(value, bool):
            low, high = RANGES.get(key, (0, float("inf")))
            if not low <= value <= high:  # NaN is out of every range
                yield key, str(value), f"at least {low:g}" if high == float("inf") else f"{low:g} to {high:g}"
    yield from _clashes(recipe)


def _clashes(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    if recipe.batch_size < 2 and recipe.epochs > 0:
        yield "batch_size", str(recipe.batch_size), "at least 2, for a pair needs a negative"
    if 0 < recipe.cached_batch < recipe.batch_size:
        yield "cached_batch", str(recipe.cached_batch), f"0, or at least batch_size ({recipe.batch_size})"
    if recipe.cached_batch and recipe.adversary:
        yield "adversary", str(recipe.adversary), "0 where cached_batch is used: a cached step has no second pass"
    if recipe.ema and recipe.average_last:
        yield "average_last", str(recipe.average_last), "0 where ema is used: weights are averaged in one way"
    if recipe.method == "prefix" and recipe.gradient_checkpointing:
        yield "gradient_checkpointing", "true", "false with the method prefix: a layer run twice would see it twice"
    for named in recipe.augmenters:
        if not all(part.isidentifier() for part in named.replace(":", ".", 1).split(".")) or ":" not in named:
            yield "augmenters", repr(named), "names like module:function"
