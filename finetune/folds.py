"""Small data: k-fold cross-validation and a learning curve, of heads only, over vectors that are encoded once.

The encoder stays as it is, so for the served model this tells how its heads would do on other draws of the data; an
encoder that was fine-tuned on the same rows makes the folds easier than new data. The frozen base has seen none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from data.schema import IntentExample
from finetune.assess import Judged, Share
from finetune.classifiers import Classifier, Served, tfidf_svm
from finetune.examples import TrainingData
from finetune.head import fit_intent_head
from finetune.progress import Progress
from finetune.recipe import Recipe
from retrieval.encoder import Encoder

FEWER_THAN = 5000
"""Labelled rows below which folds are worth their time: beyond, one held-out tenth is precise enough."""

FOLDS = 5
PARTS = (0.1, 0.25, 0.5, 1.0)

Fit = Callable[[Sequence[IntentExample], Sequence[IntentExample]], Classifier | None]
"""Training and validation rows to a classifier; None where they are too few."""


def head_fit(encoder: Encoder, recipe: Recipe) -> Fit:
    """Fits our intent head over an encoder that remembers its vectors."""

    def fit(train: Sequence[IntentExample], valid: Sequence[IntentExample]) -> Classifier | None:
        rows = [replace(row, split="train") for row in train] + [replace(row, split="valid") for row in valid]
        data = TrainingData((), tuple(rows), {})
        head = fit_intent_head(data, encoder, recipe, progress=lambda done, words: None)
        return Served(head, encoder) if head is not None else None

    return fit


def peer_fit(train: Sequence[IntentExample], valid: Sequence[IntentExample]) -> Classifier | None:
    """Fits TF-IDF and a linear SVM."""
    return tfidf_svm(train, valid) if len({row.intent for row in train}) > 1 else None


def cross_validation(
    rows: Sequence[IntentExample], fits: dict[str, Fit], *, folds: int = FOLDS, seed: int = 0, progress: Progress
) -> list[dict[str, Any]]:
    """Accuracy of each system over stratified folds.

    Args:
        rows: Of training and validation, never of the test split.
        fits: System to how it is fitted.
        folds: Least number of rows a fold is 1; intents with one row are always in training only.
        seed: Of the drawing.
        progress: Told how far it is.

    Returns:
        A row a system: ``accuracy`` over all folds together, ``mean`` and ``deviation`` over folds, ``folds``.
    """
    place = _folds(rows, folds, seed)
    found = []
    for number, (name, fit) in enumerate(fits.items()):
        shares = []
        for fold in range(folds):
            progress((number * folds + fold) / (len(fits) * folds), f"{name}, fold {fold + 1} of {folds}")
            train = [row for row, at in zip(rows, place, strict=True) if at != fold]
            held = [row for row, at in zip(rows, place, strict=True) if at == fold]
            shares.append(_accuracy(fit(train, ()), held))
        values = [share.value for share in shares if share.whole]
        pooled = Share(sum(share.part for share in shares), sum(share.whole for share in shares))
        spread = {"mean": round(float(np.mean(values or [0])), 4), "deviation": round(float(np.std(values or [0])), 4)}
        found.append({"system": name, "accuracy": pooled.to_json(), **spread, "folds": folds})
    return found


def learning_curve(
    train: Sequence[IntentExample],
    held: Sequence[IntentExample],
    fits: dict[str, Fit],
    *,
    parts: Sequence[float] = PARTS,
    seed: int = 0,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Accuracy on held-out rows by how much of the training data is used; each part holds the smaller ones.

    Args:
        train: Training rows; at most 5,000 are used.
        held: Held-out rows.
        fits: System to how it is fitted.
        parts: Shares 0..1 of the training rows.
        seed: Of the drawing.
        progress: Told how far it is.

    Returns:
        A row a part: ``rows``, ``per_intent`` (mean rows an intent) and ``systems`` with the accuracy of each.
    """
    order = [train[i] for i in np.random.default_rng(seed).permutation(len(train))[:FEWER_THAN]]
    found = []
    for number, part in enumerate(parts):
        some = order[: max(2, round(part * len(order)))]
        systems = {}
        for place, (name, fit) in enumerate(fits.items()):
            progress((number + place / len(fits)) / len(parts), f"{name}, {len(some):,} rows")
            systems[name] = _accuracy(fit(some, ()), held).to_json()
        intents = len({row.intent for row in some})
        found.append({"rows": len(some), "per_intent": round(len(some) / max(1, intents), 1), "systems": systems})
    return found


def _folds(rows: Sequence[IntentExample], folds: int, seed: int) -> list[int]:
    """Fold of each row, intent by intent in turn; -1 for the only row of an intent, which must be trained on."""
    counts = Counter(row.intent for row in rows)
    turn: Counter[str] = Counter()
    place = [-1] * len(rows)
    offset = {intent: i % folds for i, intent in enumerate(sorted(counts))}
    for at in np.random.default_rng(seed).permutation(len(rows)):
        intent = rows[at].intent
        if counts[intent] > 1:
            place[at] = (offset[intent] + turn[intent]) % folds
            turn[intent] += 1
    return place


def _accuracy(classifier: Classifier | None, rows: Sequence[IntentExample]) -> Share:
    if classifier is None or not rows:
        return Share(0, len(rows))
    predicted = classifier.predict([row.text for row in rows], scope=False)
    judged = Judged.of([row.intent for row in rows], predicted, classifier.labels)
    return Share(int(judged.right.sum()), len(rows))
