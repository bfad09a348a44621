"""What entries and transcripts of the wire are made of; see ``bot.protocol``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SourceKind = Literal["log", "article", "catalogue", "curated"]

AuthorKind = Literal["customer", "bot", "agent", "system"]


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who said it, as the customer may know it."""

    kind: AuthorKind
    name: str


@dataclass(frozen=True, kw_only=True)
class Button:
    """A choice under a bot's entry. ``id`` is opaque; what it stands for never leaves the server."""

    id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where an answer comes from, in words that a customer may see.

    Attributes:
        title: Heading of the answer, or empty.
        conversations: In how many logged conversations it was found.
        support: How many times agents gave it.
        last_used: Unix seconds of the newest use, or None.
        question: A redacted question it once answered, or None.
        kind: What it is: an answer of the log, a help article, a line of the catalogue, or written by the team.
        url: Where it can be read, an ``http`` or ``https`` address, or None.
    """

    title: str
    conversations: int
    support: int
    last_used: float | None = None
    question: str | None = None
    kind: SourceKind = "log"
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One logged answer behind a reply: its id, text's beginning and score."""

    answer: str
    text: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why the bot said it; sent to agents only."""

    model: str
    index: str
    intent: str
    confidence: float
    topic: str | None = None
    outcome: str | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Something that was collected."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What an agent must know at a glance.

    Attributes:
        reason: Why the conversation waits or waited last (``bot.handoff.Reason``), or empty.
        sentences: The customer's own, those that say most.
        slots: What was collected.
    """

    reason: str
    sentences: tuple[str, ...]
    slots: tuple[Slot, ...]
