"""Several requests in one message: where one ends and the next begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from retrieval.follow_up import points_back
from retrieval.sentences import content_of, sentences_of

MOST = 3
"""Requests of a message that are looked at."""

_ASKS = r"(?:how|what|when|where|which|who|why|can|could|do|does|is|are|may|will|would|should|am|did|has|have)"
_NEXT_EN = re.compile(
    rf"[,;]?\s+(?:and(?: also| then)?|also|plus|or)\s+(?={_ASKS}\b)|[,;]\s+(?={_ASKS}\b)", re.IGNORECASE
)
_NEXT_ZH = re.compile(r"[，,；;、]?\s*(?:还有|另外|以及|顺便问一下|顺便|再问一下|同时)[，,]?\s*|[；;]")
_QUESTION_ZH = re.compile(r"[吗么呢嘛]|几|多少|多久|怎么|如何|哪|什么|能不能|可不可以|可以.*不|是否|能否|有没有|[?？]")
_COMMA_ZH = re.compile(r"[，,]\s*")
_HAN = re.compile(r"[\u3400-\u9fff]")


def requests_of(text: str) -> list[str]:
    """The requests of a message, in order.

    Args:
        text: A customer's message.

    Returns:
        Two or three texts that each ask something of their own; the whole message as the only one where it asks one
        thing, or more than can be answered in one reply.
    """
    asking = [piece for piece in pieces_of(text) if asks(piece)]
    return asking if 2 <= len(asking) <= MOST else [text]


def pieces_of(text: str) -> list[str]:
    """The sentences of a message, cut where a new request begins; most of them ask nothing."""
    return [piece for sentence in sentences_of(text) for piece in _pieces(sentence)]


def searched(requests: Sequence[str]) -> list[str]:
    """What is searched for each request: one that points back ("and how much is it?") takes the one before with it.

    Args:
        requests: Of one message, in order.
    """
    found = list(requests[:1])
    for before, one in pairwise(requests):
        found.append(f"{one} {before}" if points_back(one) else one)
    return found


def _pieces(sentence: str) -> list[str]:
    if not _HAN.search(sentence):
        return [piece.strip() for piece in _NEXT_EN.split(sentence) if piece.strip()]
    found = []
    for piece in (piece for piece in _NEXT_ZH.split(sentence) if piece.strip()):
        parts = [part for part in _COMMA_ZH.split(piece) if part]
        split = len(parts) > 1 and all(_QUESTION_ZH.search(part) for part in parts)
        found += parts if split else [piece.strip()]
    return found


def asks(piece: str) -> bool:
    """Whether a text is a question with something in it to look for."""
    if _HAN.search(piece):
        return _QUESTION_ZH.search(piece) is not None and len(content_of(piece)) >= 2
    question = piece.rstrip().endswith("?") or re.match(rf"\W*(?:and\s+)?{_ASKS}\b", piece, re.IGNORECASE)
    return bool(question) and len(content_of(piece)) >= 1 and len(piece.split()) >= 3
