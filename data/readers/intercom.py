"""Intercom: conversations as its API gives them, in lists, pages, arrays or one a line.

What its bot said becomes a ``system`` message: it is context, and no person's answer. Notes are left out: the
customer never saw them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.readers.checks import BROKEN_RECORD, UnreadableError, channel_word, checked, describe, identity, seconds
from data.readers.htmltext import html_to_text
from data.readers.jsonstream import records
from data.readers.ratings import read_rating
from data.readers.source import Problems, Source
from data.schema import Conversation, Message, Role

_LISTS = frozenset(("conversations", "data"))
_EXPECTED = '{"type": "conversation", "id": "...", "source": {...}, "conversation_parts": {...}}'
_ROLES: dict[str, Role] = {
    "user": "customer",
    "lead": "customer",
    "contact": "customer",
    "visitor": "customer",
    "admin": "agent",
    "teammate": "agent",
    "bot": "system",
    "operator": "system",
}
_ENDINGS = {"closed": "resolved"}


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the conversations in which somebody wrote something."""
    for line, _, row in records(source, problems, _LISTS):
        try:
            conversation = parse(row)
        except BROKEN_RECORD as error:
            problems.report(line, describe(error), _EXPECTED)
            continue
        if conversation is not None:
            yield conversation


def parse(row: dict[str, Any]) -> Conversation | None:
    """Reads one conversation; None when nobody wrote anything.

    Raises:
        UnreadableError: Not one, or without its parts, as lists of conversations give it.
    """
    opening = row.get("source") or row.get("conversation_message") or {}
    parts = row.get("conversation_parts")
    if not opening and parts is None:
        raise UnreadableError("a conversation without source and conversation_parts")
    listed = parts.get("conversation_parts", []) if isinstance(parts, dict) else parts or []
    said = [_message(opening, row.get("created_at")), *(_message(part, part.get("created_at")) for part in listed)]
    messages = tuple(message for message in said if message is not None)
    if not messages:
        return None
    tags = [tag["name"] for tag in (row.get("tags") or {}).get("tags") or [] if tag.get("name")]
    state = row.get("state") or ("open" if row.get("open") else None)
    return checked(
        Conversation(
            id=f"intercom-{identity(row['id'])}",
            messages=messages,
            topic=tags[0] if len(tags) == 1 else None,  # of several tags none is the topic
            ending=_ENDINGS.get(state) if isinstance(state, str) else None,
            channel=channel_word(row.get("source")),
            satisfaction=read_rating((row.get("conversation_rating") or {}).get("rating")),
        )
    )


def _message(part: dict[str, Any], time: object) -> Message | None:
    body, author = part.get("body"), part.get("author") or {}
    if not body or part.get("redacted") or str(part.get("part_type", "")).startswith("note"):
        return None
    role = _ROLES.get(author.get("type", ""))
    if role is None:
        raise UnreadableError("an author of unknown type")
    name = "bot" if role == "system" else author.get("name") or author.get("email")
    text = html_to_text(body)
    return Message(role, text, time=seconds(time), author=name) if text else None
