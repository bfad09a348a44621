"""Zendesk: the incremental export of tickets with their comments, and that of ticket events.

Three forms, each as pages, arrays or one a line: tickets with ``comments`` (as most export scripts and Zendesk's own
full export write them), events (``/incremental/ticket_events`` with ``include=comment_events``), and bare tickets,
whose description is the customer's first message. Users that stand beside them tell who is an agent; without them
whoever is not the requester is. Private comments are left out: the customer never saw them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.readers.checks import (
    BROKEN_RECORD,
    UnreadableError,
    channel_word,
    checked,
    describe,
    identity,
    seconds,
    writable,
)
from data.readers.gather import Gathering
from data.readers.htmltext import html_to_text
from data.readers.jsonstream import records
from data.readers.ratings import read_rating
from data.readers.source import Problems, Source
from data.readers.times import read_iso
from data.schema import Conversation, Message, Role

_LISTS = frozenset(("tickets", "ticket_events", "users"))
_EXPECTED = 'a ticket {"id": ..., "requester_id": ..., "comments": [...]} or an event with child_events'
_ENDINGS = {"solved": "resolved", "closed": "resolved"}
_TICKET = "ticket"
_STAFF = frozenset(("agent", "admin"))


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the tickets in which somebody wrote something that the customer could see."""
    with Gathering() as parts:
        for line, name, row in records(source, problems, _LISTS):
            try:
                _take(row, name, parts)
                problems.good += name != "users"
            except BROKEN_RECORD as error:
                problems.report(line, describe(error), _EXPECTED)
        for name, found in parts.conversations():
            if conversation := _conversation(name, found, parts):
                yield conversation


def _take(row: dict[str, Any], name: str, parts: Gathering) -> None:
    if name == "users":
        parts.know(identity(row["id"]), writable(str(row.get("role"))))
    elif "child_events" in row:
        _take_event(row, parts)
    elif "comments" in row or "description" in row or "requester_id" in row:
        _take_ticket(row, parts)
    else:
        raise UnreadableError("neither a ticket nor an event")


def _take_ticket(row: dict[str, Any], parts: Gathering) -> None:
    ticket, requester = identity(row["id"]), _person(row, "requester", parts)
    comments = row.get("comments")
    if not comments and row.get("description"):
        comments = [{"author_id": requester, "body": row["description"], "created_at": row.get("created_at")}]
    said = [part for comment in comments or [] if (part := _comment(comment, parts))]
    tags = row.get("tags")
    facts = {_TICKET: requester, "status": row.get("status"), "tags": tags if isinstance(tags, list) else []}
    facts["channel"] = channel_word(row.get("via"))
    rating = row.get("satisfaction_rating")
    facts["rating"] = read_rating(rating.get("score") if isinstance(rating, dict) else rating)
    for part in said:
        parts.add(ticket, part, id=part["id"], time=part["time"])
    parts.add(ticket, facts, id=_TICKET, time=0.0)


def _take_event(row: dict[str, Any], parts: Gathering) -> None:
    ticket = identity(row["ticket_id"])
    for event in row["child_events"]:
        kind = event.get("event_type") or event.get("type")
        if kind == "Create" and event.get("requester_id") is not None:
            parts.add(ticket, {_TICKET: identity(event["requester_id"])}, id=_TICKET, time=0.0)
        elif kind == "Comment":
            event = {"created_at": row.get("timestamp") or row.get("created_at"), **event}
            event.setdefault("author_id", row.get("updater_id"))
            if part := _comment(event, parts):
                parts.add(ticket, part, id=part["id"], time=part["time"])
        elif isinstance(event.get("status"), str):
            parts.add(ticket, {"status": event["status"]}, id=f"status-{identity(row['id'])}", time=_time(row))


def _person(row: dict[str, Any], field: str, parts: Gathering) -> str | None:
    """Id of the person in ``FIELD_id``, or of the one who is described in ``FIELD``."""
    described = row.get(field)
    if isinstance(described, dict) and "id" in described:
        if described.get("role"):
            parts.know(identity(described["id"]), writable(str(described["role"])))
        return identity(described["id"])
    number = row.get(f"{field}_id")
    return None if number is None else identity(number)


def _comment(row: dict[str, Any], parts: Gathering) -> dict[str, Any] | None:
    """What is kept of a comment, or None for one that the customer never saw."""
    if row.get("public") is False or row.get("type", "Comment") not in ("Comment", "VoiceComment", None):
        return None
    text = row.get("plain_body") or row.get("body") or row.get("html_body")
    if not isinstance(text, str) or not (plain := html_to_text(text)):
        return None
    author = _person(row, "author", parts)
    described = row.get("author")
    name = described.get("name") if isinstance(described, dict) else None
    number = None if row.get("id") is None else identity(row["id"])
    shown = name if isinstance(name, str) else author
    return {"id": number, "time": _time(row), "text": plain, "author": author, "name": shown}


def _time(row: dict[str, Any]) -> float | None:
    value = row.get("created_at", row.get("timestamp"))
    return read_iso(value) if isinstance(value, str) else seconds(value)


def _conversation(name: str, found: list[dict[str, Any]], parts: Gathering) -> Conversation | None:
    facts = [part for part in found if "text" not in part]
    said = [part for part in found if "text" in part]
    if not said:
        return None
    requester = next((part[_TICKET] for part in facts if part.get(_TICKET)), None) or said[0]["author"]
    messages = tuple(
        Message(_role(part["author"], requester, parts), part["text"], time=part["time"], author=part["name"])
        for part in said
    )
    status = [part["status"] for part in facts if isinstance(part.get("status"), str)]
    tags = [tag for part in facts for tag in part.get("tags", []) if isinstance(tag, str)]
    ending = "escalated" if "escalated" in tags else _ENDINGS.get(status[-1]) if status else None
    topic = tags[0] if len(tags) == 1 else None  # of several tags none is the topic
    channel = next((part["channel"] for part in facts if part.get("channel")), None)
    rating = next((part["rating"] for part in facts if part.get("rating") is not None), None)
    return checked(
        Conversation(f"zendesk-{name}", messages, topic=topic, ending=ending, channel=channel, satisfaction=rating)
    )


def _role(author: str | None, requester: str | None, parts: Gathering) -> Role:
    if author is None or author == requester:
        return "customer"
    known = parts.role_of(author)
    if known is None:
        return "system" if author == "-1" else "agent"  # -1 is Zendesk itself
    return "agent" if known in _STAFF else "customer"
