"""What is known of every answer, as arrays: what filters read of all, and evidence of candidates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Answer
from retrieval.compose import may_be_found
from retrieval.grown import Grown

Rows = NDArray[np.int64]

AUDIENCES = ("public", "signed_in", "agents")
"""From the widest to the narrowest; an answer is for its own audience and those after it."""

_HALF_LIFE = 180 * 86_400.0

_TYPES: dict[str, Any] = {
    "alive": np.bool_,
    "sayable": np.bool_,
    "curated": np.bool_,
    "audience": np.int8,
    "language": np.int16,
    "site": np.int16,
    "since": np.float64,
    "until": np.float64,
    "support": np.float32,
    "recency": np.float32,
    "outcome": np.float32,
}


class Labels:
    """Words that rows carry, as numbers: topics, tags, products.

    Args:
        names: The words, in the order of their numbers.
        starts: (n + 1,) where each row's numbers begin.
        codes: The numbers, row by row.
    """

    def __init__(self, names: Sequence[str], starts: NDArray[np.int64], codes: NDArray[np.int32]) -> None:
        self.names = list(names)
        self._number = {name: number for number, name in enumerate(self.names)}
        self.starts, self.codes = starts, codes
        self._late: list[tuple[int, ...]] = []

    @classmethod
    def of(cls, rows: Iterable[Sequence[str]]) -> Labels:
        """From the words of each row."""
        made = cls((), np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32))
        coded = [made._coded(row) for row in rows]
        starts = np.cumsum([0, *map(len, coded)], dtype=np.int64)
        return cls(made.names, starts, np.array([code for row in coded for code in row], dtype=np.int32))

    def append(self, row: Sequence[str]) -> None:
        """Adds a row."""
        self._late.append(self._coded(row))

    def _coded(self, row: Sequence[str]) -> tuple[int, ...]:
        for name in row:
            if name not in self._number:
                self._number[name] = len(self.names)
                self.names.append(name)
        return tuple(dict.fromkeys(self._number[name] for name in row))

    def of_row(self, row: int) -> Sequence[int]:
        """Numbers of a row."""
        size = len(self.starts) - 1
        if row >= size:
            return self._late[row - size]
        codes: list[int] = self.codes[int(self.starts[row]) : int(self.starts[row + 1])].tolist()
        return codes

    def rows_with(self, name: str) -> Rows:
        """Rows that carry a word, ascending."""
        number = self._number.get(name, -1)
        base = np.searchsorted(self.starts, np.flatnonzero(self.codes == number), side="right") - 1
        size = len(self.starts) - 1
        late = [size + i for i, row in enumerate(self._late) if number in row]
        return np.concatenate([base, np.array(late, dtype=np.int64)])

    def rows_with_any(self) -> Rows:
        """Rows that carry at least one word, ascending."""
        late = [len(self.starts) - 1 + i for i, row in enumerate(self._late) if row]
        return np.concatenate([np.flatnonzero(np.diff(self.starts)), np.array(late, dtype=np.int64)])


@dataclass(eq=False)
class Columns:
    """Columns of the answers. Row ``i`` is row ``i`` of the index.

    Attributes:
        alive: Not retired.
        sayable: The bot may say it, or may once its blanks are filled (`retrieval.compose.may_be_found`).
        curated: A person wrote it for the bot.
        audience: Position in ``AUDIENCES``.
        language: Number in ``names["language"]``.
        site: Number in ``names["site"]``.
        since: Unix seconds from which on it holds; minus infinity without.
        until: Unix seconds up to which it holds; infinity without.
        support: ln(1 + support) over the largest when it was built, 0..1.
        recency: 0..1, half for each 180 days before the newest; 0.5 where the time is not known.
        outcome: -0.5..0.5, see ``retrieval.index.outcomes``.
        topics: Topics it was given under.
        tags: To filter by.
        products: It is about these only.
        names: Languages and sites by number.
        scale: ln(1 + support) of the most given answer, and the newest time or nan.
        timed: Whether any answer holds for a time only.
    """

    alive: Grown[np.bool_]
    sayable: Grown[np.bool_]
    curated: Grown[np.bool_]
    audience: Grown[np.int8]
    language: Grown[np.int16]
    site: Grown[np.int16]
    since: Grown[np.float64]
    until: Grown[np.float64]
    support: Grown[np.float32]
    recency: Grown[np.float32]
    outcome: Grown[np.float32]
    topics: Labels
    tags: Labels
    products: Labels
    names: dict[str, list[str]]
    scale: tuple[float, float]
    timed: bool

    @classmethod
    def of(cls, answers: Iterable[Answer], outcome: NDArray[np.float32]) -> Columns:
        """Reads answers once.

        Args:
            answers: In the order of the rows.
            outcome: (answers,).
        """
        names: dict[str, list[str]] = {"language": [], "site": []}
        kept = [(_plain(a, names), a.support, a.last_used, a.topics, a.tags, a.products) for a in answers]
        plain = list(zip(*(row[0] for row in kept), strict=True)) or [()] * len(_PLAIN)
        grown = {name: Grown(np.array(values, dtype=_TYPES[name])) for name, values in zip(_PLAIN, plain, strict=True)}
        raw = np.log1p(np.array([row[1] for row in kept], dtype=np.float32))
        used = np.array([np.nan if row[2] is None else row[2] for row in kept], dtype=np.float64)
        newest = float(np.nanmax(used)) if len(used) and not np.isnan(used).all() else float("nan")
        scale = (max(float(raw.max(initial=0.0)), 1e-9), newest)
        return cls(
            **grown,
            support=Grown(np.asarray(raw / scale[0], dtype=np.float32)),
            recency=Grown(_recency(used, newest)),
            outcome=Grown(outcome),
            topics=Labels.of(row[3] for row in kept),
            tags=Labels.of(row[4] for row in kept),
            products=Labels.of(row[5] for row in kept),
            names=names,
            scale=scale,
            timed=bool(np.isfinite(grown["since"].base).any() or np.isfinite(grown["until"].base).any()),
        )

    def __len__(self) -> int:
        return len(self.alive)

    def append(self, answer: Answer) -> None:
        """Adds a row; its support and recency are measured by those that were there when the index was built."""
        used = np.array([np.nan if answer.last_used is None else answer.last_used])
        support = min(1.0, float(np.log1p(np.float32(answer.support))) / self.scale[0])
        values = dict(zip(_PLAIN, _plain(answer, self.names), strict=True))
        self.timed |= answer.valid_from is not None or answer.valid_until is not None
        values |= {"support": support, "recency": _recency(used, self.scale[1])[0], "outcome": 0.0}
        for label in _LABELS:
            getattr(self, label).append(getattr(answer, label))
        for name in [*(name for name in _TYPES if name != "alive"), "alive"]:  # the last one makes the row count
            getattr(self, name).append(np.array([values[name]], dtype=_TYPES[name]))

    def number(self, kind: str, name: str) -> int:
        """Number of a language or site; -1 when no row has it."""
        return self.names[kind].index(name) if name in self.names[kind] else -1

    def save(self, folder: Path) -> None:
        """Writes an ``.npy`` file for each column, and the names as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _TYPES:
            np.save(folder / f"{name}.npy", getattr(self, name).all(), allow_pickle=False)
        words = dict(self.names)
        for name in _LABELS:
            label: Labels = getattr(self, name)
            np.save(folder / f"{name}.starts.npy", label.starts, allow_pickle=False)
            np.save(folder / f"{name}.codes.npy", label.codes, allow_pickle=False)
            words[name] = label.names
        most, newest = self.scale
        facts = {"names": words, "most": most, "newest": None if np.isnan(newest) else newest, "timed": self.timed}
        (folder / "facts.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Columns:
        """Maps what ``save`` wrote; what is changed in memory does not reach the files.

        Raises:
            OSError: A file is missing.
            ValueError: A file is damaged, or they do not belong together.
            KeyError: The facts are not those of an index.
        """
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        arrays = _arrays_in(folder, _TYPES)
        labels = {
            name: Labels(
                facts["names"][name], _mapped(folder / f"{name}.starts.npy"), _mapped(folder / f"{name}.codes.npy")
            )
            for name in _LABELS
        }
        if {len(label.starts) - 1 for label in labels.values()} != {len(arrays["alive"])}:
            raise ValueError("labels of different lengths")
        names = {name: list(facts["names"][name]) for name in ("language", "site")}
        newest = float("nan") if facts["newest"] is None else float(facts["newest"])
        parts: dict[str, Any] = {name: Grown(rows) for name, rows in arrays.items()} | labels
        return cls(**parts, names=names, scale=(float(facts["most"]), newest), timed=bool(facts["timed"]))


@dataclass(eq=False)
class Asked:
    """Columns of what was logged. Row ``i`` is row ``i`` of the questions' vectors.

    Attributes:
        answer: Row of the answer that each got when it came; -1 without one.
        count: How often each had its outcome.
        in_scope: False for the examples of what is out of scope.
        alive: Not retired.
    """

    answer: Grown[np.int64]
    count: Grown[np.float32]
    in_scope: Grown[np.bool_]
    alive: Grown[np.bool_]

    def __len__(self) -> int:
        return len(self.alive)

    def save(self, folder: Path) -> None:
        """Writes an ``.npy`` file for each column."""
        for name in _ASKED:
            np.save(folder / f"{_ASKED_AS}{name}.npy", getattr(self, name).all(), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Asked:
        """Maps what ``save`` wrote.

        Raises:
            OSError: A file is missing.
            ValueError: A file is damaged, or they do not belong together.
        """
        return cls(**{name: Grown(rows) for name, rows in _arrays_in(folder, _ASKED, prefix=_ASKED_AS).items()})


_ASKED: dict[str, Any] = {"answer": np.int64, "count": np.float32, "in_scope": np.bool_, "alive": np.bool_}
_ASKED_AS = "asked."
_PLAIN = ("alive", "sayable", "curated", "audience", "language", "site", "since", "until")
_LABELS = ("topics", "tags", "products")


def _plain(answer: Answer, names: dict[str, list[str]]) -> tuple[Any, ...]:
    """Values of ``_PLAIN``; new languages and sites get a number."""
    for kind, name in (("language", answer.language), ("site", answer.site)):
        if name not in names[kind]:
            names[kind].append(name)
    return (
        True,
        may_be_found(answer),
        answer.source == "curated",
        AUDIENCES.index(answer.audience),
        names["language"].index(answer.language),
        names["site"].index(answer.site),
        -np.inf if answer.valid_from is None else answer.valid_from,
        np.inf if answer.valid_until is None else answer.valid_until,
    )


def _recency(used: NDArray[np.float64], newest: float) -> NDArray[np.float32]:
    """0..1 for times; 0.5 for those that are not known."""
    age = np.maximum(newest - used, 0.0)
    return np.nan_to_num(0.5 ** (age / _HALF_LIFE), nan=0.5).astype(np.float32)


def _arrays_in(folder: Path, types: Mapping[str, Any], *, prefix: str = "") -> dict[str, NDArray[Any]]:
    """The arrays of some columns, mapped, all of one length."""
    arrays = {name: _mapped(folder / f"{prefix}{name}.npy") for name in types}
    if len({len(rows) for rows in arrays.values()}) > 1 or any(arrays[name].dtype != types[name] for name in types):
        raise ValueError("columns of different lengths or types")
    return arrays


def _mapped(path: Path) -> NDArray[Any]:
    rows = np.load(path, mmap_mode="c", allow_pickle=False)
    return np.asarray(rows) if rows.size else np.array(rows)
