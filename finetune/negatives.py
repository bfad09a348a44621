"""Hard negatives: answers that an encoder takes for the right one, and that are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from finetune.examples import TrainingData
from finetune.recipe import Recipe
from retrieval.dense import VectorIndex
from retrieval.encoder import Encoder, Vectors
from retrieval.lexical import words_of

DEEP = 64
"""Nearest answers of a context that are looked at."""

MARGIN = 0.95
"""A negative scores below this share of the positive's cosine: what scores higher is often right as well, only unsaid
(de Souza Moreira et al. 2024, arXiv:2407.15831, "TopK-PercPos")."""

COPY_COSINE, COPY_WORDS = 0.9, 0.8
"""From this cosine, or this share of common words (Jaccard), two answers say the same."""


def mine_negatives(
    examples: Sequence[Example], data: TrainingData, encoder: Encoder, recipe: Recipe
) -> list[tuple[str, ...]]:
    """Searches the answers of training for those that are near a context without having been given.

    Args:
        examples: Of the training split.
        data: For the answers.
        encoder: As it is now.
        recipe: For how many, and the seed of what stands in where too few are near.

    Returns:
        For each example the ids of ``recipe.hard_negatives`` answers in the same language, none of them the one given,
        a copy of it, or as near as it (``MARGIN``). Where too few are left, answers drawn at random fill up.
    """
    ids = list(data.support)
    texts = [data.answers[answer].text for answer in ids]
    vectors = encoder.encode(texts)
    index = VectorIndex.build(vectors)
    contexts = encoder.encode([example.context for example in examples])
    cosines, rows = index.search(contexts, DEEP)
    place = {answer: row for row, answer in enumerate(ids)}
    words = [frozenset(words_of(text)) for text in texts]
    languages = np.array([data.answers[answer].language for answer in ids])
    random = np.random.default_rng(recipe.seed)
    mined = []
    for i, example in enumerate(examples):
        own = place[example.answer]
        kept = _kept(rows[i], cosines[i], own, float(contexts[i] @ vectors[own]), vectors, words)
        kept = kept[languages[kept] == languages[own]][: recipe.hard_negatives]
        while len(kept) < recipe.hard_negatives:
            drawn = int(random.integers(len(ids)))
            kept = kept if drawn == own and len(ids) > 1 else np.append(kept, drawn)
        mined.append(tuple(ids[row] for row in kept))
    return mined


def _kept(
    rows: NDArray[np.int64], cosines: NDArray[np.float32], own: int, positive: float, vectors: Vectors,
    words: Sequence[frozenset[str]],
) -> NDArray[np.int64]:  # fmt: skip
    """The rows that are no false negatives, nearest first."""
    kept = rows[(rows >= 0) & (rows != own) & (cosines < MARGIN * max(positive, 0.0))]
    kept = kept[vectors[kept] @ vectors[own] < COPY_COSINE]
    return np.array([row for row in kept if not _copies(words[row], words[own])], dtype=np.int64)


def _copies(first: frozenset[str], second: frozenset[str]) -> bool:
    return len(first & second) >= COPY_WORDS * max(1, len(first | second))
