"""Our own format: one `Conversation` a line, as `data.schema` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

from data.readers.source import Problems, Source
from data.schema import Conversation, Message, Role

_ROLES = frozenset(get_args(Role))
_EXPECTED = '{"id": "...", "messages": [{"role": "customer", "text": "..."}, ...]}'


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the conversations of a log in our own format."""
    for number, line in source.lines(problems):
        if not line.strip():
            continue
        try:
            yield parse(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problems.report(number, _describe(error), _EXPECTED)


def parse(row: dict[str, Any]) -> Conversation:
    """Reads one row; fields that we do not know are refused, so that a typing error does not pass unseen.

    Raises:
        ValueError: A role we do not know, no messages, or a text that is none.
    """
    conversation = Conversation.from_json(row)
    if not conversation.messages:
        raise ValueError("a conversation without messages")
    for message in conversation.messages:
        _check(message)
    return conversation if isinstance(conversation.id, str) else Conversation.from_json(row | {"id": str(row["id"])})


def _check(message: Message) -> None:
    if message.role not in _ROLES:
        raise ValueError(f"role {message.role!r}")
    if not isinstance(message.text, str):
        raise ValueError(f"text {message.text!r}")
    if message.time is not None and not isinstance(message.time, (int, float)):
        raise ValueError(f"time {message.time!r} (unix seconds are expected)")


def _describe(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"broken JSON at column {error.colno} ({error.msg})"
    if isinstance(error, KeyError):
        return f"no field {error.args[0]!r}"
    return str(error)
