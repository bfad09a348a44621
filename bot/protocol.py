"""The wire between browsers and the gateway: every message as a frozen dataclass, JSON text frames over WebSocket.

``/ws/widget`` carries ``ClientMessage`` and ``ServerMessage``; ``/ws/console`` carries ``ConsoleRequest`` and
``ConsoleUpdate``; the console's HTTP API answers with ``Row`` and ``Transcript``. ``python -m bot.protocol`` prints
the JSON Schema, ``python -m bot.protocol --typescript`` the types in ``web/shared/protocol.ts``.

A client keeps ``conversation``, ``token`` and the highest ``seq`` it has seen. After ``hello`` it gets ``welcome``
and then every later entry, in order and without a gap; a ``send`` counts only once its ``ack`` is there, and is sent
again with the same ``client_id`` until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bot.protocol_parts import Author, AuthorKind, Button, Evidence, Slot, Source, SourceKind, Summary, Why
from bot.wire import MAX_FRAME, MAX_ID, MAX_TEXT, ErrorCode, WireError, encode, parse

__all__ = [
    "MAX_FRAME",
    "MAX_ID",
    "MAX_TEXT",
    "Author",
    "AuthorKind",
    "Button",
    "Evidence",
    "Slot",
    "Source",
    "SourceKind",
    "Summary",
    "Why",
    "WireError",
    "encode",
    "parse_client",
    "parse_console",
]

State = Literal["bot", "queued", "agent", "closed"]
"""Whose the conversation is: the bot's, waiting for a person, a person's, finished."""

EntryKind = Literal["customer", "bot", "agent", "state", "failure", "note", "feedback"]
"""``failure``: the visible outcome of a turn that could not be done. ``note``: for agents only. ``feedback``: what the
customer thinks of an answer or of the conversation."""

Rating = Literal["up", "down", "1", "2", "3", "4", "5"]
"""Thumbs are for an answer, numbers (5 is best) for the conversation."""

Reason = Literal["", "not_asked", "wrong", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a conversation's log, as people see it.

    Attributes:
        seq: Place in the log; entries that are not for people leave holes.
        kind: What it is; the widget never gets ``note``.
        text: Plain text; empty for a state entry that needs no words.
        time: Unix seconds.
        author: Who said it.
        client_id: The client's own id of a ``send`` or ``press``, so that it finds its message again.
        buttons: Choices, for the bot's entries.
        state: The state from here on, for state entries.
        source: Where the answer comes from; the first of ``sources``.
        sources: Where each part of the answer comes from, in the order of the numbers ``[1]`` in its text.
        why: For agents only.
        suppressed: A reply that the customer did not get; agents only.
        suggested: It is one that agents may send; see ``bot.control``. Agents only.
        rates: For feedback: the answer's ``seq``, or 0 for the conversation.
        rating: For feedback.
        reason: For feedback: why thumbs are down.
        type: ``entry``.
    """

    seq: int
    kind: EntryKind
    text: str
    time: float
    author: Author
    client_id: str | None = None
    buttons: tuple[Button, ...] = ()
    state: State | None = None
    source: Source | None = None
    why: Why | None = None
    suppressed: bool = False
    suggested: bool = False
    sources: tuple[Source, ...] = ()
    rates: int | None = None
    rating: Rating | None = None
    reason: Reason = ""
    type: Literal["entry"] = "entry"


@dataclass(frozen=True, kw_only=True)
class Hello:
    """First frame of every connection. Without ``conversation`` and ``token`` a new conversation begins.

    Attributes:
        conversation: From an earlier ``welcome``.
        token: Its secret.
        last_seq: Highest ``seq`` seen; 0 asks for everything.
        language: BCP 47 code of the widget's screen, such as ``en`` or ``zh``.
        page: Address of the page it stands on, without query.
        product: What the page is about, if it says so.
        identity: The customer's sign-in, a token that the shop's server signed; None for a stranger.
        type: ``hello``.
    """

    conversation: str | None = None
    token: str | None = None
    last_seq: int = 0
    language: str = "en"
    page: str | None = None
    product: str | None = None
    identity: str | None = None
    type: Literal["hello"] = "hello"


@dataclass(frozen=True, kw_only=True)
class Send:
    """A customer's message. ``client_id`` is unique in the conversation; a resend is recognised by it."""

    client_id: str
    text: str
    type: Literal["send"] = "send"


@dataclass(frozen=True, kw_only=True)
class Press:
    """A press of ``Button.id``; it enters the log as the button's title."""

    client_id: str
    button: str
    type: Literal["press"] = "press"


@dataclass(frozen=True, kw_only=True)
class Person:
    """One click: talk to a person."""

    client_id: str
    type: Literal["person"] = "person"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What the customer thinks of the answer ``seq``, or with 0 of the conversation; said again, the newest counts."""

    client_id: str
    seq: int
    rating: Rating
    reason: Reason = ""
    type: Literal["rate"] = "rate"


@dataclass(frozen=True, kw_only=True)
class Back:
    """One click: do not wait for a person any longer; the bot goes on."""

    client_id: str
    type: Literal["back"] = "back"


@dataclass(frozen=True, kw_only=True)
class Typing:
    """The customer types; sent at most every three seconds."""

    type: Literal["typing"] = "typing"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything up to ``seq`` has been shown."""

    seq: int
    type: Literal["seen"] = "seen"


