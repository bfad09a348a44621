"""How an answer is said: its text, where it comes from, and why it was chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from data.schema import Answer
from retrieval.answers import AnswerBook, has_placeholder

TITLE_LENGTH = 72
"""Characters of a button's title."""

OBSCURE = 100
"""From this ``obscurity`` on, an answer's own beginning says more than the question."""

EVIDENCE = 3
"""So many hits are shown to agents as the reason of a reply."""

_PERSON_TITLE = {"zh": "转人工"}


def source_of(answer: Answer) -> dict[str, Any]:
    """Where an answer comes from, in fields that a customer may see (``bot.protocol.Source``)."""
    return {
        "title": answer.title or "",
        "conversations": len(answer.conversations),
        "support": answer.support,
        "last_used": answer.last_used,
        "question": answer.questions[0] if answer.questions else None,
    }


def why(careline: Mapping[str, Any], book: AnswerBook, *, outcome: str) -> dict[str, Any]:
    """Why a reply was given, for agents (``bot.protocol.Why``)."""
    evidence = []
    for hit in careline.get("hits", ())[:EVIDENCE]:
        answer = book.get(hit["id"])
        if answer is not None:
            evidence.append({"answer": hit["id"], "text": answer.text[:160], "score": hit["score"]})
    return {
        "model": careline.get("model", ""),
        "index": careline.get("index", ""),
        "intent": careline.get("intent", ""),
        "confidence": careline.get("confidence", 0.0),
        "topic": careline.get("topic"),
        "outcome": outcome,
        "evidence": evidence,
    }


def source_line(answer: Answer, language: str) -> str:
    """Where an answer comes from in one line, for terminals: the widget draws it from ``source_of``."""
    date = ""
    if answer.last_used is not None:
        day = datetime.fromtimestamp(answer.last_used, tz=timezone.utc).strftime("%Y-%m-%d")
        date = f"，最近一次 {day}" if language == "zh" else f", last on {day}"
    if language == "zh":
        return f"（来源：客服曾这样回答 {answer.support} 次{date}）"
    times = "once" if answer.support == 1 else f"{answer.support} times"
    return f"(Source: our team answered so {times}{date}.)"


def suggestions(
    hits: Sequence[Mapping[str, Any]], book: AnswerBook, *, language: str, without: Sequence[str] = (), most: int = 3
) -> list[dict[str, str]]:
    """Buttons of "did you mean", best first, each with the logged question it stands for, and one for a person.

    Args:
        hits: From the message's ``careline`` object, best first.
        book: Texts of the answers.
        language: The conversation's: answers in another one are left out.
        without: Ids that were given already.
        most: So many at most, beside the person.
    """
    buttons: list[dict[str, str]] = []
    for hit in hits:
        answer = book.sayable(hit["id"])
        if answer is None or answer.id in without or answer.language != language or len(buttons) == most:
            continue
        title = button_title(answer)
        if title.casefold() not in {button["title"].casefold() for button in buttons}:
            buttons.append({"title": title, "payload": f'/ask{{"answer_id": "{answer.id}"}}'})
    if buttons:
        buttons.append({"title": _PERSON_TITLE.get(language, "Talk to a person"), "payload": "/ask_person"})
    return buttons


def button_title(answer: Answer) -> str:
    """What an answer is about, in a few words: its title, the plainest question it answered, or its own beginning."""
    plain = min(answer.questions, key=obscurity, default=None)
    if plain is None or obscurity(plain) >= OBSCURE:
        plain = answer.text
    text = " ".join((answer.title or plain).split())
    return text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1].rstrip() + "…"


def obscurity(question: str) -> int:
    """How little a question says without its conversation: ``And outside Europe?`` or somebody's number say little."""
    width = sum(2 if ord(character) > 0x2E80 else 1 for character in question)
    follows = bool(_FOLLOWS.match(question))
    return (
        abs(width - 40)
        + 15 * bool(_POINTS.search(question))
        + OBSCURE * (follows or width < 8 or bool(_NUMBER.search(question)) or has_placeholder(question))
    )


_FOLLOWS = re.compile(
    r"\s*(?:and|also|or|but|so|then|great|good|ok(?:ay)?|thanks?|thank you|perfect|yes|no|what about|how about|sure)\b"
    r"|\s*(?:那|还有|行|好|嗯|另外|谢谢|可以的|对)",
    re.IGNORECASE,
)
_POINTS = re.compile(r"\b(?:it|that|this|they|them|those|one)\b|这个|那个|它", re.IGNORECASE)
_NUMBER = re.compile(r"\d{5}")
