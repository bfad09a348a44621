"""Records on disk: a line is read when its row is needed, so that a million answers take no memory."""

from __future__ import annotations

import json
import os
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import read_rows, write_rows
from data.schema import Answer, Record
from retrieval.postings import hash_of

RecordT = TypeVar("RecordT", bound=Record)
RowT = TypeVar("RowT", covariant=True)

NO_ROW = -1

_KEPT = 2048
"""So many records that were read are kept, the oldest go: a customer's candidates are looked at several times."""

_AGAIN = "Run `careline index build` again."


class _Rows(Protocol[RowT]):
    """What a shelf stands on: its rows are asked for by numbers from 0 on."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> RowT: ...

    def __iter__(self) -> Iterator[RowT]: ...


class Shelf(Sequence[RecordT], Generic[RecordT]):
    """Records by row; rows may be added at the end.

    Args:
        rows: In memory, or of a file.
    """

    def __init__(self, rows: _Rows[RecordT]) -> None:
        self._base, self._late = rows, list[RecordT]()

    def __len__(self) -> int:
        return len(self._base) + len(self._late)

    @overload
    def __getitem__(self, row: int) -> RecordT: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[RecordT]: ...

    def __getitem__(self, row: int | slice) -> RecordT | Sequence[RecordT]:
        if isinstance(row, slice):
            return tuple(self[i] for i in range(*row.indices(len(self))))
        place = row + len(self) if row < 0 else row
        if not 0 <= place < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        size = len(self._base)
        return self._base[place] if place < size else self._late[place - size]

    def __iter__(self) -> Iterator[RecordT]:
        yield from self._base
        yield from self._late

    def append(self, row: RecordT) -> None:
        """Puts a record at the end; it is kept in memory."""
        self._late.append(row)

    def save(self, path: Path) -> None:
        """Writes JSON lines and, beside them, where each begins."""
        write_rows(path, self)
        with path.open("rb") as stream:
            ends = np.cumsum(np.fromiter(map(len, stream), dtype=np.int64))
        np.save(_starts_of(path), np.concatenate([[0], ends]).astype(np.int64), allow_pickle=False)

    @classmethod
    def load(cls, path: Path, kind: type[RecordT]) -> Shelf[RecordT]:
        """Opens what ``save`` wrote.

        Raises:
            InputError: A file is missing, or they do not belong together.
        """
        try:
            starts = np.load(_starts_of(path), mmap_mode="r", allow_pickle=False)
            size = path.stat().st_size
            if not len(starts) or int(starts[-1]) != size:
                raise ValueError(f"{size} bytes, not {int(starts[-1]) if len(starts) else 0}")
            return cls(_Lines(path, np.asarray(starts), kind))
        except (OSError, ValueError) as error:
            raise InputError(str(path), got=str(error), expected="records of an index", next_step=_AGAIN) from error


class _Lines(Generic[RecordT]):
    """The lines of a file as records."""

    def __init__(self, path: Path, starts: NDArray[np.int64], kind: type[RecordT]) -> None:
        self._path, self._starts, self._kind = path, starts, kind
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self._kept: OrderedDict[int, RecordT] = OrderedDict()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, row: int) -> RecordT:
        kept = self._kept.get(row)
        if kept is None:
            kept = self._kept[row] = self._read(row)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return kept

    def __iter__(self) -> Iterator[RecordT]:
        return read_rows(self._path, self._kind)

    def _read(self, row: int) -> RecordT:
        start, end = int(self._starts[row]), int(self._starts[row + 1])
        line = os.pread(self._file, end - start, start)
        try:
            return self._kind.from_json(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                f"{self._path} line {row + 1}",
                got=str(error),
                expected=f"a {self._kind.__name__} as JSON",
                next_step=_AGAIN,
            ) from error


def _starts_of(path: Path) -> Path:
    return path.with_suffix(".starts.npy")


class Ids(Mapping[str, int]):
    """Answer id to row, by sorted 64-bit hashes; the row itself says whether the hash is its own.

    Args:
        answers: Whose ids.
        hashes: (n,) ascending.
        rows: (n,) the row of each.
    """

    def __init__(self, answers: Shelf[Answer], hashes: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
        self._answers, self._hashes, self._rows = answers, hashes, rows
        self._changed: dict[str, int] = {}
        self._count = len(hashes)

    @classmethod
    def of(cls, answers: Shelf[Answer]) -> Ids:
        """Reads the id of each row.

        Raises:
            InputError: Two rows have one id: only one of them could be found by it, changed and withdrawn.
        """
        hashes = np.fromiter((hash_of(answer.id) for answer in answers), dtype=np.uint64, count=len(answers))
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        alike = np.flatnonzero(hashes[1:] == hashes[:-1])
        shared = Counter(answers[int(row)].id for row in order[np.union1d(alike, alike + 1)])
        if twice := [answer_id for answer_id, count in shared.items() if count > 1]:
            raise InputError(
                f"answer {twice[0]}", got="two answers with this id", expected="an id of its own for each",
                next_step="Change one of them where it comes from, and build again.",
            )  # fmt: skip
        return cls(answers, hashes, order.astype(np.int32))

    def __getitem__(self, answer_id: str) -> int:
        row = self._changed.get(answer_id)
        row = self._find(answer_id) if row is None else row
        if row == NO_ROW:
            raise KeyError(answer_id)
        return row

    def __iter__(self) -> Iterator[str]:
        for row, answer in enumerate(self._answers):
            if self.get(answer.id) == row:
                yield answer.id

    def __len__(self) -> int:
        return self._count

    def put(self, answer_id: str, row: int) -> None:
        """Says where an answer is now; ``NO_ROW``: nowhere."""
        self._count += (row != NO_ROW) - (answer_id in self)
        self._changed[answer_id] = row

    def rows_of(self, ids: Iterable[str]) -> NDArray[np.int64]:
        """(n,) the row of each id, or ``NO_ROW``."""
        return np.array([self.get(answer_id, NO_ROW) for answer_id in ids], dtype=np.int64)

    def _find(self, answer_id: str) -> int:
        wanted = np.uint64(hash_of(answer_id))
        first, end = (int(np.searchsorted(self._hashes, wanted, side)) for side in ("left", "right"))
        rows = sorted((int(row) for row in self._rows[first:end]), reverse=True)
        return next((row for row in rows if self._answers[row].id == answer_id), NO_ROW)

    def save(self, folder: Path) -> None:
        """Writes two ``.npy`` files into a folder."""
        np.save(folder / "ids.npy", self._hashes, allow_pickle=False)
        np.save(folder / "id_rows.npy", self._rows, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, answers: Shelf[Answer]) -> Ids:
        """Maps what ``save`` wrote.

        Raises:
            OSError: A file is missing.
            ValueError: They are not of these answers.
        """
        hashes, rows = (
            np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in ("ids.npy", "id_rows.npy")
        )
        if not len(hashes) == len(rows) == len(answers):
            raise ValueError(f"{len(hashes)} ids for {len(answers)} answers")
        return cls(answers, np.asarray(hashes), np.asarray(rows))
