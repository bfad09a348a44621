"""Fitting a linear softmax over dense vectors and sparse n-grams together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from finetune.progress import Progress

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from torch import Tensor

Matrix = NDArray[np.float32]
Ids = NDArray[np.int64]

_BATCH = 64
_MOST_PASSES = 60
_SPARSE_RATE = 80.0
"""Plain SGD takes steps this large on rows of length 1 (as fastText does); it decays to 0 in a line."""

_DENSE_RATE = 0.01
_DENSE_SCALE = 4.0
_MOST_CELLS = 2**26
"""Weights at most; beyond that the rarest columns are left out (256 MB as float32)."""


@dataclass(frozen=True)
class LinearFit:
    """Weights of ``logits = dense · embedding + ngrams · features + bias``.

    Attributes:
        dense: (classes, dim).
        ngrams: (classes, buckets) sparse.
        bias: (classes,).
    """

    dense: Matrix
    ngrams: csr_matrix
    bias: Matrix


def fit_linear(
    dense: Matrix,
    ngrams: csr_matrix,
    labels: Ids,
    *,
    classes: int,
    passes: int,
    steps: int,
    seed: int,
    progress: Progress | None = None,
) -> LinearFit:
    """Minimises cross-entropy by stochastic gradient descent.

    Args:
        dense: (n, dim) unit vectors.
        ngrams: (n, buckets) rows of length 1 or 0.
        labels: (n,) 0..classes-1.
        classes: Number of classes.
        passes: Over the data, at least.
        steps: At least; small data is passed over more often.
        seed: Of the order.
        progress: Told how far it is.
    """
    import torch

    columns = _kept_columns(ngrams, classes)
    used = ngrams[:, columns].tocsr()
    centre = dense.mean(axis=0)
    centred = torch.from_numpy((dense - centre) * np.float32(_DENSE_SCALE))
    torch.manual_seed(seed)
    bag = torch.nn.EmbeddingBag(max(1, len(columns)), classes, mode="sum", sparse=True)
    layer = torch.nn.Linear(dense.shape[1], classes)
    for weight in (bag.weight, layer.weight, layer.bias):
        torch.nn.init.zeros_(weight)
    optimisers = (torch.optim.SGD([bag.weight], lr=_SPARSE_RATE), torch.optim.Adam(layer.parameters(), lr=_DENSE_RATE))
    steps_a_pass = -(-len(labels) // _BATCH)
    passes = min(_MOST_PASSES, max(passes, math.ceil(steps / steps_a_pass)))
    targets, random, step = torch.from_numpy(labels), np.random.default_rng(seed), 0
    total = passes * steps_a_pass
    for _ in range(passes):
        order = random.permutation(len(labels))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            _set_rates(optimisers, 1.0 - step / total)
            logits = _sparse_logits(bag, used, rows) + layer(centred[rows])  # (batch, classes)
            _descend(optimisers, torch.nn.functional.cross_entropy(logits, targets[rows]))
            step += 1
            if progress and step % 20 == 0:
                progress(step / total, f"{classes} classes")
    return _unpacked(bag.weight, layer, columns, centre, ngrams.shape[1])


def _kept_columns(ngrams: csr_matrix, classes: int) -> Ids:
    """Columns that occur in at least two rows, the most frequent ones if there are too many."""
    frequency = np.bincount(ngrams.indices, minlength=ngrams.shape[1])
    kept = np.flatnonzero(frequency >= 2)
    most = max(1, _MOST_CELLS // max(1, classes))
    if len(kept) > most:
        kept = np.sort(kept[np.argsort(-frequency[kept], kind="stable")[:most]])
    return kept.astype(np.int64)


def _set_rates(optimisers: tuple[Any, Any], left: float) -> None:
    for optimiser, rate in zip(optimisers, (_SPARSE_RATE, _DENSE_RATE), strict=True):
        optimiser.param_groups[0]["lr"] = rate * left


def _sparse_logits(bag: Any, features: csr_matrix, rows: Ids) -> Tensor:
    import torch

    part = features[rows]
    indices, starts = (
        torch.from_numpy(part.indices.astype(np.int64)),
        torch.from_numpy(part.indptr[:-1].astype(np.int64)),
    )
    logits: Tensor = bag(indices, starts, per_sample_weights=torch.from_numpy(part.data))
    return logits


def _descend(optimisers: tuple[Any, Any], loss: Any) -> None:
    for optimiser in optimisers:
        optimiser.zero_grad()
    loss.backward()
    for optimiser in optimisers:
        optimiser.step()


def _unpacked(weights: Any, layer: Any, columns: Ids, centre: Matrix, buckets: int) -> LinearFit:
    """Folds the scaling and the centring of the dense part into its weights and the bias."""
    from scipy.sparse import csr_matrix

    dense = layer.weight.detach().numpy() * np.float32(_DENSE_SCALE)  # (classes, dim)
    bias = layer.bias.detach().numpy() - dense @ centre
    table = weights.detach().numpy().T  # (classes, columns)
    if not len(columns):
        return LinearFit(dense, csr_matrix((len(bias), buckets), dtype=np.float32), bias)
    packed = csr_matrix(table.astype(np.float32))
    ngrams = csr_matrix((packed.data, columns[packed.indices], packed.indptr), shape=(len(bias), buckets))
    return LinearFit(dense, ngrams, bias)
