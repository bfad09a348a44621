"""Small real implementations for tests of this and other packages; they pass the same contract tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrieval.encoder import Vectors, unit
from retrieval.head import HashedNgrams


class HashEncoder:
    """A deterministic encoder: hashed n-grams projected to ``dim`` by a fixed random matrix.

    Texts that share words and spellings come out near; meaning it does not know.

    Args:
        dim: Length of a vector.
        seed: Of the projection; two encoders with one seed agree.
    """

    def __init__(self, dim: int = 64, *, seed: int = 0) -> None:
        self._dim = dim
        self._features = HashedNgrams(buckets=2**12)
        projection = np.random.default_rng(seed).standard_normal((2**12 + 1, dim))
        self._projection, self._origin = projection[:-1], projection[-1]

    @property
    def dim(self) -> int:
        """See parent."""
        return self._dim

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        """See parent. A text without letters gets a vector of its own."""
        features = self._features.transform(texts)
        empty = np.diff(features.indptr) == 0
        vectors = np.asarray(features @ self._projection)  # (n, dim)
        vectors[empty] = self._origin
        return unit(vectors)
