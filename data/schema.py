"""The project's nouns as frozen dataclasses. Standard library only: everything else may import this.

A log becomes conversations; conversations become examples (a context and the answer an agent gave) and answers
(what can be said again); corrections are what agents change afterwards.
"""

from __future__ import annotations

import hashlib
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, TypeVar

Role = Literal["customer", "agent", "system"]
"""Who speaks. ``system`` is a service's result or a notice that both sides could see."""

Split = Literal["train", "valid", "test"]

Audience = Literal["public", "signed_in", "agents"]
"""Who may see an answer, from the widest to the narrowest; each may see what those before it may see."""

AnswerSource = Literal["log", "curated", "article", "catalogue"]

_T = TypeVar("_T", bound="Record")


@dataclass(frozen=True)
class Record:
    """Base of everything that is written as a line of JSON."""

    def to_json(self) -> dict[str, Any]:
        """Returns a JSON-able dict without what is ``None``, or an empty tuple where that is the default."""
        optional = _optional(type(self))
        return {
            key: _plain(value)
            for key, value in vars(self).items()
            if value is not None and (value != () or key not in optional)
        }

    @classmethod
    def from_json(cls: type[_T], row: dict[str, Any]) -> _T:
        """Reads what ``to_json`` wrote; unknown keys are refused.

        Raises:
            TypeError: A key is unknown or a required one is missing.
        """
        if not row.keys() <= _known(cls):
            unknown = min(set(row) - _known(cls))
            raise TypeError(f"{cls.__name__}: unknown field {unknown!r}; expected one of {sorted(_known(cls))}")
        return cls(**{key: tuple(v) if isinstance(v, list) else v for key, v in row.items()})


_KNOWN: dict[type, frozenset[str]] = {}
_OPTIONAL: dict[type, frozenset[str]] = {}


def _known(cls: type[Record]) -> frozenset[str]:
    """Names of the fields; looked up for each row that is read."""
    if cls not in _KNOWN:
        _KNOWN[cls] = frozenset(f.name for f in fields(cls))
    return _KNOWN[cls]


def _optional(cls: type[Record]) -> frozenset[str]:
    """Names of the fields that need not be given; looked up for each row that is written."""
    if cls not in _OPTIONAL:
        needless = (f for f in fields(cls) if f.default is not MISSING or f.default_factory is not MISSING)
        _OPTIONAL[cls] = frozenset(f.name for f in needless)
    return _OPTIONAL[cls]


def _plain(value: Any) -> Any:
    """What JSON can hold; written by hand because ``dataclasses.asdict`` copies deeply and is ten times slower."""
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class Message(Record):
    """One utterance of a conversation.

    Attributes:
        role: Who speaks.
        text: What was said, as logged (before redaction) or redacted (in a dataset).
        time: Unix seconds, or None where the log has none.
        author: The agent's or customer's name or id in the log, for redaction and provenance.
        label: The answer template this text was made from, where the log knows it.
        intent: The customer's intent, where the log is labelled.
        seq: Sequence number in our own log of live conversations; None elsewhere.
    """

    role: Role
    text: str
    time: float | None = None
    author: str | None = None
    label: str | None = None
    intent: str | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Conversation(Record):
    """Messages between a customer and one or more agents, oldest first.

    Attributes:
        id: Unique in its log.
        messages: Oldest first, at least one.
        language: BCP 47 code (``en``, ``zh``), or None: detected.
        topic: The help desk's own tag, where there is one.
        ending: ``resolved``, ``escalated``, ``abandoned`` or None when unknown.
        complete: False where the log itself marks the conversation as broken off; such are not trained on.
        channel: Where it was held, as the log names it (``email``, ``web``, ``whatsapp``), or None.
        people: Marks (`data.people`) of the mail addresses, numbers and names that redaction took out; sorted.
        satisfaction: What the customer rated, from 0 (not at all) to 1 (fully), or None when nobody asked.
    """

    id: str
    messages: tuple[Message, ...]
    language: str | None = None
    topic: str | None = None
    ending: str | None = None
    complete: bool = True
    people: tuple[str, ...] = ()
    channel: str | None = None
    satisfaction: float | None = None

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Conversation:
        """See parent."""
        row = dict(row)
        row["messages"] = tuple(Message.from_json(m) for m in row["messages"])
        return super().from_json(row)

    @property
    def started(self) -> float | None:
        """Unix seconds of the first message that has a time."""
        return next((m.time for m in self.messages if m.time is not None), None)


