"""Nearest vectors, in FAISS: exact up to a size where that is quick, inverted lists above. The only importer of faiss.

A row's number is its id. What is built is never changed; rows that come later stand in a tail that is searched
exactly, until a new snapshot takes them in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from retrieval.encoder import Vectors
from retrieval.grown import Grown
from retrieval.halves import Halves

if TYPE_CHECKING:
    import faiss

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Found = tuple[NDArray[np.float32], Ids]

FLAT_UP_TO = 50_000
"""Exact search of so many 384-dimensional vectors takes about 10 ms on one core; inverted lists are used above."""

PROBES = 32
"""Lists that are read for a query, where all rows may be found."""

_FEW = 4
_FEW_ROWS = 512
"""So few allowed rows are compared one by one: no list is read for them."""

_LISTS_LEAST, _TRAINED_ON, _ROUNDS = 256, 40, 10
_LINKS, _COARSE_BREADTH = 32, 64
_WIDE = 256
"""Probing more lists than this, their order is computed exactly: a graph of the lists is no longer quicker."""

_SPARE = 24
"""Rows looked up beyond what was asked for: 8 bits a dimension can swap near ones, half precision puts them right."""

_CHUNK = 50_000


class _Base(Protocol):
    """What was built at once."""

    size: int
    dim: int

    def search(self, vectors: Vectors, k: int, among: Mask | None) -> Found:
        """Cosines and rows (n, k), best first; -1 where there are fewer."""
        ...

    def take(self, rows: Ids) -> Vectors:
        """(n, dim) vectors of rows."""
        ...

    def save(self, path: Path) -> None:
        """Writes its files."""
        ...


class VectorIndex:
    """Unit vectors by row, searched by cosine; use ``build`` or ``load``.

    Args:
        base: What was built at once.
    """

    def __init__(self, base: _Base) -> None:
        self._base = base
        self._late = Grown(np.empty((0, base.dim), dtype=np.float32))

    @classmethod
    def build(cls, vectors: Vectors, *, flat_up_to: int = FLAT_UP_TO) -> VectorIndex:
        """Indexes vectors.

        Args:
            vectors: (n, dim) of length 1; n may be 0. A mapped array of any float type is read piece by piece.
            flat_up_to: See ``FLAT_UP_TO``.
        """
        return cls(_Flat.build(vectors) if len(vectors) <= flat_up_to else _Inverted.build(vectors))

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
            return np.zeros((len(vectors), 0), np.float32), np.zeros((len(vectors), 0), np.int64)
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        among_base = None if among is None else among[: self._base.size]
        with _threads_for(len(vectors)):
            found = self._base.search(vectors, k, among_base) if self._base.size else _nothing(len(vectors))
        if not len(late):
            return found
        scores = vectors @ late.T  # (n, late)
        if among is not None:
            scores[:, ~among[self._base.size : self._base.size + len(late)]] = -np.inf
        rows = np.broadcast_to(np.arange(len(late)) + self._base.size, scores.shape)
        return _best(np.hstack([found[0], scores]), np.hstack([found[1], rows]), k)

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
        """Writes FAISS's own format, and beside inverted lists the vectors in half precision. The tail is built in."""
        if len(self._late):
            every = self.vectors(np.arange(len(self)))
            VectorIndex.build(every, flat_up_to=max(FLAT_UP_TO, len(self) if self.is_flat else 0)).save(path)
        else:
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
            if not isinstance(index, faiss.IndexIVF):
                raise ValueError(f"a {type(index).__name__}")
            return cls(_Inverted(index, Halves.load(_halves_of(path), index.ntotal, index.d)))
        except (RuntimeError, ValueError, OSError) as error:
            raise InputError(
                str(path),
                got=str(error).splitlines()[0][-120:],
                expected="a FAISS index",
                next_step="Run `careline index build` again.",
            ) from error


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


