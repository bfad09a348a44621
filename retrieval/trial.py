"""Questions with known answers, asked of an index: what search gets right, how sure it is, where the time goes."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from data.errors import InputError
from data.schema import Role
from retrieval.metrics import NOT_FOUND, average_precision, bootstrap, mrr, ndcg_of, recall_at
from retrieval.steps import timed

if TYPE_CHECKING:
    from retrieval.search import Searcher, SearchResult

DEEP = 20
"""Hits that are looked at; a right answer further down counts as not found."""

_MOST_BYTES = 200_000_000
_EXPECTED = (
    "CSV with columns question and answer (id or text), or JSON lines {question, answer | answers, turns, language}"
)


@dataclass(frozen=True)
class Asked:
    """A question and what answers it.

    Attributes:
        question: As a customer writes it.
        right: Ids or texts of the right answers, at least one.
        turns: (role, text) before it, oldest first.
        language: Or None: detected.
        line: Where it stands in the file, from 1.
    """

    question: str
    right: tuple[str, ...]
    turns: tuple[tuple[Role, str], ...] = ()
    language: str | None = None
    line: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of one question.

    Attributes:
        asked: The question.
        rank: Of the first right answer, from 1; ``NOT_FOUND`` when it is not among the first ``DEEP``.
        ranks: Of all right answers that were found, ascending.
        count: How many right answers the index holds; 0: none, and the question counts as a miss.
        said: ``sure``, ``unsure`` or ``lost``.
        best: Text of the first hit, or empty.
        probability: Of the first hit, 0..1.
    """

    asked: Asked
    rank: int
    ranks: tuple[int, ...]
    count: int
    said: str
    best: str
    probability: float


@dataclass(frozen=True)
class Trial:
    """All questions, in the file's order, and the milliseconds of each step of each search."""

    outcomes: tuple[Outcome, ...]
    times: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """As a plain dict.

        R@1, R@5, R@10, MRR, MAP and NDCG@10 (0..1), each with its 95 % interval; how often each outcome was right;
        times in milliseconds.
        """
        ranks = np.array([outcome.rank for outcome in self.outcomes], dtype=np.int64)
        ones = [ranks[i : i + 1] for i in range(len(ranks))]
        each: dict[str, list[float]] = {f"r{k}": [recall_at(one, k) for one in ones] for k in (1, 5, 10)}
        each["mrr"] = [mrr(one) for one in ones]
        each["map"] = [average_precision(o.ranks, o.count) for o in self.outcomes]
        each["ndcg10"] = [ndcg_of(o.ranks, o.count, k=10) for o in self.outcomes]
        said = Counter((outcome.said, outcome.rank == 1) for outcome in self.outcomes)
        return {
            "n": len(self.outcomes),
            **{name: round(float(np.mean(values)), 4) for name, values in each.items()},
            "intervals": {name: [round(bound, 4) for bound in bootstrap(values)] for name, values in each.items()},
            "outcomes": {s: {"right": said[s, True], "wrong": said[s, False]} for s in ("sure", "unsure", "lost")},
            "not_in_index": sum(outcome.count == 0 for outcome in self.outcomes),
            "ms": {
                name: {"p50": round(float(np.median(row)), 2), "p95": round(float(np.quantile(row, 0.95)), 2)}
                for name, row in self.times.items()
            },
        }

    def worst(self, most: int) -> list[Outcome]:
        """The questions that went worst: sure and wrong first, then those whose answer came last."""
        wrong = [outcome for outcome in self.outcomes if outcome.rank != 1]
        order = {"sure": 0, "unsure": 1, "lost": 2}
        far = DEEP + 1
        return sorted(wrong, key=lambda o: (order[o.said], -(o.rank or far), -o.probability))[:most]


