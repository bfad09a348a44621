"""How an answer is said: its text, where it comes from, and why it was chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from data.schema import Answer
from retrieval.answers import AnswerBook, has_placeholder, is_sayable
from retrieval.compose import Asked, Found, Reply, may_be_found
from retrieval.filters import Where

TITLE_LENGTH = 72
"""Characters of a button's title."""

OBSCURE = 100
"""From this ``obscurity`` on, an answer's own beginning says more than the question."""

EVIDENCE = 3
"""So many hits are shown to agents as the reason of a reply."""

_KINDS = {
    "article": ("help article", "帮助文章"),
    "catalogue": ("product catalogue", "商品目录"),
    "curated": ("written by our team", "客服团队撰写"),
}
"""Names of sources that are no log, in English and Chinese."""

_PERSON_TITLE = {"zh": "转人工"}


def source_of(answer: Answer) -> dict[str, Any]:
    """Where an answer comes from, in fields that a customer may see (``bot.protocol.Source``)."""
    return {
        "title": answer.title or "",
        "conversations": len(answer.conversations),
        "support": answer.support,
        "last_used": answer.last_used,
        "question": answer.questions[0] if answer.questions else None,
        "kind": answer.source,
        "url": answer.url if answer.url and answer.url.startswith(("https://", "http://")) else None,
    }


def offered(book: AnswerBook, answer_id: str, where: Where) -> Answer | None:
    """The answer of an id as it is now, if it may be found here; None otherwise. The only door for what customers see.

    Search asked the same of the index, but a button may be pressed long after, its id can be sent by hand, and what
    people change may reach this process before the one that searches.
    """
    answer = book.get(answer_id)
    return answer if answer is not None and may_be_found(answer) and where.admits(answer) else None


def asked_of(careline: Mapping[str, Any], book: AnswerBook, *, text: str, language: str, where: Where) -> list[Asked]:
    """The message's requests with what was found for each, from its ``careline`` object.

    Args:
        careline: Of the message; ``requests`` is there where it holds several that are each sure of an answer.
        book: Texts of the answers.
        text: The message.
        language: The conversation's: answers in another one are left out.
        where: Who asks, and where.
    """
    rows = careline.get("requests") or [{"text": text, "hits": careline.get("hits", ())}]
    asked = []
    for row in rows:
        hits = ((offered(book, hit["id"], where), float(hit["score"])) for hit in row["hits"])
        found = (Found(answer, score) for answer, score in hits if answer is not None and answer.language == language)
        asked.append(Asked(str(row["text"]), tuple(found)))
    return asked


def why(careline: Mapping[str, Any], book: AnswerBook, *, outcome: str, said: Reply | None = None) -> dict[str, Any]:
    """Why a reply was given, for agents (``bot.protocol.Why``): the best hits, and whatever else was said."""
    evidence: list[dict[str, Any]] = []
    hits = list(careline.get("hits", ()))
    wanted = [part.answer.id for part in said.parts] if said is not None else []
    rows = {hit["id"]: hit for row in careline.get("requests") or () for hit in row["hits"]} | {
        h["id"]: h for h in hits
    }
    ids = list(dict.fromkeys([*(key for key in wanted if key in rows), *(hit["id"] for hit in hits[:EVIDENCE])]))
    for hit in (rows[key] for key in ids[: max(EVIDENCE, len(wanted))]):
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


def source_lines(answers: Sequence[Answer], language: str) -> list[str]:
    """Where a reply comes from, a line for each answer; with numbers where there are several."""
    lines = [source_line(answer, language) for answer in answers]
    return lines if len(lines) == 1 else [f"[{number}] {line}" for number, line in enumerate(lines, start=1)]


def source_line(answer: Answer, language: str) -> str:
    """Where an answer comes from in one line, for terminals: the widget draws it from ``source_of``."""
    if answer.source != "log":
        kind = _KINDS[answer.source][language == "zh"]
        named = ": ".join((kind, answer.title)) if answer.title else kind
        named += f" {answer.url}" if answer.url else ""
        return f"（来源：{named}）" if language == "zh" else f"(Source: {named})"
    date = ""
    if answer.last_used is not None:
        day = datetime.fromtimestamp(answer.last_used, tz=timezone.utc).strftime("%Y-%m-%d")
        date = f"，最近一次 {day}" if language == "zh" else f", last on {day}"
    if language == "zh":
        return f"（来源：客服曾这样回答 {answer.support} 次{date}）"
    times = "once" if answer.support == 1 else f"{answer.support} times"
    return f"(Source: our team answered so {times}{date}.)"


def suggestions(
    hits: Sequence[Mapping[str, Any]],
    book: AnswerBook,
    *,
    language: str,
    where: Where,
    without: Sequence[str] = (),
    most: int = 3,
) -> list[dict[str, str]]:
    """Buttons of "did you mean", best first, each with the logged question it stands for, and one for a person.

    Args:
        hits: From the message's ``careline`` object, best first.
        book: Texts of the answers.
        language: The conversation's: answers in another one are left out.
        where: Who asks, and where.
        without: Ids that were given already.
        most: So many at most, beside the person.
    """
    buttons: list[dict[str, str]] = []
    for hit in hits:
        answer = offered(book, hit["id"], where)
        if answer is None or not is_sayable(answer) or answer.id in without or answer.language != language:
            continue
        if len(buttons) == most:
            break
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
