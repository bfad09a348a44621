"""Vectors in half precision on disk, read row by row: a million of them take no memory."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder import Vectors

_AT_ONCE = 50_000


class Halves:
    """(n, dim) vectors as float16: an error of about 0.0001 in a cosine.

    Rows are read and not mapped, because pages that were read once through a map count as memory of the process.

    Args:
        rows: In memory, or mapped where they are on disk.
        path: Of the ``.npy`` file; None in memory.
    """

    def __init__(self, rows: NDArray[np.float16], path: Path | None = None) -> None:
        self._rows = rows
        self._start = int(getattr(rows, "offset", 0))
        self._file = None if path is None else os.open(path, os.O_RDONLY)
        if self._file is not None:
            weakref.finalize(self, os.close, self._file)

    @classmethod
    def of(cls, vectors: NDArray[Any]) -> Halves:
        """In memory."""
        return cls(np.asarray(vectors, dtype=np.float16))

    @classmethod
    def load(cls, path: Path, size: int, dim: int) -> Halves:
        """Opens what ``save`` wrote.

        Raises:
            OSError: There is no such file.
            ValueError: It is cut short or holds other vectors.
        """
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
        if rows.shape != (size, dim) or rows.dtype != np.float16:
            raise ValueError(f"{path.name} holds {rows.dtype} of shape {rows.shape}, not float16 of {(size, dim)}")
        return cls(rows, path)

    def save(self, path: Path) -> None:
        """Writes a ``.npy`` file."""
        np.save(path, self._rows, allow_pickle=False)

    def take(self, rows: NDArray[np.int64]) -> Vectors:
        """(n, dim) these rows as float32."""
        if self._file is None:
            return np.asarray(self._rows[rows], dtype=np.float32)
        if not len(rows):
            return np.zeros((0, self._rows.shape[1]), dtype=np.float32)
        dim = self._rows.shape[1]
        out = np.empty((len(rows), dim), dtype=np.float16)
        file, width, into = self._file, 2 * dim, out.data.cast("B")
        for place, row in enumerate(rows.tolist()):
            os.preadv(file, [into[place * width : (place + 1) * width]], self._start + row * width)
        return np.asarray(out, dtype=np.float32)

    def pieces(self) -> Iterator[Vectors]:
        """All rows, 50,000 at once, as float32."""
        for start in range(0, len(self._rows), _AT_ONCE):
            yield np.asarray(self._rows[start : start + _AT_ONCE], dtype=np.float32)


def halves_beside(path: Path) -> Path:
    """Where the halves of an index file lie."""
    return path.with_suffix(".half.npy")
