"""Draws the base encoder towards a log without any label, so that its questions fall into clearer groups.

Each question is pulled towards one of its nearest neighbours and pushed from the others of the batch that are not near
(contrastive learning with nearest neighbours; Zhang, Zhan, Zhang, Liu, Lane 2022, section 3.2). Only the upper layers
learn, on hidden states of the lower ones that are computed once: a third of the work of training the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.encoder import BaseModel, load_encoder
from retrieval.encoder import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

LAYERS = 2
"""Upper layers that learn."""

MOST = 10_000
"""Texts that are learned from, at most, evenly spaced; their hidden states take about 150 MB."""

LONGEST = 48
"""Tokens of a question; what comes later rarely says what it is about."""

POSITIVES, NEAR = 15, 50
"""A neighbour among the first so many is pulled; none of the second so many is pushed."""

TEMPERATURE, LEARNING_RATE, BATCH, WARMUP = 0.07, 1e-4, 96, 30
EPOCHS = 3


@dataclass
class Lower:
    """Hidden states below the layers that learn, as one long array.

    Attributes:
        states: (tokens of all texts, dim) float16.
        starts: (texts + 1,) where each text's tokens begin.
    """

    states: Tensor
    starts: Any


class AdaptedEncoder:
    """An embedder (`data.embed.Embed`) that learns from the first texts it is given.

    On two cores, 10,000 questions take about five minutes once; 600 a second after that.

    Args:
        base: From `finetune.encoder.find_base`.
        epochs: Passes over what is learned from; chosen on CLINC150 (ARI of its topics .73 before, .77 after three).
        seed: Of order and neighbours.
    """

    def __init__(self, base: BaseModel, *, epochs: int = EPOCHS, seed: int = 0) -> None:
        self.base, self.epochs, self.seed = base, epochs, seed
        self._model: SentenceTransformer | None = None

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors (n, dim) of length 1; the first call learns, from at most ``MOST`` of its texts."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        if self._model is None:
            self._model = self._adapt(texts)
        model = self._model
        prompted = [self.base.prompt + text for text in texts]
        pieces = (prompted[start : start + MOST] for start in range(0, len(texts), MOST))
        return np.vstack([above(model, below(model, piece)) for piece in pieces])

    def _adapt(self, texts: Sequence[str]) -> SentenceTransformer:
        import torch

        torch.manual_seed(self.seed)
        model = load_encoder(self.base, max_length=LONGEST, device="cpu")
        chosen = [texts[i * len(texts) // MOST] for i in range(MOST)] if len(texts) > MOST else list(texts)
        if len(chosen) > NEAR:
            _learn(
                model,
                below(model, [self.base.prompt + text for text in chosen]),
                self.epochs,
                np.random.default_rng(self.seed),
            )
        return model


def below(model: SentenceTransformer, texts: Sequence[str], *, layers: int = LAYERS) -> Lower:
    """One pass over all texts of what lies below the upper ``layers``."""
    import torch
    from torch import nn

    ids = [model.tokenizer.encode(text, truncation=True, max_length=LONGEST) for text in texts]
    starts = np.cumsum([0, *(len(row) for row in ids)])
    transformer = model[0].auto_model.eval()
    transformer.set_attn_implementation("eager")
    every = transformer.encoder.layer
    transformer.encoder.layer = nn.ModuleList(every[: len(every) - layers])
    states = torch.zeros((int(starts[-1]), transformer.config.hidden_size), dtype=torch.float16)
    try:
        for rows in _batches(starts, 64):
            padded = torch.zeros((len(rows), max(len(ids[i]) for i in rows)), dtype=torch.long)
            for row, i in enumerate(rows):
                padded[row, : len(ids[i])] = torch.tensor(ids[i])
            with torch.no_grad():
                hidden = transformer(input_ids=padded, attention_mask=_mask(starts, rows).long()).last_hidden_state
            for row, i in enumerate(rows):
                states[starts[i] : starts[i + 1]] = hidden[row, : len(ids[i])].half()
    finally:
        transformer.encoder.layer = every
    return Lower(states, starts)


def _batches(starts: Any, size: int) -> Iterator[Any]:
    """Positions of texts, those of like length together."""
    order = np.argsort(np.diff(starts), kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _mask(starts: Any, rows: Any) -> Tensor:
    """(texts, tokens) 1 where there is a token."""
    import torch

    lengths = torch.tensor(starts[rows + 1] - starts[rows])
    return (torch.arange(int(lengths.max()))[None, :] < lengths[:, None]).float()


def forward(model: SentenceTransformer, lower: Lower, rows: Any, *, layers: int = LAYERS) -> Tensor:
    """(texts, dim) of length 1: the upper layers, then the mean over tokens."""
    import torch
    from torch.nn.functional import normalize

    mask = _mask(lower.starts, rows)
    hidden = torch.zeros((*mask.shape, lower.states.shape[1]))  # (texts, tokens, dim)
    for row, i in enumerate(rows):
        states = lower.states[lower.starts[i] : lower.starts[i + 1]]
        hidden[row, : len(states)] = states.float()
    hide = (1 - mask)[:, None, None, :] * torch.finfo(torch.float32).min
    for layer in model[0].auto_model.encoder.layer[-layers:]:
        found = layer(hidden, attention_mask=hide)
        hidden = found[0] if isinstance(found, tuple) else found
    pooled = (hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
    return normalize(pooled, dim=1)


def above(model: SentenceTransformer, lower: Lower, *, layers: int = LAYERS) -> Vectors:
    """(n, dim) of length 1: the upper layers over all hidden states."""
    import torch

    model[0].auto_model.eval()
    vectors = np.zeros((len(lower.starts) - 1, lower.states.shape[1]), dtype=np.float32)
    with torch.no_grad():
        for rows in _batches(lower.starts, 128):
            vectors[rows] = forward(model, lower, rows, layers=layers).numpy()
    return vectors


def _learn(model: SentenceTransformer, lower: Lower, epochs: int, rng: np.random.Generator) -> None:
    """Changes the upper layers in place; neighbours are looked up anew before each epoch."""
    import torch

    weights = [w for layer in model[0].auto_model.encoder.layer[-LAYERS:] for w in layer.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.01)
    count = len(lower.starts) - 1
    steps, step = epochs * max(1, count // BATCH), 0
    for _ in range(epochs):
        near = _neighbours(above(model, lower))
        model[0].auto_model.train()
        order = rng.permutation(count)
        for start in range(0, max(1, count // BATCH) * BATCH, BATCH):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARMUP) * (1 - step / steps)
            loss = _loss(model, lower, order[start : start + BATCH], near, rng)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            step += 1


def _neighbours(vectors: Vectors) -> Any:
    """(n, NEAR) positions of the most like others, nearest first; in pieces of 1,000 rows."""
    found = []
    for start in range(0, len(vectors), 1000):
        cosines = vectors[start : start + 1000] @ vectors.T  # (piece, n)
        cosines[np.arange(len(cosines)), np.arange(start, start + len(cosines))] = -2
        nearest = np.argpartition(-cosines, NEAR - 1, axis=1)[:, :NEAR]
        order = np.argsort(-np.take_along_axis(cosines, nearest, axis=1), axis=1)
        found.append(np.take_along_axis(nearest, order, axis=1))
    return np.vstack(found)


def _loss(model: SentenceTransformer, lower: Lower, rows: Any, near: Any, rng: np.random.Generator) -> Tensor:
    """Cross-entropy of each text's neighbour among those of the batch, both ways."""
    import torch
    from torch.nn.functional import cross_entropy

    pulled = near[rows, rng.integers(0, POSITIVES, len(rows))]  # (batch,)
    vectors = forward(model, lower, np.concatenate([rows, pulled]))
    logits = vectors[: len(rows)] @ vectors[len(rows) :].T / TEMPERATURE  # (batch, batch)
    close = (near[rows][:, :, None] == pulled[None, None, :]).any(axis=1) | (rows[:, None] == pulled[None, :])
    np.fill_diagonal(close, False)
    hidden = torch.tensor(close)
    target = torch.arange(len(rows))
    there = cross_entropy(logits.masked_fill(hidden, -1e9), target)
    back = cross_entropy(logits.T.masked_fill(hidden.T, -1e9), target)
    return (there + back) / 2