class _Inverted:
    """Inverted lists of 8-bit residuals, whose best are compared again in half precision.

    The lists' centres stand in an HNSW graph. Under a mask more lists are read, so that as many allowed rows are seen
    as without one; a mask of few rows is compared row by row.
    """

    def __init__(self, index: faiss.IndexIVF, halves: Halves) -> None:
        import faiss

        lists = faiss.downcast_InvertedLists(index.invlists)
        if isinstance(lists, faiss.OnDiskInvertedLists):
            lists.prefetch_nthread = 0  # it would start threads for each query
        self._index, self._halves = index, halves
        self.size, self.dim, self.lists = int(index.ntotal), int(index.d), int(index.nlist)

    @classmethod
    def build(cls, vectors: Vectors) -> _Inverted:
        import faiss

        size, dim = vectors.shape
        lists = 2 ** round(math.log2(4 * math.sqrt(size))) if size > _LISTS_LEAST**2 // 16 else 16
        index = faiss.index_factory(dim, f"IVF{lists}_HNSW{_LINKS},SQ8", faiss.METRIC_INNER_PRODUCT)
        index.cp.spherical, index.cp.niter = True, _ROUNDS
        index.cp.min_points_per_centroid = 1
        sample = np.random.default_rng(0).permutation(size)[: lists * _TRAINED_ON]
        index.train(_floats(vectors[np.sort(sample)]))
        for start in range(0, size, _CHUNK):
            index.add(_floats(vectors[start : start + _CHUNK]))
        return cls(index, Halves.of(vectors))

    def search(self, vectors: Vectors, k: int, among: Mask | None) -> Found:
        allowed = self.size if among is None else int(np.count_nonzero(among))
        if not allowed:
            return _nothing(len(vectors))
        if allowed <= max(_FEW_ROWS, k):
            assert among is not None or self.size <= max(_FEW_ROWS, k)
            rows = np.arange(self.size) if among is None else np.flatnonzero(among)
            return _best(vectors @ self.take(rows).T, np.broadcast_to(rows, (len(vectors), len(rows))), k)
        probes = min(self.lists, math.ceil(PROBES * self.size / allowed))
        rows = self._rough(vectors, min(allowed, k + max(_SPARE, k // 2)), probes, among)
        return self._refined(vectors, rows, k)

    def _rough(self, vectors: Vectors, k: int, probes: int, among: Mask | None) -> Ids:
        """(n, k) rows by 8 bits."""
        import faiss

        with _selector(among) as chosen:
            if probes <= _WIDE:
                coarse = faiss.SearchParametersHNSW(efSearch=max(_COARSE_BREADTH, probes))
                wide = faiss.SearchParametersIVF(nprobe=probes, sel=chosen, quantizer_params=coarse)
                return np.asarray(self._index.search(vectors, k, params=wide)[1])
            return self._wide(vectors, k, probes, chosen)

    def _wide(self, vectors: Vectors, k: int, probes: int, chosen: faiss.IDSelector | None) -> Ids:
        """(n, k) rows of many lists, whose order is computed exactly. Python's own door takes no parameters here."""
        import faiss

        centres = vectors @ self._centres().T  # (n, lists)
        near = np.argpartition(-centres, probes - 1, axis=1)[:, :probes]
        cosines = np.ascontiguousarray(np.take_along_axis(centres, near, axis=1))
        near = np.ascontiguousarray(near, dtype=np.int64)
        rows = np.empty((len(vectors), k), dtype=np.int64)
        scores = np.empty((len(vectors), k), dtype=np.float32)
        given = [faiss.swig_ptr(part) for part in (vectors, near, cosines, scores, rows)]
        wide = faiss.SearchParametersIVF(nprobe=probes, sel=chosen)
        self._index.search_preassigned_c(len(vectors), given[0], k, *given[1:], False, wide)
        return rows

    def _centres(self) -> Vectors:
        return np.asarray(self._index.quantizer.reconstruct_n(0, self.lists))

    def _refined(self, vectors: Vectors, rows: Ids, k: int) -> Found:
        """The best ``k`` of (n, more) rows by their vectors in half precision."""
        there = rows >= 0
        distinct, place = np.unique(rows[there], return_inverse=True)
        known = self.take(distinct)  # (distinct, dim)
        scores = np.full(rows.shape, -np.inf, dtype=np.float32)
        of_query = np.nonzero(there)[0]
        scores[there] = np.einsum("ij,ij->i", known[place], vectors[of_query])
        return _best(scores, rows, k)

    def take(self, rows: Ids) -> Vectors:
        return self._halves.take(rows)

    def save(self, path: Path) -> None:
        import faiss

        faiss.write_index(self._index, str(path))
        self._halves.save(_halves_of(path))


def _halves_of(path: Path) -> Path:
    return path.with_suffix(".half.npy")


def _floats(vectors: NDArray[Any]) -> Vectors:
    return np.ascontiguousarray(vectors, dtype=np.float32)


def _nothing(queries: int) -> Found:
    return np.zeros((queries, 0), np.float32), np.zeros((queries, 0), np.int64)


def _best(scores: NDArray[np.float32], rows: Ids, k: int) -> Found:
    """(n, k) the best of (n, m); -1 for what is minus infinity. Equal scores keep the order they came in."""
    k = min(k, scores.shape[1])
    part = np.argpartition(-scores, k - 1, axis=1)[:, :k] if k < scores.shape[1] else None
    if part is not None:
        part.sort(axis=1)
        scores, rows = np.take_along_axis(scores, part, axis=1), np.take_along_axis(rows, part, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    scores, rows = np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)
    return scores, np.where(np.isneginf(scores), -1, rows)


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
