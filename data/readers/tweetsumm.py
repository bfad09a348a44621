"""TweetSumm: brand support on Twitter. Tweets that continue each other (1/2, 2/2) become one message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from data.readers.checks import UnreadableError, checked, identity
from data.readers.jsonstream import conversations
from data.readers.source import Problems, Source
from data.schema import Conversation, Message

EXPECTED = '{"id": "...", "turns": [{"role": "customer", "text": "..."}, ...]}'
_PART = re.compile(r"(?<!\S)\(?([1-9])\s?/\s?([2-9])\)?(?!\S|/)")
_LEADING = re.compile(r"^(?:@\w+\s+)+")


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the conversations; they have no times, so their order in the file stands for it."""
    return conversations(source, problems, parse, EXPECTED)


def parse(row: dict[str, Any]) -> Conversation:
    """Reads one row."""
    messages = [Message(turn["role"], turn["text"]) for turn in row["turns"] if turn["text"].strip()]
    if not messages:
        raise UnreadableError("a conversation without messages")
    name = f"tweets-{identity(row['id'])}"
    return checked(Conversation(id=name, messages=tuple(_join_parts(messages)), language="en"))


def _join_parts(messages: list[Message]) -> Iterator[Message]:
    """Joins neighbours of one speaker that are numbered parts of one message, in the order of their numbers."""
    run: list[tuple[int, Message]] = []
    for message in messages:
        part = _PART.search(message.text)
        if part is None or (run and run[-1][1].role != message.role):
            yield from _flush(run)
            run = []
        if part is None:
            yield message
        else:
            text = " ".join((message.text[: part.start()] + message.text[part.end() :]).split())
            run.append((int(part.group(1)), replace(message, text=text)))
    yield from _flush(run)


def _flush(run: list[tuple[int, Message]]) -> Iterator[Message]:
    if not run:
        return
    ordered = [message for _, message in sorted(run, key=lambda numbered: numbered[0])]
    texts = [ordered[0].text, *(_LEADING.sub("", message.text) for message in ordered[1:])]
    yield replace(ordered[0], text=" ".join(texts))
