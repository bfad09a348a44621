"""Fits the bridge: multiple negatives ranking over vectors computed once, so that a batch costs nearly nothing.

Training the encoder itself contrasts a few dozen pairs a step, and a step takes seconds on two cores. Here the encoder
stands still, a batch holds hundreds, and all is over within seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.examples import balanced
from finetune.linear import one_thread
from finetune.progress import Progress
from finetune.recipe import Recipe
from retrieval.bridge import Bridge
from retrieval.encoder import Encoder, Vectors
from retrieval.index import NO_ROW, Index, message_of

FEWEST = 200
"""Logged contexts below which there is nothing to learn from."""

BATCH = 512
_RATE, _DECAY, _DROPOUT, _SCALE = 5e-4, 0.1, 0.5, 20.0
_LEAST_STEPS = 100
_MESSAGE = 0.5
"""The maps begin as the cosine of the answer and context + half the message."""


def fit_bridge(index: Index, encoder: Encoder, recipe: Recipe, *, progress: Progress | None = None) -> Bridge | None:
    """Learns maps under which logged contexts are near the answers that they got.

    The loss is that of ``finetune.losses.AnswerLoss``: rows of one answer are not each other's negatives.

    Args:
        index: Of the training contexts; their vectors are taken from it.
        encoder: The one that made it; encodes the bare messages.
        recipe: For ``bridge_pairs``, ``bridge_epochs`` and the seed.
        progress: Told how far it is.

    Returns:
        The bridge; None where the recipe wants none or fewer than ``FEWEST`` contexts are logged.
    """
    places = np.flatnonzero(index.logged_rows != NO_ROW)
    if not recipe.bridge_pairs or not recipe.bridge_epochs or len(places) < FEWEST:
        return None
    groups = [str(row) for row in index.logged_rows[places]]
    drawn = balanced(groups, most=recipe.bridge_pairs, most_per_group=recipe.max_per_answer, seed=recipe.seed)
    places = places[drawn]
    rows = index.logged_rows[places]
    messages = [message_of(index.logged[place].text) for place in places]
    vectors = index.dense_logged.vectors(places), encoder.encode(messages), index.dense.vectors(rows)
    weights = np.array([index.logged[place].weight for place in places], dtype=np.float32)
    import torch

    with one_thread(torch):
        return _descend(vectors, rows, weights, recipe, progress)


def _descend(
    vectors: tuple[Vectors, Vectors, Vectors], rows: NDArray[np.int64], weights: Vectors, recipe: Recipe,
    progress: Progress | None,
) -> Bridge:  # fmt: skip
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(recipe.seed)
    centres = [part.mean(axis=0) for part in vectors]
    contexts, messages, answers = (torch.from_numpy(part - mean) for part, mean in zip(vectors, centres, strict=True))
    numbers, weigh = torch.from_numpy(rows), torch.from_numpy(weights)
    maps = _identities(contexts.shape[1], torch)
    adam = torch.optim.AdamW(maps, lr=_RATE, weight_decay=_DECAY)

    def thinned(part: Any) -> Any:
        kept = torch.rand(part.shape, generator=generator) >= _DROPOUT
        return part * kept / (1 - _DROPOUT)

    passes = max(recipe.bridge_epochs, _LEAST_STEPS * BATCH // len(numbers))
    for epoch in range(passes):
        order = torch.randperm(len(numbers), generator=generator)
        for batch in order.split(BATCH):
            asked = thinned(contexts[batch]) @ maps[0].T + thinned(messages[batch]) @ maps[1].T  # (batch, dim)
            answered = thinned(answers[batch]) @ maps[2].T
            scores = functional.normalize(asked) @ functional.normalize(answered).T * _SCALE  # (batch, batch)
            same = (numbers[batch][:, None] == numbers[batch]) & ~torch.eye(len(batch), dtype=torch.bool)
            targets = torch.arange(len(batch))
            losses = functional.cross_entropy(scores.masked_fill(same, float("-inf")), targets, reduction="none")
            adam.zero_grad()
            ((losses * weigh[batch]).sum() / weigh[batch].sum()).backward()
            adam.step()
        if progress:
            progress((epoch + 1) / passes, f"{len(numbers):,} pairs")
    return Bridge(*(part.detach().numpy() for part in maps), *centres)


def _identities(dim: int, torch: Any) -> list[Any]:
    """Maps (dim, dim) of context, message and answer before training."""
    return [(torch.eye(dim) * share).requires_grad_() for share in (1.0, _MESSAGE, 1.0)]
