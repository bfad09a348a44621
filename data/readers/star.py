"""STAR (Rasa Technologies, 2020): task conversations whose agents mostly sent templates.

A template's name becomes the message's ``label``; a service's result becomes a ``system`` message. The agents' list of
suggested templates (``options``) is left out: the agent took the first one 86 times in 100, so it would give the answer
away. Queries to services are left out too: they say what the agent is about to do and no customer could see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.readers.checks import checked, identity
from data.readers.jsonstream import conversations
from data.readers.source import Problems, Source
from data.schema import Conversation, Message

EXPECTED = '{"id": ..., "turns": [{"role": "customer", "text": "...", "t": ...}, ...], "completion": "Complete"}'


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the conversations that hold at least one message."""
    return conversations(source, problems, parse, EXPECTED)


def parse(row: dict[str, Any]) -> Conversation | None:
    """Reads one row; None for a conversation in which nobody said anything."""
    messages = tuple(m for turn in row["turns"] if (m := _message(turn)) is not None)
    if not any(m.role != "system" for m in messages):
        return None
    tasks = row.get("tasks") or []
    return checked(
        Conversation(
            id=f"star-{identity(row['id'])}",
            messages=messages,
            language="en",
            topic=tasks[0] if len(tasks) == 1 else None,  # several tasks were mixed: no one topic
            complete=row.get("completion") == "Complete",
        )
    )


def _message(turn: dict[str, Any]) -> Message | None:
    role = turn["role"]
    if role == "api_result":
        return Message("system", render_result(turn.get("api", ""), turn.get("item")))
    if role in ("customer", "agent") and turn.get("text"):
        return Message(role, turn["text"], time=turn.get("t"), label=turn.get("label"))
    return None


def render_result(api: str, item: dict[str, Any] | None) -> str:
    """Writes a service's result in a few words: ``key=value; ...``, or that nothing was found."""
    if not item:
        return f"{api}: nothing found"
    return "; ".join(f"{key}={value}" for key, value in item.items() if key not in ("APIName", "id"))
