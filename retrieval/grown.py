"""Arrays that grow at the end without being copied: a base that stays as it is, mapped or not, and a tail."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

ScalarT = TypeVar("ScalarT", bound=np.generic)

_FIRST = 64


class Grown(Generic[ScalarT]):
    """Rows of one shape and type; row ``i`` keeps its number.

    The tail doubles when it is full, so that a row costs the same on average however many there are; the base, which
    may be a million rows on disk, is never copied. Readers of other threads see a row only when it is whole.

    Args:
        base: (n, ...) rows that are there; written to by ``put`` only where it was mapped copy-on-write or is memory.
    """

    def __init__(self, base: NDArray[ScalarT]) -> None:
        self.base = base
        self._tail: NDArray[ScalarT] = np.empty((0, *base.shape[1:]), dtype=base.dtype)
        self._extra = 0

    def __len__(self) -> int:
        return len(self.base) + self._extra

    @property
    def tail(self) -> NDArray[ScalarT]:
        """(m, ...) the rows after the base; a view."""
        count = self._extra  # read first: a tail that is put in its place meanwhile holds at least as many
        return self._tail[:count]

    @property
    def parts(self) -> tuple[NDArray[ScalarT], NDArray[ScalarT]]:
        """Base and tail; views."""
        return self.base, self.tail

    def append(self, rows: NDArray[Any]) -> None:
        """Puts rows (m, ...) at the end."""
        end = self._extra + len(rows)
        if end > len(self._tail):
            bigger = np.empty((max(_FIRST, 2 * end), *self.base.shape[1:]), dtype=self.base.dtype)
            bigger[: self._extra] = self.tail
            self._tail = bigger
        self._tail[self._extra : end] = rows
        self._extra = end

    def put(self, row: int, value: Any) -> None:
        """Changes one row."""
        if row < len(self.base):
            self.base[row] = value
        else:
            self._tail[row - len(self.base)] = value

    def at(self, rows: NDArray[np.int64]) -> NDArray[ScalarT]:
        """(m, ...) the rows of these numbers; a copy. A number of -1 gives the last row, as in numpy."""
        if not self._extra:
            return np.asarray(self.base[rows])
        size = len(self.base)
        rows = np.where(rows < 0, rows + len(self), rows)
        late = rows >= size
        out = np.empty((len(rows), *self.base.shape[1:]), dtype=self.base.dtype)
        out[~late] = self.base[rows[~late]]
        out[late] = self.tail[rows[late] - size]
        return out

    def all(self) -> NDArray[ScalarT]:
        """(n, ...) every row: the base itself without a tail, else a copy. For what reads everything anyway."""
        return np.concatenate(self.parts) if self._extra else self.base
