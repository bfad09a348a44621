"""Writes the answers of a dataset: as the earlier dataset has them where nothing of them changed, the others anew.

A line at a time, so that memory holds only what may be said again, among which contradictions are looked for.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.approvals import Approval, Key, applied
from data.artifacts import DatasetLayout
from data.contradictions import Contradiction, find_contradictions, settle
from data.grouping import Groups, Ids
from data.pairs import answers_of
from data.records import write_rows
from data.schema import Answer
from data.wording import number

_ID = re.compile(rb'\{"id":"((?:[^"\\]|\\.)*)"')
_HELD_BACK = re.compile(rb'"held_back":"((?:[^"\\]|\\.)*)"')
"""Quotes inside of a text are escaped in JSON: what these find is a field."""

_PIECE = 512
"""Answers that are looked at together."""


@dataclass(frozen=True)
class Makings:
    """What answers are made from; see `data.pairs.make_answers`.

    Attributes:
        groups: Of the log.
        ids: (conversations) of all conversations.
        topics: Conversation id to topic id, where known.
        train: (conversations) whether each is in the train split.
        listed: Whether the log is a list of questions and answers.
        ask: Whether what was said once or twice waits for a person.
        approvals: What people decided.
    """

    groups: Groups
    ids: Sequence[str]
    topics: Mapping[str, str]
    train: NDArray[np.bool_]
    listed: bool
    ask: bool = False
    approvals: Mapping[Key, Approval] = field(default_factory=dict)

    @cached_property
    def hashes(self) -> Ids:
        """(kept,) of what each answer is made from."""
        told = (f"{name}\0{self.topics.get(name, '')}" for name in self.ids)
        marks = np.fromiter(map(number, told), dtype=np.uint64, count=len(self.ids))
        return self.groups.made_from(marks ^ self.train.astype(np.uint64), salt=int(self.listed) + 2 * self.ask)


def write_answers(layout: DatasetLayout, makings: Makings, before: Path | None) -> Counter[str]:
    """Writes answers and contradictions.

    Args:
        layout: Of the dataset.
        makings: What to make them from.
        before: Answers of the earlier dataset whose groups were given to ``makings.groups``.

    Returns:
        How many are held back for which reason; ``reusable`` for the others.
    """
    temporary = layout.answers.with_name(f".{layout.answers.name}.{os.getpid()}.tmp")
    counts: Counter[str] = Counter()
    sayable: list[Answer] = []
    with temporary.open("wb") as stream:
        for line in _decided(_lines(makings, before), makings.approvals):
            stream.write(line)
            why = _HELD_BACK.search(line)
            counts[_text(why.group(1)) if why else "reusable"] += 1
            if why is None:
                sayable.append(Answer.from_json(json.loads(line)))
    contradictions = find_contradictions(sayable)
    write_rows(layout.contradictions, contradictions)
    lost = {loser for one in contradictions for loser in one.answers if loser != one.newest}
    if lost:
        counts += _settle(temporary, lost, contradictions)
        counts["reusable"] -= len(lost)
    os.replace(temporary, layout.answers)
    return +counts


def _settle(path: Path, lost: set[str], contradictions: Sequence[Contradiction]) -> Counter[str]:
    """Rewrites the lines of answers that a newer one contradicts."""
    settled = path.with_name(path.name + "2")
    counts: Counter[str] = Counter()
    with path.open("rb") as lines, settled.open("wb") as stream:
        for line in lines:
            if _id_of(line) in lost:
                (answer,) = settle([Answer.from_json(json.loads(line))], contradictions)
                counts[answer.held_back or "reusable"] += 1
                line = _line(answer)
            stream.write(line)
    os.replace(settled, path)
    return counts


def _decided(lines: Iterator[bytes], approvals: Mapping[Key, Approval]) -> Iterator[bytes]:
    """The lines, those of decided answers written anew. A log without decisions costs nothing."""
    if not approvals:
        yield from lines
        return
    for line in lines:
        answer = Answer.from_json(json.loads(line))
        (after,) = applied((answer,), approvals)
        yield line if after is answer else _line(after)


def _lines(makings: Makings, before: Path | None) -> Iterator[bytes]:
    """All answers as lines of JSON, the most frequent first."""
    groups = makings.groups
    earlier = _Earlier(before) if before else None
    made, known = makings.hashes.tolist(), groups.made_before()
    for start in range(0, len(groups.kept), _PIECE):
        leaders = groups.kept[start : start + _PIECE]
        same = [a == b for a, b in zip(made[start:], known[start : start + _PIECE], strict=False)]
        found = [
            earlier.line(groups.id_of(leader), support) if earlier and equal else None
            for leader, support, equal in zip(leaders.tolist(), groups.supports(leaders), same, strict=True)
        ]
        missing = leaders[np.array([line is None for line in found])]
        chosen = groups.some(missing)
        fresh = answers_of(
            chosen, groups, makings.ids, makings.topics, makings.train, listed=makings.listed, ask=makings.ask
        )
        for line in found:
            yield _line(next(fresh)) if line is None else line


class _Earlier:
    """The answers of an earlier dataset, where the log alone made them.

    Args:
        path: Its file, which is mapped into memory.
    """

    def __init__(self, path: Path) -> None:
        self._places: dict[str, tuple[int, int]] = {}
        with path.open("rb") as stream:
            self._data = mmap(stream.fileno(), 0, access=ACCESS_READ) if path.stat().st_size else b""
            place = 0
            for line in stream:
                self._places[_id_of(line)] = place, place + len(line)
                place += len(line)

    def line(self, name: str, support: int) -> bytes | None:
        """The line of an answer that the log alone made: not contradicted, not corrected, not decided about."""
        start, end = self._places.get(name, (0, 0))
        line = bytes(self._data[start:end])
        others = b'"superseded_by":' in line or b'"decided":' in line
        untouched = b'"support":%d,' % support in line and not others
        return line if untouched else None


def _id_of(line: bytes) -> str:
    found = _ID.match(line)
    return _text(found.group(1)) if found else ""


def _text(inside: bytes) -> str:
    """What stands between the quotes of a string of JSON."""
    return str(json.loads(b'"%s"' % inside)) if b"\\" in inside else inside.decode()


def _line(answer: Answer) -> bytes:
    return (json.dumps(answer.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n").encode()
