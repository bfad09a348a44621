"""Puts the agents' corrections into a dataset that is being made; see `data.corrections` and `data.learned`."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.artifacts import DatasetLayout
from data.corrections import Merged
from data.earlier import key_of, shard_name
from data.learned import Lessons, Moment, correct_answers, correct_examples, correct_intents, draw_lessons, find_moments
from data.records import read_rows, write_rows
from data.schema import Answer, Conversation, Example, IntentExample, Record, Split, Topic


def apply_corrections(
    layout: DatasetLayout, merged: Merged, splits: Mapping[str, Split], static: frozenset[str]
) -> dict[str, Any]:
    """Corrects the examples, labels and answers that were written.

    Only shards with a corrected conversation are read again. A corrected shard of examples gets a name of its own, so
    that a later build does not take it for what the log alone says.

    Args:
        layout: Of the draft, complete but for the report.
        merged: The corrections.
        splits: Conversation id to split.
        static: Intents of the domain.

    Returns:
        For the report: what was learned, what could not be, and where agents disagree.
    """
    wanted = {conversation for conversation, _ in merged.rulings}
    moments: dict[int, list[Moment]] = {}
    for number, shard in enumerate(sorted(layout.conversations.iterdir())):
        rows = (c for c in read_rows(shard, Conversation) if c.id in wanted)
        moments[number] = [moment for c in rows for moment in find_moments(c, merged, splits)]
    every = [moment for found in moments.values() for moment in found]
    lessons = draw_lessons(merged, every, read_rows(layout.answers, Answer), static)
    for number, path in enumerate(sorted(layout.examples.iterdir())):
        _correct_shard(path, number, _of(lessons, moments[number]))
    _rewrite(layout.answers, correct_answers(list(read_rows(layout.answers, Answer)), lessons))
    _rewrite(layout.intents, correct_intents(list(read_rows(layout.intents, IntentExample)), lessons))
    _rewrite(layout.topics, _with_new(list(read_rows(layout.topics, Topic)), lessons))
    return {
        "read": dict(merged.counts),
        "learned": dict(lessons.counts),
        "conflicts": [
            {"about": c.about, "conversation": c.kept.conversation, "seq": c.kept.seq,
             "kept": c.kept.agent, "against": c.against.agent}
            for c in merged.conflicts
        ],
        "disagreeing": [list(row) for row in lessons.disagreeing],
    }  # fmt: skip


def _of(lessons: Lessons, moments: Iterable[Moment]) -> Lessons:
    """The lessons for the conversations of one shard."""
    places = [(moment.key[0], moment.turn) for moment in moments]
    return replace(
        lessons,
        replies={place: lessons.replies[place] for place in places if place in lessons.replies},
        moments={place: lessons.moments[place] for place in places if place in lessons.moments},
    )


def _correct_shard(path: Path, number: int, lessons: Lessons) -> None:
    if not lessons.replies:
        return
    name = shard_name(number, key_of(path), sorted(lessons.replies.items()))
    rows = list(correct_examples(read_rows(path, Example), lessons))
    write_rows(path.with_name(f"{name}.jsonl"), rows)
    path.unlink()  # a link to an earlier dataset's file, perhaps: that one stays


def _with_new(topics: list[Topic], lessons: Lessons) -> list[Topic]:
    """The topics, and those that corrections brought."""
    known = {topic.id for topic in topics}
    taught: dict[str, list[IntentExample]] = defaultdict(list)
    for row in lessons.intents.values():
        if row.kind == "topic" and row.intent not in known:
            taught[row.intent].append(row)
    return topics + [
        Topic(name, name.replace("_", " "), (), len(rows), rows[0].language, labelled=True)
        for name, rows in sorted(taught.items())
    ]


def _rewrite(path: Path, rows: Iterable[Record]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    write_rows(temporary, rows)
    os.replace(temporary, path)
