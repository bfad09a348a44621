"""What a search result means for the dialogue: the object that ``action_answer`` reads, with one of three outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.search import SearchResult, Thresholds

ANSWERED = ("ask", "account")
"""Intents that are answered from what agents said; the others have flows of their own."""

LEAST_CONFIDENCE = 0.4
"""A static intent below this is no more than a guess: the message is then asked as a question. It is low because the
head is calibrated over static intents and topics together, so that a right intent shares its mass with the topics
that agents discussed in the same words."""


def judge(result: SearchResult, thresholds: Thresholds) -> dict[str, Any]:
    """The message's ``careline`` object (docs/explain/decisions.md).

    A question is as certain as its best answer; a static intent needs no answer, but must be known at all.

    Args:
        result: Of the message.
        thresholds: Of the model that made it.
    """
    careline = result.to_json()
    if careline["intent"] in ANSWERED:
        return careline
    if careline["confidence"] < LEAST_CONFIDENCE and careline["outcome"] != "lost":
        return careline | {"intent": "ask"}
    known = careline["known"] >= thresholds.known and careline["confidence"] >= LEAST_CONFIDENCE
    return careline | {"outcome": "sure" if known else "lost"}
