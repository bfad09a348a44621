"""Nearest vectors, in FAISS: exact, as a graph, or as inverted lists, by size. The only importer of faiss.

A row's number is its id. What is built is never changed; rows that come later stand in a tail that is searched
exactly, until a new snapshot takes them in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from retrieval.encoder import Vectors
from retrieval.grown import Grown
from retrieval.halves import Halves, halves_beside
from retrieval.nearest import Base, Found, Ids, Mask, best, nothing

if TYPE_CHECKING:
    import faiss

FLAT_UP_TO = 50_000
"""Exact search of so many 384-dimensional vectors takes about 10 ms on one core."""

GRAPH_UP_TO = 200_000
"""An HNSW graph is quickest, but building it takes minutes for each 100,000 rows, and it lies in memory as a whole."""

PROBED, _PROBED_LEAST = 1 / 8, 64
"""Share and least number of the inverted lists that are read for a query, where all rows may be found."""

_FEW = 4
_FEW_ROWS = 512
"""So few allowed rows are compared one by one: neither graph nor list is looked at."""

_LINKS, _BUILD_BREADTH, _BREADTH, _BROADEST = 32, 100, 128, 1024
_LEAST_SHARE = 0.15
"""A graph of whose rows fewer are allowed is no way to them any more: all its rows are looked through."""

_LISTS_LEAST, _TRAINED_ON, _ROUNDS = 16, 40, 10
_COARSE_BREADTH = 64
_WIDE = 512
"""Probing more lists than this, their order is computed exactly: a graph of the lists is no longer quicker."""

_SPARE = 24
"""Rows looked up beyond what was asked for: 8 bits a dimension can swap near ones, half precision puts them right."""

_CHUNK = 50_000


class VectorIndex:
    """Unit vectors by row, searched by cosine; use ``build`` or ``load``.

    Args:
        base: What was built at once.
    """

    def __init__(self, base: Base) -> None:
        self._base = base
        self._late = Grown(np.empty((0, base.dim), dtype=np.float32))

    @classmethod
    def build(
        cls, vectors: NDArray[Any], *, flat_up_to: int = FLAT_UP_TO, graph_up_to: int = GRAPH_UP_TO
    ) -> VectorIndex:
        """Indexes vectors.

        Args:
            vectors: (n, dim) of length 1; n may be 0. A mapped array of any float type is read piece by piece.
            flat_up_to: See ``FLAT_UP_TO``.
            graph_up_to: See ``GRAPH_UP_TO``.
        """
        if len(vectors) <= flat_up_to:
            return cls(_Flat.build(vectors))
        return cls((_Graph if len(vectors) <= graph_up_to else _Inverted).build(vectors))

    def __len__(self) -> int:
        return self._base.size + len(self._late)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._base.dim

    @property
    def is_flat(self) -> bool:
        """True when search is exact."""
        return isinstance(self._base, _Flat)

    def search(self, vectors: Vectors, k: int, *, among: Mask | None = None) -> Found:
        """The nearest ``k`` of each query, best first.

        Args:
            vectors: (n, dim) of length 1.
            k: At least 1; fewer columns come back when the index holds fewer.
            among: (rows,) which rows may be found; rows beyond its end may not. None: all.

        Returns:
            Cosines (n, k) and rows (n, k); a row of -1 where fewer were found.
        """
        late = self._late.tail if among is None else self._late.tail[: max(0, len(among) - self._base.size)]
        k = min(k, self._base.size + len(late))
        if not k or not len(vectors):
            return nothing(len(vectors))
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        among_base = None if among is None else among[: self._base.size]
        with _threads_for(len(vectors)):
            found = self._base.search(vectors, k, among_base) if self._base.size else nothing(len(vectors))
        if not len(late):
            return found
        scores = vectors @ late.T  # (n, late)
        if among is not None:
            scores[:, ~among[self._base.size : self._base.size + len(late)]] = -np.inf
        rows = np.broadcast_to(np.arange(len(late)) + self._base.size, scores.shape)
        return best(np.hstack([found[0], scores]), np.hstack([found[1], rows]), k)

    def vectors(self, rows: Sequence[int] | Ids) -> Vectors:
        """(n, dim) the vectors of these rows, as exactly as they are kept.

        Raises:
            KeyError: A row is not in the index.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise KeyError(f"a row of {wanted[:5].tolist()}… is not among {len(self)}")
        late = wanted >= self._base.size
        if not late.any():
            return self._base.take(wanted)
        out = np.empty((len(wanted), self.dim), dtype=np.float32)
        out[~late] = self._base.take(wanted[~late])
        out[late] = self._late.tail[wanted[late] - self._base.size]
        return out

    def add(self, vectors: Vectors) -> Ids:
        """Adds vectors (n, dim) at the end and returns their rows.

        Raises:
            ValueError: The shape does not fit.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dim:
            raise ValueError(f"vectors of shape {vectors.shape} for an index of dimension {self.dim}")
        first = len(self)
        self._late.append(vectors)
        return np.arange(first, first + len(vectors))

    def save(self, path: Path) -> None:
        """Writes FAISS's own format, and beside a graph or lists the vectors in half precision.

        Raises:
            ValueError: Rows were added; build an index of them all.
        """
        if len(self._late):
            raise ValueError(f"{len(self._late)} vectors were added since it was built")
        self._base.save(path)

    @classmethod
    def load(cls, path: Path) -> VectorIndex:
        """Opens what ``save`` wrote; inverted lists stay on disk and are mapped.

        Raises:
            InputError: The file is missing or is no such index.
        """
        import faiss

        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
            if isinstance(index, faiss.IndexFlat):
                return cls(_Flat(index))
            if not isinstance(index, (faiss.IndexIVF, faiss.IndexHNSW)):
                raise ValueError(f"a {type(index).__name__}")
            kind = _Graph if isinstance(index, faiss.IndexHNSW) else _Inverted
            return cls(kind(index, Halves.load(halves_beside(path), index.ntotal, index.d)))
        except (RuntimeError, ValueError, OSError) as error:
            raise InputError(
                str(path), got=str(error).splitlines()[0][-120:], expected="a FAISS index",
                next_step="Run `careline index build` again.",
            ) from error  # fmt: skip


class _Flat:
    """All vectors as they are, compared one by one. A clone on the GPU, where there is one, answers without a mask."""

    def __init__(self, index: faiss.IndexFlat) -> None:
        self._index = index
        self._quick = _on_gpu(index)
        self.size, self.dim = int(index.ntotal), int(index.d)

    @classmethod
    def build(cls, vectors: Vectors) -> _Flat:
        import faiss

        index = faiss.IndexFlatIP(vectors.shape[1])
        if len(vectors):
            index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    def search(self, vectors: Vectors, k: int, among: Mask | None) -> Found:
        import faiss

        k = min(k, self.size)
        if among is None:
            scores, rows = (self._index if self._quick is None else self._quick).search(vectors, k)
        else:
            with _selector(among) as chosen:
                scores, rows = self._index.search(vectors, k, params=faiss.SearchParameters(sel=chosen))
        return scores, rows

    def take(self, rows: Ids) -> Vectors:
        if not len(rows):
            return np.zeros((0, self.dim), dtype=np.float32)
        with _threads_for(1):
            return np.asarray(self._index.reconstruct_batch(np.ascontiguousarray(rows)), dtype=np.float32)

    def save(self, path: Path) -> None:
        import faiss

        faiss.write_index(self._index, str(path))


class _Rough:
    """Vectors of 8 bits a dimension, whose best are compared again in half precision."""

    def __init__(self, index: faiss.Index, halves: Halves) -> None:
        self._index, self._halves = index, halves
        self.size, self.dim = int(index.ntotal), int(index.d)

    def search(self, vectors: Vectors, k: int, among: Mask | None) -> Found:
        allowed = self.size if among is None else int(np.count_nonzero(among))
        if allowed <= max(_FEW_ROWS, k):
            rows = np.arange(self.size) if among is None else np.flatnonzero(among)
            return best(vectors @ self.take(rows).T, np.broadcast_to(rows, (len(vectors), len(rows))), k)
        with _selector(among) as chosen:
            rough = self._rough(vectors, min(allowed, k + max(_SPARE, k // 2)), allowed / self.size, chosen)
            short = (rough < 0).any(axis=1)
            if short.any():  # what is allowed lies far from what is asked
                rough[short] = self._all(vectors[short], rough.shape[1], chosen)
        return self._refined(vectors, rough, k)

    def _rough(self, vectors: Vectors, k: int, share: float, chosen: faiss.IDSelector | None) -> Ids:
        """(n, k) rows by 8 bits, of which a share is allowed; -1 where fewer were met."""
        raise NotImplementedError

    def _all(self, vectors: Vectors, k: int, chosen: faiss.IDSelector | None) -> Ids:
        """(n, k) the same, looking through all rows."""
        raise NotImplementedError

    def _refined(self, vectors: Vectors, rows: Ids, k: int) -> Found:
        """The best ``k`` of (n, more) rows by their vectors in half precision."""
        there = rows >= 0
        distinct, place = np.unique(rows[there], return_inverse=True)
        known = self.take(distinct)  # (distinct, dim)
        scores = np.full(rows.shape, -np.inf, dtype=np.float32)
        scores[there] = np.einsum("ij,ij->i", known[place], vectors[np.nonzero(there)[0]])
        return best(scores, rows, k)

    def take(self, rows: Ids) -> Vectors:
        return self._halves.take(rows)

    def save(self, path: Path) -> None:
        import faiss

        faiss.write_index(self._index, str(path))
        self._halves.save(halves_beside(path))


class _Graph(_Rough):
    """An HNSW graph. Under a mask it is searched more broadly; under a narrow one all rows are looked through."""

    @classmethod
    def build(cls, vectors: NDArray[Any]) -> _Graph:
        import faiss

        index = faiss.IndexHNSWSQ(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _BUILD_BREADTH
        index.train(_floats(vectors[:_CHUNK]))
        for start in range(0, len(vectors), _CHUNK):
            index.add(_floats(vectors[start : start + _CHUNK]))
        return cls(index, Halves.of(vectors))

    def _rough(self, vectors: Vectors, k: int, share: float, chosen: faiss.IDSelector | None) -> Ids:
        import faiss

        if share < _LEAST_SHARE:
            return self._all(vectors, k, chosen)
        breadth = min(_BROADEST, math.ceil(max(_BREADTH, 2 * k) / share))
        wide = faiss.SearchParametersHNSW(efSearch=breadth, sel=chosen)
        return np.asarray(self._index.search(vectors, k, params=wide)[1])

    def _all(self, vectors: Vectors, k: int, chosen: faiss.IDSelector | None) -> Ids:
        import faiss

        flat = faiss.downcast_index(self._index.storage)
        return np.asarray(flat.search(vectors, k, params=faiss.SearchParameters(sel=chosen))[1])


class _Inverted(_Rough):
    """Inverted lists of residuals; the lists' centres stand in an HNSW graph. They stay on disk and are mapped.

    Under a mask more lists are read, so that as many allowed rows are seen as without one.
    """

    def __init__(self, index: faiss.IndexIVF, halves: Halves) -> None:
        import faiss

        super().__init__(index, halves)
        lists = faiss.downcast_InvertedLists(index.invlists)
        if isinstance(lists, faiss.OnDiskInvertedLists):
            lists.prefetch_nthread = 0  # it would start threads for each query
        self.lists = int(index.nlist)

    @classmethod
    def build(cls, vectors: NDArray[Any]) -> _Inverted:
        import faiss

        size, dim = vectors.shape
        lists = max(_LISTS_LEAST, 2 ** round(math.log2(4 * math.sqrt(size))))
        index = faiss.index_factory(dim, f"IVF{min(lists, size)}_HNSW{_LINKS},SQ8", faiss.METRIC_INNER_PRODUCT)
        index.cp.spherical, index.cp.niter, index.cp.min_points_per_centroid = True, _ROUNDS, 1
        sample = np.random.default_rng(0).permutation(size)[: lists * _TRAINED_ON]
        index.train(_floats(vectors[np.sort(sample)]))
        for start in range(0, size, _CHUNK):
            index.add(_floats(vectors[start : start + _CHUNK]))
        return cls(index, Halves.of(vectors))

    def _rough(self, vectors: Vectors, k: int, share: float, chosen: faiss.IDSelector | None) -> Ids:
        import faiss

        probes = min(self.lists, math.ceil(max(PROBED * self.lists, _PROBED_LEAST) / share))
        if probes > _WIDE:
            return self._wide(vectors, k, probes, chosen)
        coarse = faiss.SearchParametersHNSW(efSearch=max(_COARSE_BREADTH, probes))
        given = faiss.SearchParametersIVF(nprobe=probes, sel=chosen, quantizer_params=coarse)
        return np.asarray(self._index.search(vectors, k, params=given)[1])

    def _all(self, vectors: Vectors, k: int, chosen: faiss.IDSelector | None) -> Ids:
        return self._wide(vectors, k, self.lists, chosen)

    def _wide(self, vectors: Vectors, k: int, probes: int, chosen: faiss.IDSelector | None) -> Ids:
        """(n, k) rows of many lists, whose order is computed exactly. Python's own door takes no parameters here."""
        import faiss

        centres = vectors @ np.asarray(self._index.quantizer.reconstruct_n(0, self.lists)).T  # (n, lists)
        near = np.ascontiguousarray(np.argpartition(-centres, probes - 1, axis=1)[:, :probes], dtype=np.int64)
        cosines = np.ascontiguousarray(np.take_along_axis(centres, near, axis=1))
        rows = np.empty((len(vectors), k), dtype=np.int64)
        scores = np.empty((len(vectors), k), dtype=np.float32)
        given = [faiss.swig_ptr(part) for part in (vectors, near, cosines, scores, rows)]
        wide = faiss.SearchParametersIVF(nprobe=probes, sel=chosen)
        self._index.search_preassigned_c(len(vectors), given[0], k, *given[1:], False, wide)
        return rows


def _floats(vectors: NDArray[Any]) -> Vectors:
    return np.ascontiguousarray(vectors, dtype=np.float32)


@contextmanager
def _selector(among: Mask | None) -> Iterator[faiss.IDSelector | None]:
    """FAISS's view of a mask, whose bits live as long as the block."""
    import faiss

    if among is None:
        yield None
        return
    bits = np.packbits(among, bitorder="little")
    yield faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))


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


def _on_gpu(index: faiss.Index) -> faiss.Index | None:
    """A clone on the first GPU; None without faiss-gpu, a card, or anything to search."""
    import faiss

    if not index.ntotal or not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus():
        return None
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)
