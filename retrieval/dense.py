"""Nearest vectors, in FAISS: exact up to a size where that is quick, a graph above. The only importer of faiss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from retrieval.encoder import Vectors

if TYPE_CHECKING:
    import faiss

Ids = NDArray[np.int64]

FLAT_UP_TO = 50_000
"""Exact search of so many 384-dimensional vectors takes about 5 ms on two cores; an HNSW graph is used above."""

_FEW = 4
_LINKS, _BUILD_BREADTH, _SEARCH_BREADTH = 32, 200, 96


class VectorIndex:
    """Unit vectors under ids, searched by cosine.

    Args:
        index: A FAISS ``IndexIDMap2`` over an inner-product index; use ``build`` or ``load``.
    """

    def __init__(self, index: faiss.IndexIDMap2) -> None:
        self._index = index

    @classmethod
    def build(
        cls, vectors: Vectors, ids: Sequence[int] | Ids | None = None, *, flat_up_to: int = FLAT_UP_TO
    ) -> VectorIndex:
        """Indexes vectors.

        Args:
            vectors: (n, dim) of length 1; n may be 0.
            ids: (n,) unique and not negative; 0..n-1 by default.
            flat_up_to: See ``FLAT_UP_TO``.
        """
        made = cls(_empty(vectors.shape[1], flat=len(vectors) <= flat_up_to))
        made.add(vectors, np.arange(len(vectors)) if ids is None else ids)
        return made

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    @property
    def is_flat(self) -> bool:
        """True when search is exact."""
        return not hasattr(self._inner(), "hnsw")

    def ids(self) -> Ids:
        """(n,) all ids, in the order they were added."""
        import faiss

        return np.asarray(faiss.vector_to_array(self._index.id_map), dtype=np.int64)

    def search(self, vectors: Vectors, k: int) -> tuple[NDArray[np.float32], Ids]:
        """The nearest ``k`` of each query, best first.

        Args:
            vectors: (n, dim) of length 1.
            k: At least 1; fewer columns come back when the index holds fewer.

        Returns:
            Cosines (n, k) and ids (n, k); an id of -1 where an approximate search found fewer.
        """
        k = min(k, len(self))
        if not k or not len(vectors):
            return np.zeros((len(vectors), 0), np.float32), np.zeros((len(vectors), 0), np.int64)
        with _threads_for(len(vectors)):
            scores, ids = self._index.search(np.ascontiguousarray(vectors, dtype=np.float32), k)
        return scores, ids

    def vectors(self, ids: Sequence[int] | Ids) -> Vectors:
        """(n, dim) the stored vectors of these ids.

        Raises:
            KeyError: An id is not in the index.
        """
        wanted = np.ascontiguousarray(ids, dtype=np.int64)
        if not len(wanted):
            return np.zeros((0, self.dim), dtype=np.float32)
        try:
            with _threads_for(1):
                return np.asarray(self._index.reconstruct_batch(wanted), dtype=np.float32)
        except RuntimeError as error:
            raise KeyError(f"an id of {wanted[:5].tolist()}… is not in the index") from error

    def add(self, vectors: Vectors, ids: Sequence[int] | Ids) -> None:
        """Adds vectors under new ids.

        Raises:
            ValueError: The shapes do not fit, or an id is there already.
        """
        new = np.ascontiguousarray(ids, dtype=np.int64)
        if vectors.shape != (len(new), self.dim):
            raise ValueError(f"vectors of shape {vectors.shape} for {len(new)} ids of dimension {self.dim}")
        if len(np.unique(new)) != len(new) or (len(self) and np.isin(new, self.ids()).any()):
            raise ValueError("an id is in the index already")
        if len(new):
            self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), new)

    def remove(self, ids: Sequence[int] | Ids) -> int:
        """Removes ids and returns how many were there. A graph cannot forget, so it is built again without them."""
        import faiss

        gone = np.ascontiguousarray(ids, dtype=np.int64)
        if self.is_flat:
            return int(self._index.remove_ids(faiss.IDSelectorBatch(gone)))
        kept = self.ids()[~np.isin(self.ids(), gone)]
        removed = len(self) - len(kept)
        if removed:
            vectors = self.vectors(kept)
            self._index = _empty(self.dim, flat=False)
            self.add(vectors, kept)
        return removed

    def save(self, path: Path) -> None:
        """Writes FAISS's own format."""
        import faiss

        faiss.write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path) -> VectorIndex:
        """Reads what ``save`` wrote.

        Raises:
            InputError: The file is missing or is no such index.
        """
        import faiss

        try:
            index = faiss.read_index(str(path))
            if not isinstance(index, faiss.IndexIDMap2):
                raise ValueError(f"a {type(index).__name__}")
        except (RuntimeError, ValueError) as error:
            raise InputError(
                str(path),
                got=str(error).splitlines()[0][-120:],
                expected="a FAISS index with ids",
                next_step="Run `careline index build` again.",
            ) from error
        return cls(index)

    def _inner(self) -> faiss.Index:
        import faiss

        return faiss.downcast_index(self._index.index)


@contextmanager
def _threads_for(queries: int) -> Iterator[None]:
    """One thread for few queries: waking OpenMP's others costs more than they bring (seen: 14 ms against 0.3)."""
    import faiss

    if queries > _FEW:
        yield
        return
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _empty(dim: int, *, flat: bool) -> faiss.IndexIDMap2:
    import faiss

    if flat:
        return faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
    graph = faiss.IndexHNSWFlat(dim, _LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = _BUILD_BREADTH, _SEARCH_BREADTH
    return faiss.IndexIDMap2(graph)
