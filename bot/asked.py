"""What customers asked of the bot and what came of it: the rows that ``careline index gaps`` groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.state.entry import Entry


def asked_of(entries: Sequence[Entry], *, language: str) -> Iterator[dict[str, Any]]:
    """The questions of one conversation that the bot looked for answers to.

    Greetings and the messages of forms ("inform") are no questions; a button is a choice among answers that were
    offered, not a question of its own.

    Args:
        entries: The whole log of the conversation, oldest first.
        language: Of the conversation, where the message does not say.

    Yields:
        ``text`` (not redacted), ``language``, ``time``, ``outcome`` (sure, unsure or lost), ``known`` (0..1) and
        ``did``: ``answered``, ``offered``, ``asked to rephrase``, ``handed over`` or ``nothing``.
    """
    messages = {entry.seq: entry for entry in entries if entry.kind == "customer"}
    for entry in entries:
        said = messages.get(entry.data.get("answers", 0)) if entry.kind in ("turn", "unsaid") else None
        careline = _careline(entry.data.get("events", ())) if said is not None else None
        if said is None or careline is None or not said.text or said.data.get("payload"):
            continue
        if careline.get("intent") not in ("ask", "out_of_scope"):
            continue
        yield {
            "text": said.text,
            "language": careline.get("language") or language,
            "time": said.time,
            "outcome": careline.get("outcome", "lost"),
            "known": careline.get("known", 0.0),
            "did": _did(said.seq, entries),
        }


def _careline(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The ``careline`` object of the turn's message."""
    for event in events:
        found = (event.get("parse_data") or {}).get("careline") if event.get("event") == "user" else None
        if isinstance(found, Mapping):
            return found
    return None


def _did(seq: int, entries: Sequence[Entry]) -> str:
    """What the bot did about the message with this number."""
    kinds = ("bot", "suppressed", "suggested")
    told = [entry for entry in entries if entry.kind in kinds and entry.data.get("answers") == seq]
    replies = [entry for entry in told if "notice" not in entry.data]
    custom = [reply.data.get("custom") or {} for reply in replies]
    if any("handoff" in told for told in custom):
        return "handed over"
    if any(told.get("answer") for told in custom):
        return "answered"
    if any(reply.data.get("buttons") for reply in replies):
        return "offered"
    return "asked to rephrase" if replies else "nothing"
