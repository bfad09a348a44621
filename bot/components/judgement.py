"""What a search result means for the dialogue: what ``action_answer`` reads, and whether it is understood at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from retrieval.follow_up import points_back

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
        With ``requests``, each with its best hits, where at least two are sure of different answers, or one is sure
        and another is not: that one is in ``open``, so that it is not passed over. The message counts as sure then.
        Otherwise as it was: the message is answered as one.
    """
    pairs = list(zip(asked, results, strict=True))
    sure = [pair for pair in pairs if pair[1].outcome == "sure"]
    told = {result.hits[0].id for _, result in sure}
    left = [pair for pair in pairs if pair[1].outcome != "sure" and not _is_answered(pair, told)]
    if not sure or (len(told) < 2 and not left):
        return careline
    found = careline | {"requests": [_row(*pair) for pair in sure], "outcome": "sure", "understood": True}
    return found | ({"open": [_row(*left[0])]} if left else {})


def _is_answered(pair: tuple[str, SearchResult], told: Collection[str]) -> bool:
    """Whether what is said already is the best that is known for a request, or the request says nothing by itself."""
    text, result = pair
    return points_back(text) or (bool(result.hits) and result.hits[0].id in told)


def _row(text: str, result: SearchResult) -> dict[str, Any]:
    """A request with its best hits; more of them where they will be offered."""
    most = 2 if result.outcome == "sure" else 4
    hits = [] if result.outcome == "lost" else result.hits[:most]
    return {"text": text[:200], "hits": [hit.to_json(explained=False) for hit in hits]}
