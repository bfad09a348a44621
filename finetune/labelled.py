"""Labelled messages that a model is measured on: a dataset's held-out rows, a table, or any log that has labels."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from data.artifacts import DatasetLayout
from data.dedupe import answer_key
from data.errors import InputError
from data.label import opening, slug, tag_of
from data.records import read_rows
from data.schema import Conversation, IntentExample, Message, Topic
from retrieval.index import OUT_OF_SCOPE
from retrieval.lexical import language_of

if TYPE_CHECKING:
    from finetune.examples import TrainingData

TABLES = (".csv", ".tsv")
NO_INTENT = frozenset(("", "oos", "ood", "none", "out of scope", "out-of-scope", OUT_OF_SCOPE))
"""What stands in the place of an intent when a message is out of scope, in lower case."""

_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Labelled:
    """A customer's message and what it is about.

    Attributes:
        text: As the model reads it.
        intent: What is right; None for a message that is out of scope.
        language: ``en`` or ``zh`` (or another code).
        channel: Where it was written, or None.
        time: Unix seconds, or None.
        shown: The text without personal data, as reports show it.
    """

    text: str
    intent: str | None
    language: str
    channel: str | None = None
    time: float | None = None
    shown: str = ""


def held_out(data: TrainingData, dataset: DatasetLayout | None = None) -> list[Labelled]:
    """The test split's labelled messages; the validation split's where there is no test split.

    Args:
        data: A dataset; its texts are redacted already.
        dataset: Where it lies: tells the channel and the time of messages that opened a conversation.
    """
    rows = data.intents_of("test") or data.intents_of("valid")
    labelled = [_of_example(row) for row in rows]
    if dataset is None or not dataset.conversations.exists():
        return labelled
    wanted = {answer_key(row.text) for row in labelled}
    known: dict[str, Conversation] = {}
    for conversation in read_rows(dataset.conversations, Conversation):
        if (key := answer_key(opening(conversation) or "")) in wanted:
            known[key] = conversation
    return [_placed(row, known.get(answer_key(row.text))) for row in labelled]


def _of_example(row: IntentExample) -> Labelled:
    return Labelled(row.text, _intent(row.intent), row.language, shown=row.text)


def _placed(row: Labelled, conversation: Conversation | None) -> Labelled:
    if conversation is None:
        return row
    return replace(row, channel=conversation.channel, time=conversation.started)


def _intent(value: str) -> str | None:
    return None if value.strip().lower() in NO_INTENT else value.strip()


def read_labelled(path: Path) -> list[Labelled]:
    """Reads labelled messages that a model has never seen.

    Args:
        path: A table (``.csv``, ``.tsv``) with the columns ``text`` and ``intent`` and, if there, ``language``,
            ``channel`` and ``time``, where an empty intent or ``oos`` means out of scope; or any log that
            ``careline learn`` reads, whose messages or conversations have labels.

    Raises:
        InputError: No such file, no such columns, or no labelled message in it.
    """
    if not path.is_file():
        raise InputError(str(path), got="no such file", expected="labelled messages", next_step="Name a table or log.")
    rows = _of_table(path) if path.suffix.lower() in TABLES else _of_log(path)
    if not rows:
        raise InputError(
            str(path), got="no labelled message", expected="messages with intents or conversations with topics",
            next_step="Write a table with the columns text and intent.",
        )  # fmt: skip
    return _redacted(rows)


def named(rows: Sequence[Labelled], names: Mapping[str, str]) -> list[Labelled]:
    """The rows under the model's own names of their intents, by ``intent_names``; others stay as they are."""
    return [replace(row, intent=names.get(_plain(row.intent), row.intent)) if row.intent else row for row in rows]


def intent_names(labels: Iterable[str], topics: Sequence[Topic] = ()) -> dict[str, str]:
    """What people may call an intent (its name, its topic's title, in any case), to its name in the model."""
    names = {_plain(topic.title): topic.id for topic in topics}
    return names | {_plain(label): label for label in labels}


def _plain(name: str) -> str:
    return slug(name) or name.strip().lower()


def _of_table(path: Path) -> list[Labelled]:
    from data.readers.encoding import detect_encoding

    content = path.read_bytes()
    encoding = detect_encoding(path, content[:_SAMPLE], whole=len(content) <= _SAMPLE)
    try:
        lines = content.decode(encoding).splitlines(keepends=True)
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        return list(_rows(path, csv.reader(lines, delimiter=separator)))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(str(path), got=str(error), expected="a table in UTF-8", next_step="Mend the file.") from error


def _rows(path: Path, lines: Iterator[list[str]]) -> Iterator[Labelled]:
    from data.readers.columns import find_columns

    header = next(lines, [])
    columns = find_columns(path, header, None)
    label = next((name for name in ("intent", "topic", "label") if name in columns), None)
    if label is None or "text" not in columns:
        raise InputError(
            str(path), got=f"the columns {', '.join(header)[:80]}", expected="the columns text and intent",
            next_step="Name them so.",
        )  # fmt: skip
    channel = next((i for i, name in enumerate(header) if name.strip().lower() == "channel"), -1)
    for line in lines:
        value = {name: line[at].strip() if at < len(line) else "" for name, at in columns.items()}
        if not value["text"] and not value[label]:
            continue
        language = value.get("language") or language_of(value["text"])
        where = line[channel].strip() if 0 <= channel < len(line) else ""
        moment = _moment(value.get("time", ""))
        yield Labelled(value["text"], _intent(value[label]), language, channel=where or None, time=moment)


def _moment(value: str) -> float | None:
    """Unix seconds or ISO 8601; None for anything else, as it only sorts rows into slices."""
    from datetime import datetime, timezone

    try:
        return float(value)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()


def _of_log(path: Path) -> list[Labelled]:
    """Messages with intents; of a conversation that only has a topic, what it was opened with."""
    from data.intake import stream_logs

    found = []
    for conversation in stream_logs([path]):
        language = conversation.language or "en"
        said = [m for m in conversation.messages if m.role == "customer" and m.intent]
        pairs = [(message.text, str(message.intent), message.time) for message in said]
        if not pairs and (tag := tag_of(conversation)) and (text := opening(conversation)):
            pairs = [(text, tag, conversation.started)]
        for text, intent, time in pairs:
            found.append(Labelled(text, _intent(intent), language, channel=conversation.channel, time=time))
    return found


def _redacted(rows: Sequence[Labelled]) -> list[Labelled]:
    """The rows with what reports may show of them: the same text with placeholders for personal data."""
    from data.redact import Redactor

    spoken = [
        Conversation(f"row-{i}", (Message("customer", row.text),), language=row.language)
        for i, row in enumerate(rows)
    ]  # fmt: skip
    redactor = Redactor.of(spoken)
    return [
        replace(row, shown=redactor.redact(one).messages[0].text) for row, one in zip(rows, spoken, strict=True)
    ]  # fmt: skip
