"""Chatwoot: conversations, or the messages of conversations, as its API gives them.

``/conversations`` lists each conversation with its latest message only; ``/conversations/ID/messages`` has all of one.
Messages are gathered by conversation, so pages of both may stand in one file, in any order. Private notes and
activities are left out: the customer never saw them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.readers.checks import BROKEN_RECORD, UnreadableError, channel_word, checked, describe, identity, seconds
from data.readers.gather import Gathering
from data.readers.htmltext import html_to_text
from data.readers.jsonstream import records
from data.readers.ratings import read_rating
from data.readers.source import Problems, Source
from data.readers.times import read_iso
from data.schema import Conversation, Message

_LISTS = frozenset(("payload",))
_EXPECTED = 'a conversation {"id": ..., "messages": [...]} or a message {"conversation_id": ..., "message_type": ...}'
_TYPES = {0: "incoming", 1: "outgoing", 2: "activity", 3: "template"}
_ENDINGS = {"resolved": "resolved"}
_FACTS = "facts"
_RATING = "rating"


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the conversations in which somebody wrote something."""
    with Gathering() as parts:
        for line, _, row in records(source, problems, _LISTS):
            try:
                _take(row, parts)
                problems.good += 1
            except BROKEN_RECORD as error:
                problems.report(line, describe(error), _EXPECTED)
        for name, found in parts.conversations():
            if conversation := _conversation(name, found):
                yield conversation


def _take(row: dict[str, Any], parts: Gathering) -> None:
    if "message_type" in row:
        _add(identity(row["conversation_id"]), row, parts)
    elif isinstance(row.get("messages"), list):
        name = identity(row["id"])
        channel = channel_word(row.get("meta")) or channel_word(row.get("channel"))
        facts = {_FACTS: [row.get("status"), row.get("labels"), channel]}
        for message in row["messages"]:
            _add(name, message, parts)
        parts.add(name, facts, id=_FACTS, time=0.0)
    else:
        raise UnreadableError("neither a message nor a conversation with messages")


def _add(conversation: str, row: dict[str, Any], parts: Gathering) -> None:
    message, rating = _message(row), _rating(row)
    number = identity(row["id"]) if "id" in row else None
    if rating is not None:
        parts.add(conversation, {_RATING: rating}, id=f"{_RATING}-{number}", time=0.0)
    if message is not None:
        parts.add(conversation, message.to_json(), id=number, time=message.time)


def _rating(row: dict[str, Any]) -> float | None:
    """What the customer answered to a survey that this message is."""
    values = (row.get("content_attributes") or {}).get("submitted_values")
    response = values.get("csat_survey_response") if isinstance(values, dict) else None
    return read_rating(response.get("rating")) if isinstance(response, dict) else None


def _message(row: dict[str, Any]) -> Message | None:
    """What was said, or None for what the customer never saw."""
    kind = _TYPES.get(row["message_type"], row["message_type"])
    text, attributes = row.get("content"), row.get("content_attributes") or {}
    if kind == "activity" or row.get("private") or not text or attributes.get("deleted"):
        return None
    if kind not in _TYPES.values():
        raise UnreadableError("a message_type that is not known")
    sender = row.get("sender") or {}
    name, by_bot = sender.get("name"), "bot" in str(sender.get("type", "")).lower()
    time = seconds(row.get("created_at")) or read_iso(str(row.get("created_at")))
    plain = html_to_text(text)
    if not plain:
        return None
    if kind == "incoming":
        return _whole(Message("customer", plain, time=time, author=name))
    if kind == "template" or by_bot:
        return _whole(Message("system", plain, time=time, author="bot"))
    return _whole(Message("agent", plain, time=time, author=name))


def _whole(message: Message) -> Message:
    return checked(Conversation("-", (message,))).messages[0]


def _conversation(name: str, found: list[dict[str, Any]]) -> Conversation | None:
    status, labels, channel = next((part[_FACTS] for part in found if _FACTS in part), (None, None, None))
    rating = next((part[_RATING] for part in found if _RATING in part), None)
    messages = tuple(Message.from_json(part) for part in found if "text" in part)
    if not messages:
        return None
    tags = [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []
    ending = _ENDINGS.get(status) if isinstance(status, str) else None
    topic = tags[0] if len(tags) == 1 else None  # of several labels none is the topic
    return checked(
        Conversation(f"chatwoot-{name}", messages, topic=topic, ending=ending, channel=channel, satisfaction=rating)
    )
