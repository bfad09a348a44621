"""What the conversation log holds, as frozen dataclasses, and the errors of the state. Imports nothing heavy."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from bot.handoff import State

logger = logging.getLogger(__name__)

Kind = Literal[
    "customer",
    "bot",
    "agent",
    "turn",
    "state",
    "note",
    "failure",
    "suppressed",
    "suggested",
    "unsaid",
    "feedback",
    "corrupt",
]
"""``suppressed`` is a bot's reply that a take-over or a switch overtook, ``suggested`` one that is for agents only;
``turn`` holds Rasa's events and is for no reader, ``unsaid`` those of a turn whose replies the customer never got: the
dialogue does not go on from it. ``corrupt`` stands where something unreadable is stored, for no reader either."""

PUBLIC: frozenset[str] = frozenset({"customer", "bot", "agent", "state", "failure", "feedback"})
"""Kinds that a customer may see."""

FOR_AGENTS: frozenset[str] = PUBLIC | {"note", "suppressed", "suggested"}
"""Kinds that an agent may see."""


class StateError(RuntimeError):
    """The log could not do what was asked; the message says why and what to do."""


class StateUnavailable(StateError):
    """Redis does not answer. Nothing was acknowledged; the same call may be made again."""


class StateFull(StateUnavailable):
    """Redis has no memory or disk left and takes no changes; what it has stays. An operator must make room."""


class Refused(StateError):
    """The log refused a write: a stale lease, an answered message, or a conversation in another state."""


class Reused(StateError):
    """A client id came again with another text: the client's mistake, and the new text is not stored."""


class Crowded(StateError):
    """Too many messages wait for an answer, of this conversation or in all; nothing was stored."""


class Busy(StateError):
    """Someone else holds the conversation's lease."""


@dataclass(frozen=True)
class Entry:
    """One entry of a conversation's log.

    Attributes:
        seq: Place in the log, from 1 without gaps.
        kind: What it is.
        time: Unix seconds, of the Redis server.
        author: ``customer``, ``bot``, ``system`` or an agent's name.
        text: What people read; may be empty.
        data: Depends on the kind. customer: ``client_id``, ``payload`` (what Rasa gets instead of the text), ``button``
            (the id of the one that was pressed). bot, suppressed and suggested: ``buttons`` ([{title, payload}]),
            ``custom`` (the action's JSON, with ``source`` and why), ``image``, ``answers`` (seq of the customer's
            message). agent: ``client_id``. state: ``from``, ``to``, ``move``, ``actor`` and what the mover adds
            (``reason``, ``slots``). failure: ``answers``, ``reason``. turn and unsaid: ``events``, ``state``,
            ``answers``. feedback: ``client_id``, ``rates`` (seq of an answer, 0 for the conversation), ``rating``,
            ``reason``.
    """

    seq: int
    kind: Kind
    time: float
    author: str = ""
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Accepted:
    """A stored customer message.

    Attributes:
        seq: Its place in the log.
        duplicate: True when its client id was known: nothing was stored again.
    """

    seq: int
    duplicate: bool


@dataclass(frozen=True)
class ConversationInfo:
    """A conversation as its inbox row shows it.

    Attributes:
        id: The conversation.
        state: Whose it is.
        seq: Newest entry.
        answered: Last customer message that has an outcome; 0 for none.
        customer: Last customer message; 0 for none.
        language: BCP 47 code, or empty.
        channel: ``widget``, ``shell`` and so on, or empty.
        created: Unix seconds.
        active: Unix seconds of the newest entry.
        agent: Who has it, or None.
        last_text: The newest words, cut to 120 characters.
        last_kind: Who said them, or None.
        waiting_since: Unix seconds of the first customer message that nobody replied to, or None.
        unanswered: How many customer messages there are since the last reply.
        returned: Unix seconds of the last move to the bot, or None.
        queued: Unix seconds since when it waits for a person, or None.
        queued_seq: Entry that put it into the queue; 0 when it does not wait.
        identity: Who the customer is (``id``, ``email``, ``name``), where the shop's server signed it; else None.
    """

    id: str
    state: State
    seq: int
    answered: int = 0
    customer: int = 0
    language: str = ""
    channel: str = ""
    created: float = 0.0
    active: float = 0.0
    agent: str | None = None
    last_text: str = ""
    last_kind: Kind | None = None
    waiting_since: float | None = None
    unanswered: int = 0
    returned: float | None = None
    queued: float | None = None
    queued_seq: int = 0
    identity: Mapping[str, str] | None = None

    @property
    def pending(self) -> bool:
        """Whether a customer's message has no outcome yet."""
        return self.customer > self.answered


@dataclass(frozen=True)
class Lease:
    """The right to run turns of a conversation, until it expires or someone else gets a higher token.

    Attributes:
        conversation: Whose.
        owner: Name of the holder.
        token: Fencing token: grows with each lease of the conversation.
        info: The conversation when the lease was taken.
        tries: How many leases were taken for the message named, this one included; 0 if none was named.
        control: Version of the switches when it was taken.
    """

    conversation: str
    owner: str
    token: int
    info: ConversationInfo
    tries: int = 0
    control: int = 0


@dataclass(frozen=True)
class Work:
    """An entry of the queue: this conversation may have unanswered messages.

    Attributes:
        conversation: Which.
        entry: Id of the entry in the shard's stream.
    """

    conversation: str
    entry: str


def entry_from(row: tuple[str, Mapping[str, str]]) -> Entry:
    """Reads an entry of the Redis stream."""
    entry_id, fields = row
    seq = int(entry_id.split("-")[0])
    try:
        entry = _sound(seq, fields)
    except (KeyError, TypeError, ValueError) as error:
        logger.error("entry %s of the log: got %s (%s); it is skipped.", seq, type(error).__name__, fields.get("kind"))
        return Entry(seq, "corrupt", 0.0)
    return entry


def _sound(seq: int, fields: Mapping[str, str]) -> Entry:
    """Reads the fields of an entry.

    Raises:
        KeyError, TypeError, ValueError: They are not what we write.
    """
    entry = Entry(
        seq=seq,
        kind=cast(Kind, fields["kind"]),
        time=float(fields["time"]),
        author=fields.get("author", ""),
        text=fields.get("text", ""),
        data=dict(json.loads(fields.get("data") or "{}")),
    )
    if entry.kind not in get_args(Kind):
        raise ValueError(entry.kind)
    if entry.kind == "turn":
        list(entry.data["events"]), entry.data["state"]["slots"]
    elif entry.kind == "state":
        State(entry.data["to"])
    return entry


def info_from(conversation: str, meta: Mapping[str, str]) -> ConversationInfo:
    """Reads the hash ``meta``."""
    return ConversationInfo(
        id=conversation,
        state=State(meta["state"]),
        seq=int(meta.get("seq", 0)),
        answered=int(meta.get("answered", 0)),
        customer=int(meta.get("customer", 0)),
        language=meta.get("language", ""),
        channel=meta.get("channel", ""),
        created=float(meta.get("created", 0)),
        active=float(meta.get("active", 0)),
        agent=meta.get("agent") or None,
        last_text=meta.get("last_text", "")[:120],
        last_kind=cast("Kind | None", meta.get("last_kind") or None),
        waiting_since=float(meta["waiting"]) if meta.get("waiting") else None,
        unanswered=int(meta.get("unanswered", 0)),
        returned=float(meta["returned"]) if meta.get("returned") else None,
        queued=float(meta["queued"]) if meta.get("queued") else None,
        queued_seq=int(meta.get("queued_seq") or 0),
        identity=json.loads(meta["identity"]) if meta.get("identity") else None,
    )
