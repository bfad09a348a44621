"""What a new dataset has that an older one lacks: counts, topics, answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data.artifacts import DatasetLayout
from data.dedupe import answer_key
from data.records import read_rows
from data.report import read_report
from data.schema import Answer, Topic

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 10
_COUNTS = (
    "conversations", "messages", "duplicates", "refused_lines", "examples", "answers", "reusable", "topics",
    "intent_examples", "redacted_values",
)  # fmt: skip


@dataclass(frozen=True)
class DatasetDiff:
    """How two datasets differ.

    Attributes:
        counts: Name to (old, new), of those that differ.
        new_topics: Topics whose id and title are both new, the largest first.
        gone_topics: Topics whose id and title are both gone.
        new_answers: The most frequent first.
        gone_answers: The most frequent first.
        reworded: (old, new) of answers with the same id and other words.
        released: Answers that could not be said again and now can.
        held_back: Answers that could be said again and now cannot.
    """

    counts: Mapping[str, tuple[int, int]]
    new_topics: Sequence[Topic]
    gone_topics: Sequence[Topic]
    new_answers: Sequence[Answer]
    gone_answers: Sequence[Answer]
    reworded: Sequence[tuple[Answer, Answer]]
    released: Sequence[Answer]
    held_back: Sequence[Answer]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; answers by id."""
        return {
            "counts": {name: list(pair) for name, pair in self.counts.items()},
            "new_topics": [topic.id for topic in self.new_topics],
            "gone_topics": [topic.id for topic in self.gone_topics],
            "new_answers": [answer.id for answer in self.new_answers],
            "gone_answers": [answer.id for answer in self.gone_answers],
            "reworded": [new.id for _, new in self.reworded],
            "released": [answer.id for answer in self.released],
            "held_back": [answer.id for answer in self.held_back],
        }


def compare_datasets(old: DatasetLayout, new: DatasetLayout) -> DatasetDiff:
    """Compares two complete datasets.

    An answer is the same if its id is, as the id follows the words (or the log's template). A topic is the same if its
    id or its title is, as discovered topics are named by their words, which may change order.

    Raises:
        InputError: A dataset that cannot be read.
    """
    before, after = read_report(old), read_report(new)
    topics, found = list(read_rows(old.topics, Topic)), list(read_rows(new.topics, Topic))
    answers = {answer.id: answer for answer in read_rows(old.answers, Answer)}
    now = {answer.id: answer for answer in read_rows(new.answers, Answer)}
    both = [(answers[name], now[name]) for name in now if name in answers]
    return DatasetDiff(
        counts={
            name: (before.get(name, 0), after.get(name, 0))
            for name in _COUNTS
            if before.get(name, 0) != after.get(name, 0)
        },
        new_topics=_missing(found, topics),
        gone_topics=_missing(topics, found),
        new_answers=_by_support(answer for name, answer in now.items() if name not in answers),
        gone_answers=_by_support(answer for name, answer in answers.items() if name not in now),
        reworded=[(a, b) for a, b in both if answer_key(a.text) != answer_key(b.text)],
        released=_by_support(b for a, b in both if b.reusable and not a.reusable),
        held_back=_by_support(b for a, b in both if a.reusable and not b.reusable),
    )


def _missing(topics: Sequence[Topic], among: Sequence[Topic]) -> list[Topic]:
    known = {name for topic in among for name in (topic.id, topic.title)}
    return sorted((t for t in topics if t.id not in known and t.title not in known), key=lambda t: -t.size)


def _by_support(answers: Iterable[Answer]) -> list[Answer]:
    return sorted(answers, key=lambda answer: (-answer.support, answer.id))


def print_diff(diff: DatasetDiff, console: Console) -> None:
    """Prints a comparison for people: counts, then the ten most frequent of each kind of change."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=True, box=None, pad_edge=False)
    for name in ("", "old", "new", "more"):
        table.add_column(name, justify="right" if name else "left")
    for name, (old, new) in diff.counts.items():
        table.add_row(name.replace("_", " "), f"{old:,}", f"{new:,}", f"{new - old:+,}")
    console.print(table if diff.counts else "The counts are the same.")
    for title, lines in _lists(diff):
        if lines:
            console.print(f"\n{title} ({len(lines):,})", style="bold")
            for line in lines[:SHOWN]:
                console.print(Text("  " + line))  # a text of the log, not markup


def _lists(diff: DatasetDiff) -> list[tuple[str, list[str]]]:
    return [
        ("new topics", [f"{t.title}: {t.size:,} conversations" for t in diff.new_topics]),
        ("topics no longer there", [f"{t.title}: {t.size:,} conversations" for t in diff.gone_topics]),
        ("new answers", [_line(answer) for answer in diff.new_answers]),
        ("answers no longer there", [_line(answer) for answer in diff.gone_answers]),
        ("reworded answers", [f"{a.text} → {b.text}" for a, b in diff.reworded]),
        ("can be said again now", [_line(answer) for answer in diff.released]),
        ("no longer said again", [f"{_line(a)} ({a.held_back})" if a.held_back else _line(a) for a in diff.held_back]),
    ]


def _line(answer: Answer) -> str:
    return f"{answer.support:,} × {' '.join(answer.text.split())[:160]}"
