"""Fits the two heads of a model: what is wanted (intents, topics) and which of the frequent answers was given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.schema import Example, IntentExample
from finetune.calibrate import temperature_of
from finetune.examples import TrainingData
from finetune.linear import LinearFit, fit_linear
from finetune.progress import Progress
from finetune.recipe import Recipe
from retrieval.encoder import Encoder
from retrieval.head import HashedNgrams, LinearHead, head_text

Matrix = NDArray[np.float32]


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
        seed=recipe.seed, progress=progress,
    )  # fmt: skip
    head = _head(labels, fit, features, kinds=tuple(kinds[label] for label in labels))
    held_out = [row for row in data.intents_of("valid") if row.intent in kinds]
    return _tempered(head, encoder, [row.text for row in held_out], [row.intent for row in held_out])


def fit_answer_head(
    data: TrainingData, dense: Matrix, encoder: Encoder, recipe: Recipe, *, progress: Progress
) -> LinearHead | None:
    """Answers with enough support, over the context, who said what in it last and the answers given so far.

    Args:
        data: Train is fitted, valid sets the temperature.
        dense: (train, dim) vectors of the training contexts.
        encoder: As it will serve.
        recipe: For ``min_support``, ``max_classes``, n-grams, passes and seed.
        progress: Told how far it is.

    Returns:
        The head, or None where fewer than two answers are frequent enough.
    """
    labels = data.frequent(least=recipe.min_support, most=recipe.max_classes)
    if len(labels) < 2:
        return None
    number = {answer: i for i, answer in enumerate(labels)}
    examples = data.of("train")
    rows = [i for i, e in enumerate(examples) if e.answer in number]
    texts = [_text(examples[i]) for i in rows]
    features = HashedNgrams(buckets=recipe.buckets).fit(texts)
    gold = np.array([number[examples[i].answer] for i in rows], dtype=np.int64)
    fit = fit_linear(
        dense[rows], features.transform(texts), gold, classes=len(labels), passes=recipe.head_epochs,
        seed=recipe.seed, progress=progress,
    )  # fmt: skip
    head = _head(labels, fit, features, reads_history=True)
    held_out = [e for e in data.of("valid") if e.answer in number][:2000]
    return _tempered(head, encoder, [e.context for e in held_out], [e.answer for e in held_out],
                     texts=[_text(e) for e in held_out])  # fmt: skip


def intent_accuracy(head: LinearHead, encoder: Encoder, rows: tuple[IntentExample, ...]) -> float | None:
    """Share 0..1 of messages whose intent comes first; None for no messages."""
    if not rows:
        return None
    texts = [row.text for row in rows]
    best = head.logits(encoder.encode(texts), texts).argmax(axis=1)
    return round(float(np.mean([head.labels[i] == row.intent for i, row in zip(best, rows, strict=True)])), 4)


def _text(example: Example) -> str:
    return head_text(example.context, example.history)


def _head(
    labels: tuple[str, ...], fit: LinearFit, features: HashedNgrams, *, kinds: tuple[str, ...] = (),
    reads_history: bool = False,
) -> LinearHead:  # fmt: skip
    return LinearHead(labels, fit.dense, fit.ngrams, fit.bias, features=features, kinds=kinds,
                      reads_history=reads_history)  # fmt: skip


def _tempered(
    head: LinearHead, encoder: Encoder, contexts: list[str], gold: list[str], *, texts: list[str] | None = None
) -> LinearHead:
    """The head with the temperature that fits held-out rows best."""
    from dataclasses import replace

    if len(gold) < 20:
        return head
    logits = head.logits(encoder.encode(contexts), texts or contexts)
    place = {label: i for i, label in enumerate(head.labels)}
    return replace(head, temperature=temperature_of(logits, np.array([place[label] for label in gold])))