@dataclass(frozen=True)
class Example(Record):
    """A training row of response ranking: in this context an agent gave this answer.

    Attributes:
        conversation: Id of the conversation it comes from.
        turn: Position of the agent's message in it, from 0.
        context: The turns before it as ``data.context.render_context`` writes them (what the encoder reads).
        history: Ids of the answers given earlier in the conversation, oldest first.
        answer: Id of the ``Answer`` given.
        split: By conversation and time: train is oldest.
        language: ``en`` or ``zh`` (or another code).
        time: Unix seconds, or None.
        weight: How much it counts in training, by how the conversation ended (`data.outcome.outcome_weight`).
    """

    conversation: str
    turn: int
    context: str
    answer: str
    split: Split
    language: str
    history: tuple[str, ...] = ()
    time: float | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class IntentExample(Record):
    """A training row of the intent head.

    Attributes:
        text: What a customer wrote.
        intent: A static intent of the domain, or a topic id.
        kind: ``static`` (comes from ``data/rasa/nlu``) or ``topic`` (learned from the log).
        split: Train, valid or test.
        language: ``en`` or ``zh`` (or another code).
        source: Who says so: ``file`` (Rasa's NLU), ``person`` (accepted proposals), ``log`` (tag, disposition or
            labelled table), ``article`` (a question of one), ``rules``, ``model`` (a classifier trained on these),
            ``cluster``; empty: unknown.
        confidence: 0..1 that the label is right, as the source estimates it.
    """

    text: str
    intent: str
    kind: Literal["static", "topic"]
    split: Split
    language: str
    source: str = ""
    confidence: float = 1.0


@dataclass(frozen=True)
class Topic(Record):
    """An intent learned from logs. It reaches Rasa as the one intent ``ask``.

    Attributes:
        id: Stable, lower case with underscores.
        title: A few words for people.
        keywords: The words that set it apart.
        size: Number of conversations.
        language: The language of most of them.
        labelled: True when it comes from the help desk's own tags and was not discovered.
    """

    id: str
    title: str
    keywords: tuple[str, ...]
    size: int
    language: str
    labelled: bool = False


@dataclass(frozen=True)
class Answer(Record):
    """A response that can be given again, with its provenance.

    Attributes:
        id: Stable: follows the normalised text (or the log's template label).
        text: Redacted. Never holds an unfilled placeholder when ``reusable``.
        language: ``en`` or ``zh`` (or another code).
        support: How many times agents gave it.
        conversations: Ids of up to 20 conversations it was given in, newest first.
        last_used: Unix seconds of the newest use, or None.
        topics: Topic ids it was given under, most frequent first.
        questions: Up to 5 redacted customer messages it answered, for "because someone asked ..."; of an article or
            product, what a customer might ask.
        reusable: False for what cannot be said to another customer (personal, only small talk, a question
            about the customer's data): ranked in training, never sent by the bot.
        held_back: Why it is not reusable, in a few words; None when it is.
        source: ``log``, ``curated``, ``article`` or ``catalogue``.
        title: Where it stands, for people.
        template: The wording with slots, where the answer is one: ``Your order {order} ships on {date}.``
        slots: Names of the slots in the order of the template.
        superseded_by: Id of the newer answer that contradicts this one; such an answer is not reusable until a person
            decides otherwise.
        site: The site it is for; empty: every site.
        tags: Free words to filter by.
        products: The products it is about, as the page or the catalogue names them; empty: no product in particular.
        valid_from: Unix seconds before which it is not said, or None.
        valid_until: Unix seconds from which on it is not said, or None.
        audience: Who may see it: anybody, customers who signed in, or agents only.
        url: Where a customer may read it, or None.
        decided: What a person decided about it (`data.approvals`): ``approved``, ``edited`` or ``rejected``; None where
            nobody did.
    """

    id: str
    text: str
    language: str
    support: int = 1
    conversations: tuple[str, ...] = ()
    last_used: float | None = None
    topics: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    reusable: bool = True
    held_back: str | None = None
    source: AnswerSource = "log"
    title: str | None = None
    template: str | None = None
    slots: tuple[str, ...] = ()
    superseded_by: str | None = None
    site: str = ""
    tags: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    valid_from: float | None = None
    valid_until: float | None = None
    audience: Audience = "public"
    url: str | None = None
    decided: Literal["approved", "edited", "rejected"] | None = None

    @property
    def digest(self) -> str:
        """24 hex digits of SHA-256 over everything that search reads of it: equal content, equal digest."""
        read = (self.text, self.language, self.title, self.questions, self.template, self.site, self.tags)
        more = (self.products, self.valid_from, self.valid_until, self.audience, self.url, self.reusable, self.source)
        return hashlib.sha256(repr((*read, *more)).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Correction(Record):
    """What an agent changed about a reply of the bot; tomorrow's training data.

    Attributes:
        conversation: Id of the conversation.
        seq: Sequence number of the bot's reply in the conversation's log.
        agent: Who corrected.
        time: Unix seconds.
        intent: The right intent or topic, or None if it was right.
        answer: Id of the right answer, or None.
        text: A new or edited answer, or None; redacted before it is written.
        tags: Free words; ``private`` keeps it from being learned.
    """

    conversation: str
    seq: int
    agent: str
    time: float
    intent: str | None = None
    answer: str | None = None
    text: str | None = None
    tags: tuple[str, ...] = field(default_factory=tuple)
