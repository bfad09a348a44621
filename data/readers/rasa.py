"""Rasa: trackers and events as JSON, and the tracker store in SQL.

What the bot said becomes a ``system`` message of the author ``bot``: it is context, and must not be learned as if a
person had answered. The intent that a model predicted is no label and is left out. A started session after the
first begins a new conversation of the same sender.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from data.errors import InputError
from data.readers.checks import BROKEN_RECORD, UnreadableError, checked, describe, identity, seconds
from data.readers.gather import Gathering
from data.readers.jsonstream import records
from data.readers.source import Problems, Source
from data.schema import Conversation, Message

_EXPECTED = 'a tracker {"sender_id": "...", "events": [...]} or an event {"sender_id": "...", "event": "user", ...}'
_WANTED = ("user", "bot", "session_started")
_QUERY = """
SELECT sender_id, data, id FROM events WHERE type_name IN ('user', 'bot', 'session_started') ORDER BY sender_id, id
"""
_FETCH = 1000


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the conversations in which a customer wrote something."""
    if source.kind == "text":
        return _read_json(source, problems)
    return _read_sql(source, problems)


def _read_json(source: Source, problems: Problems) -> Iterator[Conversation]:
    with Gathering() as parts:
        for line, _, row in records(source, problems):
            try:
                if "events" in row:
                    yield from _split(identity(row["sender_id"]), row["events"] or [])
                else:  # an event
                    if row["event"] in _WANTED:
                        parts.add(identity(row["sender_id"]), _kept(row), time=seconds(row.get("timestamp")))
                    problems.good += 1
            except BROKEN_RECORD as error:
                problems.report(line, describe(error), _EXPECTED)
        for sender, events in parts.conversations():
            yield from _split(sender, events)


def _kept(event: dict[str, Any]) -> dict[str, Any]:
    return {key: event.get(key) for key in ("event", "text", "timestamp")}


def _split(sender: str, events: Iterable[dict[str, Any]]) -> list[Conversation]:
    """The conversations of one sender, one a session."""
    sessions: list[list[Message]] = [[]]
    for event in events:
        if event["event"] == "session_started" and sessions[-1]:
            sessions.append([])
        elif message := _message(event):
            sessions[-1].append(message)
    talks = [messages for messages in sessions if any(message.role == "customer" for message in messages)]
    return [
        checked(Conversation(sender if not number else f"{sender}#{number + 1}", tuple(messages)))
        for number, messages in enumerate(talks)
    ]


def _message(event: dict[str, Any]) -> Message | None:
    text, time = event.get("text"), seconds(event.get("timestamp"))
    if event["event"] not in ("user", "bot") or text is None or text == "":
        return None
    if not isinstance(text, str):
        raise UnreadableError("an event whose text is none")
    if event["event"] == "bot":
        return Message("system", text, time=time, author="bot")
    if text.startswith("/"):
        return None  # the inside of a button, such as /affirm{"order": 1}: nobody wrote it
    return Message("customer", text, time=time)


def _read_sql(source: Source, problems: Problems) -> Iterator[Conversation]:
    for sender, rows in groupby(_rows(source), key=itemgetter(0)):
        events = []
        for _, data, number in rows:
            try:
                event = json.loads(data)
                events.append(_kept(event) | {"event": event["event"]})
                problems.good += 1
            except BROKEN_RECORD as error:
                problems.report(int(number), describe(error), "the JSON of an event in the column data")
        try:
            yield from _split(identity(sender), events)
        except BROKEN_RECORD as error:
            problems.report(0, describe(error), _EXPECTED)


def _rows(source: Source) -> Iterator[tuple[Any, ...]]:
    """Streams the table ``events``; the database is opened for reading only where it can be (SQLite)."""
    import sqlalchemy  # type: ignore[import-untyped]

    with source.place.local() as file:
        url = source.url or f"sqlite:///file:{file}?mode=ro&uri=true"
        try:
            engine = sqlalchemy.create_engine(url)
            with engine.connect().execution_options(stream_results=True) as connection:
                result = connection.execute(sqlalchemy.text(_QUERY))
                while rows := result.fetchmany(_FETCH):
                    yield from (tuple(row) for row in rows)
        except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
            missing = isinstance(error, ImportError)
            raise InputError(
                str(source.path),
                got=f"{'no driver' if missing else 'an error'} of the database ({type(error).__name__})",
                expected="a Rasa tracker store with the table `events` (sender_id, type_name, data)",
                next_step="Install the driver of that database." if missing else "Check address, rights and table.",
            ) from error
