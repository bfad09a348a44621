"""Takes personal data out of a log, before anything else is made of it.

Each value becomes a typed placeholder (``<EMAIL_1>``, ``<ORDER_2>``, ``<NAME_1>``) that stays the same within its
conversation, so that a model still sees that the number asked for is the number given. What the shop itself tells
everybody stays: values in ``learn.keep``, and those that agents give out in several conversations unasked.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from data.names import NameFinder, agent_names, common_words, customer_names
from data.patterns import Span, digits_of, find_structured
from data.schema import Conversation

PUBLIC = 3
"""In how many conversations agents must give out a contact, unasked, for it to be the shop's own."""

SAMPLED = 2000
"""How many conversations tell which words are common."""

_PUBLIC_KINDS = frozenset(("EMAIL", "PHONE", "URL", "ADDRESS", "IBAN", "NUMBER"))
_NUMBERED = frozenset(("ORDER", "TICKET", "TRACKING", "INVOICE", "BOOKING", "CUSTOMER", "ACCOUNT"))
_TAIL = 9
"""Phone numbers are compared by their last digits: with and without the country's code."""


class Redactor:
    """Replaces personal data by placeholders.

    Args:
        conversations: The whole log: whose agents' names, and whose shop's contacts, are learned first.
        keep: Values that stay although they look like personal data; compared without case and spaces.
    """

    def __init__(self, conversations: Sequence[Conversation], *, keep: Iterable[str] = ()) -> None:
        self.keep = {_comparable(value) for value in keep}
        agents = {name for name in agent_names(conversations) if _comparable(name) not in self.keep}
        self.agents = NameFinder(agents)
        self.common = common_words(m.text for c in islice(conversations, SAMPLED) for m in c.messages)
        self.public, self.prefixes = _learn_shop(conversations)
        self.counts: Counter[str] = Counter()

    def redact(self, conversation: Conversation) -> Conversation:
        """Returns the conversation without personal data and without authors.

        What was replaced is added to ``counts``, each value once a conversation.
        """
        names = {name for name in customer_names(conversation, self.common) if _comparable(name) not in self.keep}
        finders = (NameFinder(names), self.agents)
        kinds = self._known_kinds(conversation)
        given: dict[tuple[str, str], str] = {}
        messages = []
        for message in conversation.messages:
            text = self._replace(message.text, finders, kinds, given)
            messages.append(replace(message, text=text, author=None))
        return replace(conversation, id=_public_id(conversation.id), messages=tuple(messages))

    def _known_kinds(self, conversation: Conversation) -> dict[str, str]:
        """Numbers whose kind the conversation says somewhere, so that a bare repetition gets the same placeholder."""
        kinds: dict[str, str] = {}
        for message in conversation.messages:
            for span in find_structured(message.text):
                if span.kind in _NUMBERED:
                    kinds.setdefault(span.value, span.kind)
        return kinds

    def _replace(
        self, text: str, finders: Sequence[NameFinder], kinds: dict[str, str], given: dict[tuple[str, str], str]
    ) -> str:
        spans = [self._settled(span, kinds) for span in find_structured(text)]
        taken = [span for span in spans if not self._stays(span)]
        for finder in finders:
            for start, end, person in finder.find(text):
                if all(end <= span.start or start >= span.end for span in (*spans, *taken)):
                    taken.append(Span(start, end, "NAME", person))
        if not taken:
            return text
        pieces, position = [], 0
        for span in sorted(taken, key=lambda span: span.start):
            pieces += [text[position : span.start], self._placeholder(span, given)]
            position = span.end
        return "".join(pieces) + text[position:]

    def _settled(self, span: Span, kinds: dict[str, str]) -> Span:
        if span.kind != "NUMBER" and span.kind not in _NUMBERED:
            return span
        kind = kinds.get(span.value) or (span.kind if span.kind != "NUMBER" else self.prefixes.get(_prefix(span.value)))
        return replace(span, kind=kind) if kind else span

    def _stays(self, span: Span) -> bool:
        if _comparable(span.value) in self.keep:
            return True
        if span.kind == "PHONE" and any(value.endswith(span.value) for value in self.keep if value.isdigit()):
            return True
        return span.kind in _PUBLIC_KINDS and (span.kind, span.value) in self.public

    def _placeholder(self, span: Span, given: dict[tuple[str, str], str]) -> str:
        placeholder = given.get((span.kind, span.value))
        if placeholder is None:
            number = 1 + sum(kind == span.kind for kind, _ in given)
            placeholder = given[span.kind, span.value] = f"<{span.kind}_{number}>"
            self.counts[span.kind] += 1
        return placeholder


def _comparable(value: str) -> str:
    plain = "".join(value.split()).casefold()
    digits = digits_of(plain)
    return digits[-_TAIL:] if len(digits) >= 7 and not any(c.isalpha() for c in plain) else plain


_Value = tuple[str, str]
"""Kind and canonical value."""


def _learn_shop(conversations: Iterable[Conversation]) -> tuple[frozenset[_Value], dict[str, str]]:
    """What a log tells about the shop itself.

    Returns:
        Contacts that are the shop's own: agents gave them out in ``PUBLIC`` conversations, before any customer did. A
        value that some customer brought up first is that customer's, unless agents give it out all the time.
        And the letters that the shop's numbers begin with, to what they number: ``NT`` to ``ORDER``.
    """
    shops: Counter[_Value] = Counter()
    customers: set[_Value] = set()
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for conversation in conversations:
        seen: set[_Value] = set()
        for message in conversation.messages:
            for span in find_structured(message.text):
                value = span.kind, span.value
                if span.kind in _NUMBERED and (prefix := _prefix(span.value)):
                    votes[prefix][span.kind] += 1
                if span.kind not in _PUBLIC_KINDS or value in seen:
                    continue
                seen.add(value)
                if message.role == "agent":
                    shops[value] += 1
                else:
                    customers.add(value)
    often = {value for value, count in shops.items() if count >= PUBLIC}
    public = frozenset(value for value in often if value not in customers or shops[value] >= 10 * PUBLIC)
    return public, {prefix: counts.most_common(1)[0][0] for prefix, counts in votes.items()}


def _prefix(value: str) -> str:
    return value[: next((i for i, c in enumerate(value) if c.isdigit()), len(value))]


def _public_id(name: str) -> str:
    """A conversation's id, or a hash of it where the log uses a phone number or an address of e-mail as id."""
    if any(span.kind in ("EMAIL", "PHONE", "ID", "CARD") for span in find_structured(name)):
        return "c" + hashlib.sha256(name.encode()).hexdigest()[:12]
    return name
