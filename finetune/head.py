"""Fits the two heads of a model: what is wanted (intents, topics) and which of the frequent answers was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data.schema import Example, IntentExample
from finetune.calibrate import blend_of, temperature_of
from finetune.examples import TrainingData, evenly
from finetune.linear import LinearFit, fit_linear
from finetune.progress import Progress
from finetune.recipe import Recipe
from retrieval.encoder import Encoder
from retrieval.head import HashedNgrams, LinearHead, head_text

Matrix = NDArray[np.float32]

_ANSWER_PIECES = (3, 4)
"""Lengths of character n-grams for answers: on STAR 2 to 5 cost twice as much and were not better."""

_WEIGHED = 2000
_LEAST_HELD_OUT = 20


def fit_intent_head(data: TrainingData, encoder: Encoder, recipe: Recipe, *, progress: Progress) -> LinearHead | None:
    """Static intents and topics over the bare message; None where the dataset has fewer than two.

    Args:
        data: Train is fitted, valid sets the temperature.
        encoder: As it will serve (quantised), so that calibration holds there.
        recipe: For n-grams, passes and seed.
        progress: Told how far it is.
    """
    rows = data.intents_of("train")
    kinds = {row.intent: row.kind for row in rows}
    labels = tuple(sorted(kinds))
    if len(labels) < 2:
        return None
    texts = [row.text for row in rows]
    features = HashedNgrams(buckets=min(recipe.buckets, 2**16)).fit(texts)
    gold = np.array([labels.index(row.intent) for row in rows], dtype=np.int64)
    fit = fit_linear(
        encoder.encode(texts), features.transform(texts), gold, classes=len(labels), passes=recipe.head_epochs,
        steps=recipe.head_steps, seed=recipe.seed, progress=progress,
    )  # fmt: skip
    named = tuple(kinds[label] for label in labels)
    head = LinearHead(labels, fit.dense, fit.ngrams, fit.bias, features=features, kinds=named)
    held_out = [row for row in data.intents_of("valid") if row.intent in kinds]
    return _tempered(head, encoder, [row.text for row in held_out], [row.intent for row in held_out])


def fit_answer_head(
    data: TrainingData, encoder: Encoder, recipe: Recipe, *, layer: Matrix | None, progress: Progress
) -> LinearHead | None:
    """Answers with enough support: n-grams and the encoder's own class layer, each as far as it can be trusted.

    The n-grams see the context, who said what in it last and the answers given so far; they are fitted on the training
    split. The class layer was trained with the encoder. Both know their training rows too well to be weighed there, so
    their two weights are chosen on the validation split, which calibrates the probabilities too.

    Args:
        data: Train is fitted, valid sets the weights of the two halves.
        encoder: As it will serve (quantised).
        recipe: For ``min_support``, ``max_classes``, n-grams, passes and seed.
        layer: ``Outcome.answer_layer``, or None for n-grams alone.
        progress: Told how far it is.

    Returns:
        The head, or None where fewer than two answers are frequent enough.
    """
    labels = data.frequent(least=recipe.min_support, most=recipe.max_classes)
    if len(labels) < 2:
        return None
    number = {answer: i for i, answer in enumerate(labels)}
    examples = [e for e in data.of("train") if e.answer in number]
    texts = [_text(example) for example in examples]
    features = HashedNgrams(recipe.buckets, *_ANSWER_PIECES).fit(texts)
    gold = np.array([number[example.answer] for example in examples], dtype=np.int64)
    nothing = np.zeros((len(texts), 1), dtype=np.float32)
    fit = fit_linear(
        nothing, features.transform(texts), gold, classes=len(labels), passes=recipe.head_epochs,
        steps=recipe.head_steps, seed=recipe.seed, progress=progress,
    )  # fmt: skip
    held_out = [e for e in data.of("valid") if e.answer in number]
    held_out = [held_out[i] for i in evenly(len(held_out), _WEIGHED)]
    return _blended(labels, fit, features, layer, encoder, held_out)


def _blended(
    labels: tuple[str, ...], fit: LinearFit, features: HashedNgrams, layer: Matrix | None, encoder: Encoder,
    held_out: Sequence[Example],
) -> LinearHead:  # fmt: skip
    """Both halves under the weights that fit the held-out examples best."""
    dense = np.zeros((len(labels), encoder.dim + 1), dtype=np.float32) if layer is None else layer
    words = LinearHead(labels, dense[:, :-1] * 0, fit.ngrams, fit.bias, features=features, reads_history=True)
    first, second = 1.0, 0.0 if layer is None else 0.5
    if len(held_out) >= _LEAST_HELD_OUT:
        vectors = encoder.encode([e.context for e in held_out])
        gold = np.array([labels.index(e.answer) for e in held_out], dtype=np.int64)
        halves = words.logits(vectors, [_text(e) for e in held_out]), vectors @ dense[:, :-1].T + dense[:, -1]
        first, second = blend_of(*halves, gold)
    return replace(
        words,
        dense_weights=dense[:, :-1] * np.float32(second),
        ngram_weights=fit.ngrams * np.float32(first),
        bias=fit.bias * np.float32(first) + dense[:, -1] * np.float32(second),
    )


def intent_accuracy(head: LinearHead, encoder: Encoder, rows: tuple[IntentExample, ...]) -> float | None:
    """Share 0..1 of messages whose intent comes first; None for no messages."""
    if not rows:
        return None
    texts = [row.text for row in rows]
    best = head.logits(encoder.encode(texts), texts).argmax(axis=1)
    return round(float(np.mean([head.labels[i] == row.intent for i, row in zip(best, rows, strict=True)])), 4)


def _text(example: Example) -> str:
    return head_text(example.context, example.history)


def _tempered(head: LinearHead, encoder: Encoder, texts: list[str], gold: list[str]) -> LinearHead:
    """The head with the temperature that fits held-out messages best."""
    if len(gold) < _LEAST_HELD_OUT:
        return head
    place = {label: i for i, label in enumerate(head.labels)}
    right = np.array([place[label] for label in gold], dtype=np.int64)
    return replace(head, temperature=temperature_of(head.logits(encoder.encode(texts), texts), right))
