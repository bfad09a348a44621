"""Our own format: one `Conversation` a line, as `data.schema` writes it and `careline export` exports it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from data.readers.checks import UnreadableError, checked, shown
from data.readers.jsonstream import conversations
from data.readers.source import Problems, Source
from data.schema import Conversation, Message

EXPECTED = '{"id": "...", "messages": [{"role": "customer", "text": "..."}, ...]}'
_FIELDS = frozenset(f.name for f in fields(Conversation))
_MESSAGE_FIELDS = frozenset(f.name for f in fields(Message))


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the conversations of a log in our own format."""
    return conversations(source, problems, parse, EXPECTED)


def parse(row: dict[str, Any]) -> Conversation:
    """Reads one row; fields that we do not know are refused, so that a typing error does not pass unseen.

    Raises:
        ValueError: A field or role we do not know, no messages, or a text that is none.
        KeyError: No id or no messages.
    """
    if not _FIELDS.issuperset(row):
        raise UnreadableError(f"an unknown field {shown(next(key for key in row if key not in _FIELDS))}")
    for message in row["messages"]:
        if not _MESSAGE_FIELDS.issuperset(message):
            unknown = next(key for key in message if key not in _MESSAGE_FIELDS)
            raise UnreadableError(f"an unknown field of a message {shown(unknown)}")
        if "role" not in message or "text" not in message:
            raise UnreadableError("a message without role or text")
    if not isinstance(row["id"], str):
        row = row | {"id": str(row["id"])}
    return checked(Conversation.from_json(row))