@dataclass(frozen=True, kw_only=True)
class ShopInfo:
    """What the widget says about the shop, in the language of ``hello``.

    Attributes:
        name: The shop's.
        greeting: First words, said by the widget and not part of the log.
        hours: When people answer.
        languages: Offered.
        suggested: First questions to click on.
        bot_notice: Says that a bot answers.
    """

    name: str
    greeting: str
    hours: str
    languages: tuple[str, ...]
    suggested: tuple[str, ...]
    bot_notice: str


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """Answers ``hello``. ``seq`` is the log's newest; entries after the client's ``last_seq`` follow."""

    conversation: str
    token: str
    seq: int
    state: State
    shop: ShopInfo
    type: Literal["welcome"] = "welcome"


@dataclass(frozen=True, kw_only=True)
class Ack:
    """The message is stored, at ``seq``. Nothing is acknowledged before that."""

    client_id: str
    seq: int
    type: Literal["ack"] = "ack"


@dataclass(frozen=True, kw_only=True)
class SomeoneTypes:
    """The bot works on it, or an agent types; ends with the next entry or after six seconds."""

    who: Literal["bot", "agent"]
    type: Literal["typing"] = "typing"


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Where a customer stands who waits for a person; sent whenever it changes.

    Attributes:
        position: From 1.
        wait: Minutes that others waited lately (their median); None where too few waits were measured.
        online: Whether somebody is there.
        back: Whether the bot would answer meanwhile.
        type: ``queue``.
    """

    position: int
    wait: int | None = None
    online: bool = True
    back: bool = True
    type: Literal["queue"] = "queue"


@dataclass(frozen=True, kw_only=True)
class Busy:
    """The bot is busy and the customer is number ``position``; 0: no longer. Sent whenever it changes."""

    position: int
    type: Literal["busy"] = "busy"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What was refused or is not possible now; ``message`` is for people."""

    code: ErrorCode
    message: str
    client_id: str | None = None
    type: Literal["error"] = "error"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A conversation in the console's list.

    Attributes:
        conversation: Its id.
        state: Whose it is.
        seq: Newest entry.
        language: Of the customer.
        created: Unix seconds.
        active: Unix seconds of the newest entry.
        agent: Name of the agent who has it, or None.
        last_text: The newest words, cut to 120 characters.
        last_kind: Who said them.
        waiting_since: Unix seconds of the first message that nobody replied to, or None.
        unanswered: Customer messages since the last reply.
        channel: ``widget``, ``shell`` and so on.
        customer: Name, else address, else id of a customer whom the shop's server signed in; None for a stranger.
    """

    conversation: str
    state: State
    seq: int
    language: str
    created: float
    active: float
    agent: str | None = None
    last_text: str = ""
    last_kind: EntryKind | None = None
    waiting_since: float | None = None
    unanswered: int = 0
    channel: str = ""
    customer: str | None = None
    type: Literal["row"] = "row"


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """A whole conversation for the console."""

    row: Row
    entries: tuple[Entry, ...]
    summary: Summary | None = None


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The console shows this conversation: its entries after ``last_seq`` follow. None stops."""

    conversation: str | None
    last_seq: int = 0
    type: Literal["watch"] = "watch"


@dataclass(frozen=True, kw_only=True)
class AgentTyping:
    """The agent types in the conversation watched."""

    type: Literal["typing"] = "typing"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """An entry of the conversation watched."""

    conversation: str
    entry: Entry
    type: Literal["watched"] = "watched"


@dataclass(frozen=True, kw_only=True)
class CustomerTyping:
    """The customer of this conversation types."""

    conversation: str
    type: Literal["customer_typing"] = "customer_typing"


ClientMessage = Hello | Send | Press | Person | Back | Rate | Typing | Seen
ServerMessage = Welcome | Ack | Entry | SomeoneTypes | Queue | Refusal | Busy
ConsoleRequest = Watch | AgentTyping
ConsoleUpdate = Row | Watched | CustomerTyping | Refusal
UNIONS: dict[str, Any] = {
    "ClientMessage": ClientMessage,
    "ServerMessage": ServerMessage,
    "ConsoleRequest": ConsoleRequest,
    "ConsoleUpdate": ConsoleUpdate,
}
"""What goes over each socket in each direction, by the name it has in TypeScript."""


def parse_client(frame: str) -> ClientMessage:
    """Reads a frame of the widget.

    Raises:
        WireError: Too large, not JSON, not a known message, a field missing, unknown, too long or of another type.
    """
    message: ClientMessage = parse(frame, ClientMessage)
    return message


def parse_console(frame: str) -> ConsoleRequest:
    """Reads a frame of the console; see ``parse_client``."""
    message: ConsoleRequest = parse(frame, ConsoleRequest)
    return message


if __name__ == "__main__":
    import sys

    from bot.protocol_export import main

    sys.exit(main(sys.argv[1:]))
