"""The report of a dataset: counts for a machine, a table for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from data.artifacts import DatasetLayout
from data.label import Topics
from data.records import read_rows
from data.schema import Answer, IntentExample
from data.split import Division

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

_SPLIT_WORDS: dict[str, str] = {
    "time": "oldest 80 % train, next 10 % valid, newest 10 % test",
    "order": "by order in the log, as it has no times: first 80 % train, next 10 % valid, last 10 % test",
    "group": "by group, as most customers come back or texts repeat: latest 20 % of customers and copies held out",
    "question": "by question, as the log is a list of questions and answers: 80 / 10 / 10 % at random",
}


def describe(
    layout: DatasetLayout,
    conversations: pa.Table,
    *,
    refused: Mapping[str, int],
    duplicates: int,
    redacted: Mapping[tuple[str, str], int],
    division: Division,
    examples: Mapping[str, int],
    found: Topics,
    counted: tuple[Mapping[str, int], Sequence[IntentExample]] | None = None,
) -> dict[str, Any]:
    """Counts what the stages did.

    Args:
        layout: Holds what they wrote.
        conversations: The columns of all conversations (`data.parts`).
        refused: Broken lines of each log.
        duplicates: Conversations that said the same as an earlier one at the same time.
        redacted: Values that were replaced, by kind and language.
        division: How the log was split.
        examples: How many by split.
        found: The topics.
        counted: How many answers are held back for which reason, ``reusable`` for the others, and the intents'
            examples, as they were written; None reads the layout's files, which corrections have changed.
    """
    held_back, intents = counted or _counted(layout)
    why = Counter(held_back)
    complete = conversations["complete"].to_pylist()
    return {
        "conversations": len(conversations),
        "messages": sum(conversations["messages"].to_pylist()),
        "incomplete": len(complete) - sum(complete),
        "duplicates": duplicates,
        "refused_lines": sum(refused.values()),
        "refused": dict(refused),
        "languages": dict(Counter(conversations["language"].to_pylist()).most_common()),
        "period": _period([t for t in conversations["started"].to_pylist() if t is not None]),
        "split": {
            "by": division.by,
            "conversations": dict(Counter(division.splits.values())),
            "examples": dict(examples),
            "dropped": dict(division.dropped),
        },
        "examples": sum(examples.values()),
        "answers": sum(why.values()),
        "reusable": why["reusable"],
        "held_back": {reason: count for reason, count in why.most_common() if reason != "reusable"},
        "intents": len({row.intent for row in intents if row.kind == "static"}),
        "intent_examples": len(intents),
        "topics": len(found.topics),
        "topic_counts": dict(found.counts),
        "redacted": _by_kind(redacted),
        "redacted_by_language": {
            language: _by_kind({key: n for key, n in redacted.items() if key[1] == language})
            for language in sorted({language for _, language in redacted})
        },
        "redacted_values": sum(redacted.values()),
    }


def _counted(layout: DatasetLayout) -> tuple[Counter[str], list[IntentExample]]:
    why = Counter(answer.held_back or "reusable" for answer in read_rows(layout.answers, Answer))
    return why, list(read_rows(layout.intents, IntentExample))


def _by_kind(redacted: Mapping[tuple[str, str], int]) -> dict[str, int]:
    kinds: Counter[str] = Counter()
    for (kind, _), count in redacted.items():
        kinds[kind] += count
    return dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0])))


def _period(times: Sequence[float]) -> list[str]:
    if not times:
        return []
    return [datetime.fromtimestamp(t, tz=timezone.utc).date().isoformat() for t in (min(times), max(times))]


def read_report(layout: DatasetLayout) -> dict[str, Any]:
    """The report that was written with a dataset."""
    report: dict[str, Any] = json.loads(layout.report.read_text(encoding="utf-8"))
    return report


def print_report(report: Mapping[str, Any], console: Console) -> None:
    """Prints a report as a table for people."""
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, text in _lines(report):
        table.add_row(name, text)
    console.print(table)


def _lines(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    split = report["split"]
    parts = ", ".join(f"{name} {split['examples'].get(name, 0):,}" for name in ("train", "valid", "test"))
    period = f" ({' to '.join(report['period'])})" if report["period"] else ""
    return [
        ("conversations", f"{report['conversations']:,}{period}, {report['incomplete']:,} broken off"),
        ("messages", f"{report['messages']:,}"),
        ("languages", _counts(report["languages"])),
        ("skipped", f"{report['refused_lines']:,} broken lines, {report['duplicates']:,} duplicates"),
        ("redacted", _counts(report["redacted"]) or "nothing"),
        ("examples", f"{report['examples']:,}: {parts}; {_SPLIT_WORDS[split['by']]}"),
        ("answers", f"{report['answers']:,}, {report['reusable']:,} can be said again"),
        ("held back", _counts(report["held_back"]) or "none"),
        ("topics", f"{report['topics']:,}; {_counts(report['topic_counts'])}"),
        (
            "intent examples",
            f"{report['intent_examples']:,}, of {report['intents']:,} intents of the domain and topics",
        ),
    ]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
