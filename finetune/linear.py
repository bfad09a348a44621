"""Fitting a linear softmax over dense vectors and sparse n-grams together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from finetune.progress import Progress

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

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

    with one_thread(torch):
        return _descend(
            dense, ngrams, labels, classes=classes, passes=passes, steps=steps, seed=seed, progress=progress
        )


@contextmanager
def one_thread(torch: Any) -> Iterator[None]:
    """The matrices of a step are so small that a second thread costs more in waiting than it computes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _descend(
    dense: Matrix, ngrams: csr_matrix, labels: Ids, *, classes: int, passes: int, steps: int, seed: int,
    progress: Progress | None,
) -> LinearFit:  # fmt: skip
    import torch

    columns = _kept_columns(ngrams, classes)
    used = ngrams[:, columns].tocsr()
    centre = dense.mean(axis=0)
    centred = torch.from_numpy((dense - centre) * np.float32(_DENSE_SCALE))
    table = np.zeros((len(columns), classes), dtype=np.float32)
    layer = torch.nn.Linear(dense.shape[1], classes)
    for weight in layer.parameters():
        torch.nn.init.zeros_(weight)
    adam = torch.optim.Adam(layer.parameters(), lr=_DENSE_RATE)
    steps_a_pass = math.ceil(len(labels) / _BATCH)
    total = steps_a_pass * min(_MOST_PASSES, max(passes, math.ceil(steps / steps_a_pass)))
    targets = torch.from_numpy(labels)
    for step, rows in enumerate(_batches(len(labels), total, seed=seed)):
        left = 1.0 - step / total
        part, touched = _narrowed(used[rows])
        sparse = torch.from_numpy(part @ table[touched]).requires_grad_()  # (batch, classes)
        adam.param_groups[0]["lr"] = _DENSE_RATE * left
        adam.zero_grad()
        torch.nn.functional.cross_entropy(sparse + layer(centred[rows]), targets[rows]).backward()
        adam.step()
        table[touched] -= np.float32(_SPARSE_RATE * left) * (part.T @ sparse.grad.numpy())
        if progress and step % 20 == 0:
            progress(step / total, f"{classes} classes")
    return _unpacked(table, layer, columns, centre, ngrams.shape[1])


def _batches(rows: int, total: int, *, seed: int) -> Iterator[Ids]:
    """``total`` batches of row numbers, shuffled anew for each pass."""
    random, made = np.random.default_rng(seed), 0
    while made < total:
        order = random.permutation(rows)
        for start in range(0, rows, _BATCH):
            yield order[start : start + _BATCH]
            made += 1


def _narrowed(part: csr_matrix) -> tuple[csr_matrix, Ids]:
    """A batch without its empty columns, and the numbers of those that stay."""
    from scipy.sparse import csr_matrix

    touched, places = np.unique(part.indices, return_inverse=True)
    return csr_matrix((part.data, places, part.indptr), shape=(part.shape[0], len(touched))), touched


def _kept_columns(ngrams: csr_matrix, classes: int) -> Ids:
    """Columns that occur in at least two rows, the most frequent ones if there are too many."""
    frequency = np.bincount(ngrams.indices, minlength=ngrams.shape[1])
    kept = np.flatnonzero(frequency >= 2)
    most = max(1, _MOST_CELLS // max(1, classes))
    if len(kept) > most:
        kept = np.sort(kept[np.argsort(-frequency[kept], kind="stable")[:most]])
    return kept.astype(np.int64)


def _unpacked(table: Matrix, layer: Any, columns: Ids, centre: Matrix, buckets: int) -> LinearFit:
    """Folds the scaling and the centring of the dense part into its weights and the bias."""
    from scipy.sparse import csr_matrix

    dense = layer.weight.detach().numpy() * np.float32(_DENSE_SCALE)  # (classes, dim)
    bias = layer.bias.detach().numpy() - dense @ centre
    if not len(columns):
        return LinearFit(dense, csr_matrix((len(bias), buckets), dtype=np.float32), bias)
    packed = csr_matrix(table.T)  # (classes, columns)
    ngrams = csr_matrix((packed.data, columns[packed.indices], packed.indptr), shape=(len(bias), buckets))
    return LinearFit(dense, ngrams, bias)
