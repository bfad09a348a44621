"""What the REST API says and hears beside the entries of `bot.protocol`: every body as a frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass

from bot import protocol
from bot.protocol import Entry, ShopInfo

CHANNEL = "^(?!widget$)[a-z][a-z0-9_]{0,31}$"
"""Names of channels; the widget's own is not to be had."""


@dataclass(frozen=True, kw_only=True)
class Begin:
    """Begins a conversation.

    Attributes:
        language: BCP 47 code that the customer is greeted in, such as ``en`` or ``zh``.
        channel: The way it comes, in one word that agents read: ``whatsapp``, ``email``, ``app``.
    """

    language: str = "en"
    channel: str = "api"


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A new conversation. ``token`` is its secret: whoever has it may read and write it."""

    conversation: str
    token: str
    shop: ShopInfo


@dataclass(frozen=True, kw_only=True)
class Say:
    """A customer's message. ``client_id`` is unique in the conversation: a resend is recognised by it."""

    client_id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Choose:
    """A press of ``Button.id``."""

    client_id: str
    button: str


@dataclass(frozen=True, kw_only=True)
class AskPerson:
    """The customer wants a person."""

    client_id: str


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What the customer thinks: thumbs for the answer ``seq``, or with 0 a number (5 is best) for the conversation."""

    client_id: str
    seq: int
    rating: protocol.Rating
    reason: protocol.Reason = ""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """It is stored, at ``seq``. Nothing is acknowledged before that."""

    client_id: str
    seq: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """Entries in order; what is not for people leaves holes. ``next`` is what to ask ``after`` the next time."""

    entries: tuple[Entry, ...]
    next: int
    state: protocol.State


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why not: ``code`` for programs, ``message`` for people."""

    code: str
    message: str
