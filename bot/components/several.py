"""A message that says more than one thing: a request or a detail with a question beside it, or two questions.

Reads texts and search results only; the component hands in how to search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from bot.components.judgement import ANSWERED, combined, judge
from retrieval.requests import MOST, asks, pieces_of, requests_of, searched

if TYPE_CHECKING:
    from retrieval.search import SearchResult, Thresholds

FLOWS = ("order_status", "return_item", "change_address")
"""Intents that begin a form about an order."""

HITS = 2
"""So many hits of a request are kept."""

_GENERAL = re.compile(
    r"\W*(?:(?:and|but|so|ok(?:ay)?|by the way|first)\W+)*"
    r"(?:what (?:do|does|is|are|would|will|if)|how (?:much|long|many)|do (?:you|i)|does|is|are|which|who pays|will i)\b"
    r"|.*(?:多少钱|多久|几天|免费|运费|费用|谁付|谁出|要钱|收费|需要.*吗)",
    re.IGNORECASE,
)
_OWN_ORDER = re.compile(
    r"\b(?:where|status|track|my (?:order|parcel|package|delivery)|arrived?)\b|我的|到哪|哪儿了|状态|查", re.IGNORECASE
)

_CORRECTING = re.compile(
    r"\b(?:no|nope|nah|not|wait|yes|ok(?:ay)?|but|sorry|actually|rather|instead|wrong|i|mean|meant|should"
    r"|mistyped|be|that|this|one|it['’]?s|it|is|was|my|the|for|with|and|order|orders|number|e-?mail|address|please|correct|right)\b"
    r"|不对|不是|说错了?|写错了?|错了|应该是|我说的是|更正|对不起|抱歉|我的|订单号?|单号|编号|号码|邮箱|而是|但是?|不|是|的|我",
    re.IGNORECASE,
)

Search = Callable[[str], "SearchResult"]


def asks_in_general(text: str) -> bool:
    """Whether a text asks how things are done here (``what does a return cost?``), and not for something to be done."""
    return asks(text) and _GENERAL.match(text) is not None and _OWN_ORDER.search(text) is None


def corrects(text: str, spans: Iterable[tuple[int, int]]) -> bool:
    """Whether a text says nothing but that these details are meant: ``no, I meant order 4712``.

    Args:
        text: The message.
        spans: (start, end) of its order numbers and addresses.
    """
    found = list(spans)
    for start, end in found:
        text = text[:start] + " " * (end - start) + text[end:]
    return bool(found) and not re.search(r"\w", _CORRECTING.sub(" ", text))


def with_several(
    careline: dict[str, Any],
    text: str,
    *,
    search: Search,
    thresholds: Thresholds,
    static: Collection[str],
    asked: str | None = None,
    named: bool = False,
) -> dict[str, Any]:
    """The message's ``careline`` object with what else it asks.

    Args:
        careline: Of the message as a whole.
        text: The message.
        search: Finds answers to a part of it.
        thresholds: Of the model.
        static: Intents of the domain.
        asked: The slot that a form asked for last.
        named: Whether the message names an order or an address.

    Returns:
        With ``aside``, where a question with a sure answer stands beside a request or a detail: ``[{"text", "hits"}]``;
        the intent is the request's then. With ``requests`` and ``open`` where it only asks: see ``combined``. A
        question that only looks like a request (``what does a return cost?``) is one where its answer is sure; inside
        a form, so is ``can I return what I wore?``, which would begin a return elsewhere.
    """
    wants_to_know = asks_in_general(text) or (asked and asks(text) and not _OWN_ORDER.search(text))
    if careline["intent"] in FLOWS and careline["outcome"] == "sure" and not named and wants_to_know:
        return careline | {"intent": "ask", "understood": True}
    pieces = pieces_of(text)
    if 1 < len(pieces) <= MOST + 1 and any(asks(piece) for piece in pieces):
        read = [(one, search(one)) for one in searched(pieces)]
        beside = _with_asides(careline, pieces, read, thresholds, static=static, in_form=bool(asked), named=named)
        if beside is not None:
            return beside
    elif named and asked and careline["intent"] in ANSWERED and careline["outcome"] == "sure" and asks(text):
        return careline | {"intent": "inform", "aside": [_row(text, careline["hits"])]}
    if careline["intent"] in ANSWERED and len(requests := requests_of(text)) > 1:
        return combined(careline, requests, [search(one) for one in searched(requests)])
    return careline


def _with_asides(
    careline: dict[str, Any],
    pieces: list[str],
    read: list[tuple[str, SearchResult]],
    thresholds: Thresholds,
    *,
    static: Collection[str],
    in_form: bool,
    named: bool,
) -> dict[str, Any] | None:
    """The object with its questions beside a request; None where there is no request, or no sure question."""
    judged = [judge(result, thresholds, static=static) for _, result in read]
    flows = [one for one in judged if one["intent"] in FLOWS and one["understood"] and one["confidence"] >= 0.5]
    asides = [
        _row(piece, one["hits"])
        for piece, one in zip(pieces, judged, strict=True)
        if one["outcome"] == "sure"
        and asks(piece)
        and (one["intent"] in ANSWERED or (one["intent"] in FLOWS and asks_in_general(piece)))
    ]
    if not asides or len(asides) == len(pieces):
        return None
    if careline["intent"] in FLOWS:
        return careline | {"aside": asides, "understood": True}
    if flows:
        best = max(flows, key=lambda one: float(one["confidence"]))
        return careline | {
            "intent": best["intent"],
            "confidence": best["confidence"],
            "aside": asides,
            "understood": True,
        }
    if named or (in_form and careline["intent"] in ANSWERED):
        return careline | {"intent": "inform", "aside": asides, "understood": True}
    return None


def _row(text: str, hits: list[dict[str, Any]]) -> dict[str, Any]:
    return {"text": text[:200], "hits": [{"id": hit["id"], "score": hit["score"]} for hit in hits[:HITS]]}
