"""What a search result means for the dialogue: what ``action_answer`` reads, and whether it is understood at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.sensitive import sensitive_topic
from bot.tone import tone_of
from bot.wordless import intent_of_signs, is_wordless

if TYPE_CHECKING:
    from retrieval.search import SearchResult, Thresholds

ANSWERED = ("ask", "account")
"""Intents that are answered from what agents said; the others have flows of their own."""

LEAST_CONFIDENCE = 0.4
"""A static intent below this is no more than a guess: the message is then asked as a question. It is low because the
head is calibrated over static intents and topics together, so that a right intent shares its mass with the topics
that agents discussed in the same words."""

FOREIGN_CONFIDENCE = 0.6
"""``out_of_scope`` below this is rather gibberish, which fits no intent: asking for other words is the better reply."""


def judge(result: SearchResult, thresholds: Thresholds, *, static: Collection[str] = ()) -> dict[str, Any]:
    """The message's ``careline`` object (docs/explain/decisions.md) with ``understood``: False means to abstain.

    A question is understood when it has an answer worth offering; a static intent needs none, but must be confident
    and in scope. ``outcome`` speaks of the answers in either case.

    Args:
        result: Of the message.
        thresholds: Of the model that made it.
        static: Intents of the domain. A help desk's own tag may have the name of one (``order_status``); it then
            means the same and leads to the same flow.
    """
    careline = result.to_json() | {"least": thresholds.sure}
    if careline["topic"] in static:
        careline |= {"intent": careline["topic"], "topic": None}
    answered = careline["intent"] in ANSWERED
    if not answered and careline["confidence"] < LEAST_CONFIDENCE:
        careline["intent"], answered = "ask", True
    if answered:
        return careline | {"understood": careline["outcome"] != "lost"}
    if careline["intent"] == "out_of_scope":  # by its nature unlike what was ever asked here
        return careline | {"understood": careline["confidence"] >= FOREIGN_CONFIDENCE}
    return careline | {"understood": careline["known"] >= thresholds.known}


def combined(careline: dict[str, Any], asked: Sequence[str], results: Sequence[SearchResult]) -> dict[str, Any]:
    """The ``careline`` object of a message with several requests.

    Args:
        careline: Of the message as a whole.
        asked: The requests.
        results: Of each.

    Returns:
        With ``requests``, each with its best hits, where at least two are sure of different answers; the message
        counts as sure then. Otherwise as it was: the message is answered as one.
    """
    sure = [(text, result) for text, result in zip(asked, results, strict=True) if result.outcome == "sure"]
    if len({result.hits[0].id for _, result in sure}) < 2:
        return careline
    rows = [
        {"text": text[:200], "hits": [hit.to_json(explained=False) for hit in result.hits[:2]]} for text, result in sure
    ]
    return careline | {"requests": rows, "outcome": "sure", "understood": True}


def heard(text: str, careline: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a message says beside its question: its tone, a matter that is a person's, or signs without words.

    Args:
        text: What the customer wrote.
        careline: Of the message.
        before: ``mood`` of the customer's message before, or None.

    Returns:
        What changes in the ``careline`` object: ``tone`` (``bot.tone``) always; ``sensitive`` with its topic, as if a
        person had been asked for; the intent of a message of signs alone, or ``wordless`` where they say nothing.
    """
    found: dict[str, Any] = {"tone": tone_of(text, careline.get("mood"), before=before).to_json()}
    certain = {"confidence": 1.0, "understood": True}
    if is_wordless(text):
        intent = intent_of_signs(text)
        return found | ({"intent": intent, **certain} if intent else {"wordless": True, "understood": False})
    if (topic := sensitive_topic(text)) is not None:
        return found | {"intent": "ask_person", "sensitive": topic, **certain}
    return found
