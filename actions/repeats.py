"""Whether a customer asks the same once more, or something near it that happens to have the same answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from rasa_sdk import Tracker

from retrieval.requests import pieces_of
from retrieval.sentences import content_of

SAME_WORDS = 0.6
"""Share of the content words of two questions that makes them the same one."""

TIMES = 2
"""After so many questions with this answer, the next one says that it did not settle the matter."""


def asks_again(tracker: Tracker, answers: Collection[str]) -> bool:
    """Whether the latest question was asked before.

    A follow-up in other words gets its answer as any question does; "as said before" would be rude so early.

    Args:
        tracker: The conversation; its last event of a customer is the question.
        answers: Ids of what answers it.
    """
    questions = list(_questions(tracker))
    now, before = questions[-1:], [text for text, best in questions[:-1] if best in answers]
    return len(before) >= TIMES or any(_same(text, now[0][0]) for text in before)


def asked_in_these_words(text: str, questions: Iterable[str]) -> bool:
    """Whether a logged question, or a sentence of one, has the words of this one and at most one more ("Hi, ...").

    What an agent answered to it answers this, too. One word says too little to tell.
    """
    words = set(content_of(text))
    pieces = (set(content_of(piece)) for question in questions for piece in pieces_of(question))
    return len(words) >= 2 and any(words <= piece and len(piece) <= len(words) + 1 for piece in pieces)


def _questions(tracker: Tracker) -> Iterator[tuple[str, str | None]]:
    """(text, id of the best hit) of each message, oldest first."""
    for event in tracker.events:
        if event.get("event") == "user":
            careline: Mapping[str, Any] = (event.get("parse_data") or {}).get("careline") or {}
            hits = careline.get("hits") or ()
            yield str(event.get("text") or ""), hits[0]["id"] if hits and careline.get("outcome") == "sure" else None


def _same(one: str, other: str) -> bool:
    words, others = set(content_of(one)), set(content_of(other))
    if not words or not others:
        return one.strip().casefold() == other.strip().casefold()
    return len(words & others) >= SAME_WORDS * len(words | others)