def read_asked(path: Path) -> list[Asked]:
    """Reads a file of questions.

    Args:
        path: ``.csv`` with columns ``question`` and ``answer`` (``language`` too, if there is one); else JSON lines
            with ``question``, ``answer`` or a list ``answers``, and if wanted ``turns`` ([[role, text], …]) and
            ``language``. A question on several lines of a CSV has several right answers.

    Raises:
        InputError: The file is missing, empty, too big, or a line is no question; the line is named.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(
                str(path),
                got=f"{path.stat().st_size / 1e6:.0f} MB",
                expected=f"at most {_MOST_BYTES / 1e6:.0f} MB",
                next_step="Take a sample of it.",
            )
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), got=str(error), expected=_EXPECTED, next_step="Name another file.") from error
    rows = _csv(path, text) if path.suffix.lower() == ".csv" else _json(path, text)
    read = list(_joined(rows))
    if not read:
        raise InputError(str(path), got="no question", expected=_EXPECTED, next_step="Add some.")
    return read


def _csv(path: Path, text: str) -> Iterator[Asked]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
        if not {"question", "answer"} <= names.keys():
            raise _refused(path, 1, f"the columns {', '.join(names) or 'none'}")
        for row in reader:
            cells = {key: (row.get(name) or "").strip() for key, name in names.items()}
            if not cells["question"] or not cells["answer"]:
                raise _refused(path, reader.line_num, "an empty question or answer")
            language = cells.get("language") or None
            yield Asked(cells["question"], (cells["answer"],), language=language, line=reader.line_num)
    except csv.Error as error:
        raise _refused(path, reader.reader.line_num, str(error)) from error  # its own is still that of the row before


def _json(path: Path, text: str) -> Iterator[Asked]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            right = row.get("answers", [row["answer"]] if "answer" in row else [])
            if not isinstance(right, list):
                raise TypeError("answers that are no list")
            turns = tuple((role, said) for role, said in row.get("turns", ()))
            asked = Asked(row["question"].strip(), tuple(right), turns, row.get("language"), number)
            told = [asked.question, *right, *(said for _, said in turns), asked.language or ""]
            if not all(isinstance(value, str) for value in told) or not asked.question or not right:
                raise ValueError("no question, no answer, or something that is no text")
            if any(role not in get_args(Role) for role, _ in turns):
                raise ValueError(f"a speaker that is none of {', '.join(get_args(Role))}")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _refused(path, number, str(error)) from error
        yield asked


def _refused(path: Path, line: int, got: str) -> InputError:
    return InputError(f"{path}, line {line}", got=got, expected=_EXPECTED, next_step="Mend the line.")


def _joined(rows: Iterator[Asked]) -> Iterator[Asked]:
    """One row for a question that stands there several times with different answers."""
    same: dict[tuple[object, ...], list[Asked]] = defaultdict(list)
    for row in rows:
        same[row.question, row.turns, row.language].append(row)
    for found in same.values():
        right = tuple(dict.fromkeys(answer for row in found for answer in row.right))
        yield Asked(found[0].question, right, found[0].turns, found[0].language, found[0].line)


def attempt(searcher: Searcher, rows: Sequence[Asked], *, progress: Callable[[int], None] | None = None) -> Trial:
    """Asks everything, one by one as customers do.

    Args:
        searcher: Over the index.
        rows: What is asked.
        progress: Told how many are done.
    """
    by_text = _ids_by_text(searcher)
    outcomes = []
    with timed(searcher) as watch:
        for number, asked in enumerate(rows, start=1):
            ask = partial(searcher.search, asked.question, turns=asked.turns, k=DEEP, language=asked.language)
            result = watch.search(ask)
            right = {i for value in asked.right for i in _ids_of(value, searcher, by_text)}
            outcomes.append(_outcome(asked, right, result))
            if progress:
                progress(number)
    return Trial(tuple(outcomes), watch.times)


def _ids_by_text(searcher: Searcher) -> dict[int, list[str]]:
    """Hash of a text to the ids of the answers that say it; hashes, for a million texts would be kept otherwise."""
    found: dict[int, list[str]] = defaultdict(list)
    for answer in searcher.index.answers:
        if answer.id in searcher.index.row_of:
            found[hash(_plain(answer.text))].append(answer.id)
    return found


def _ids_of(value: str, searcher: Searcher, by_text: Mapping[int, list[str]]) -> list[str]:
    if value in searcher.index.row_of:
        return [value]
    index, text = searcher.index, _plain(value)
    return [i for i in by_text.get(hash(text), ()) if _plain(index.answers[index.row_of[i]].text) == text]


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def _outcome(asked: Asked, right: set[str], result: SearchResult) -> Outcome:
    """Where the right answers came; an answer that says the same as a right one is right."""
    ranks = tuple(i for i, hit in enumerate(result.hits, start=1) if right & {hit.id, *hit.variants})
    missed = right.difference(*((hit.id, *hit.variants) for hit in result.hits))
    best = result.hits[0] if result.hits else None
    return Outcome(
        asked=asked,
        rank=ranks[0] if ranks else NOT_FOUND,
        ranks=ranks,
        count=min(len(ranks) + len(missed), DEEP),  # right answers that say the same are one hit
        said=result.outcome,
        best=best.answer.text if best else "",
        probability=best.probability if best else 0.0,
    )
