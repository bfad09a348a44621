"""Takes personal data out of a log, before anything else is made of it.

Each value becomes a typed placeholder (``<EMAIL_1>``, ``<ORDER_2>``, ``<NAME_1>``) that stays the same within its
conversation, so that a model still sees that the number asked for is the number given. What the shop itself tells
everybody stays: values in ``learn.keep``, and those that agents give out in several conversations unasked
(`data.shop`).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from data.names import NameFinder, customer_names
from data.own_patterns import find_own
from data.patterns import Span, digits_of, find_structured, host_of, links, without_overlaps
from data.people import PERSONAL, mark
from data.prose import ProseNames
from data.schema import Conversation
from data.shop import NUMBERED, PUBLIC_KINDS, AgentFinder, SettledFacts, facts_of, prefix_of
from data.surrogates import fill

SMALL_LOG_KEY = b"a log that is redacted in one piece"
"""Of marks that never leave the process."""

_TAIL = 9
"""Phone numbers are compared by their last digits: with and without the country's code."""


class Redactor:
    """Replaces personal data by placeholders; one conversation at a time, and the same in every process.

    Args:
        facts: What the log tells about the shop, from `data.shop.ShopFacts`.
        keep: Values that stay although they look like personal data; compared without case and spaces.
        patterns: Of the shop's own numbers, from `data.own_patterns.compile_patterns`.
        surrogates: Whether to return made-up values instead of placeholders. Answers must be judged on placeholders
            (a made-up name looks as if it could be said again), so a build rather calls `data.surrogates.fill` last.
        key: The workspace's, which the facts were made with; also marks the people of a conversation.

    Attributes:
        counts: How many values were replaced, by (kind, language): each value once a conversation. Counters of
            several processes are added.
    """

    def __init__(
        self,
        facts: SettledFacts,
        *,
        keep: Iterable[str] = (),
        patterns: Sequence[re.Pattern[str]] = (),
        surrogates: bool = False,
        key: bytes = SMALL_LOG_KEY,
    ) -> None:
        self.facts, self.key, self.patterns, self.surrogates = facts, key, tuple(patterns), surrogates
        self.keep = frozenset(_comparable(value) for value in keep)
        self.agents = AgentFinder(facts, key)
        self.prose = ProseNames(facts.common, facts.titled)
        self.counts: Counter[tuple[str, str]] = Counter()

    @classmethod
    def of(cls, conversations: Sequence[Conversation], *, keep: Iterable[str] = ()) -> Redactor:
        """A redactor for a log that fits in memory, which it learns the shop's facts from first."""
        return cls(facts_of(conversations, SMALL_LOG_KEY), keep=keep)

    def redact(self, conversation: Conversation) -> Conversation:
        """Returns the conversation without personal data and without authors, and with the marks of its people."""
        texts = [message.text for message in conversation.messages]
        found = self.find(conversation)
        given = _Given()
        messages = tuple(
            replace(message, text=_replaced(text, spans, given), author=None)
            if spans or message.author is not None
            else message
            for message, text, spans in zip(conversation.messages, texts, found, strict=True)
        )
        language = conversation.language or "und"
        self.counts.update((kind, language) for kind, _ in given.values)
        people = {mark(self.key, kind, value) for kind, value in given.values if kind in PERSONAL}
        redacted = replace(conversation, id=public_id(conversation.id), messages=messages, people=tuple(sorted(people)))
        return fill(redacted, self.key) if self.surrogates else redacted

    def find(self, conversation: Conversation) -> list[list[Span]]:
        """What `redact` replaces: for each message the spans in order, without overlaps."""
        names, large = customer_names(conversation, self.prose)
        finder = NameFinder((name for name in names | large if _comparable(name) not in self.keep), large)
        pages = self._own_pages(conversation)
        structured = [self._shaped(message.text, pages) for message in conversation.messages]
        kinds: dict[str, str] = {}
        for span in (span for spans in structured for span in spans if span.kind in NUMBERED):
            kinds.setdefault(span.value, span.kind)  # so that a bare repetition gets the same placeholder
        return [
            self._joined(message.text, [self._settled(span, kinds) for span in spans], finder)
            for message, spans in zip(conversation.messages, structured, strict=True)
        ]

    def _shaped(self, text: str, pages: frozenset[str]) -> list[Span]:
        """Structured values; what the shop's own patterns find, and links to the customer's pages, come before."""
        spans = find_structured(text)
        first = [Span(start, end, kind, text[start:end]) for start, end, kind in find_own(text, self.patterns)]
        if pages:
            first += [link for link in links(text) if link.value in pages]
        if not first:
            return spans
        return without_overlaps((*first, *spans))

    def _own_pages(self, conversation: Conversation) -> frozenset[str]:
        """Links that the customer gives, except to sites that the shop's agents link to: rather his own pages."""
        given = (link.value for m in conversation.messages if m.role == "customer" for link in links(m.text))
        return frozenset(link for link in given if ("HOST", host_of(link)) not in self.facts.public)

    def _joined(self, text: str, structured: Sequence[Span], finder: NameFinder) -> list[Span]:
        """Structured values that do not stay, and names where no structured value is."""
        names: list[Span] = []
        for start, end, person in (*finder.find(text), *self.agents.find(text)):
            if _comparable(text[start:end]) not in self.keep:
                names.append(Span(start, end, "NAME", person))
        return [span for span in without_overlaps((*structured, *_merged(names))) if not self._stays(span)]

    def _settled(self, span: Span, kinds: Mapping[str, str]) -> Span:
        if span.kind != "NUMBER" and span.kind not in NUMBERED:
            return span
        told = kinds.get(span.value) or (span.kind if span.kind != "NUMBER" else None)
        kind = told or self.facts.prefixes.get(prefix_of(span.value))
        return replace(span, kind=kind) if kind else span

    def _stays(self, span: Span) -> bool:
        if _comparable(span.value) in self.keep:
            return True
        if span.kind == "PHONE" and any(value.endswith(span.value) for value in self.keep if value.isdigit()):
            return True
        return span.kind in PUBLIC_KINDS and (span.kind, span.value) in self.facts.public


class _Given:
    """The placeholders that a conversation's values have been given so far."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()

    def of(self, span: Span) -> str:
        """The placeholder of a value: a new one at its first appearance."""
        value = span.kind, span.value
        if value not in self.values:
            self._numbers[span.kind] += 1
            self.values[value] = f"<{span.kind}_{self._numbers[span.kind]}>"
        return self.values[value]


def _replaced(text: str, spans: Sequence[Span], given: _Given) -> str:
    if not spans:
        return text
    pieces, position = [], 0
    for span in spans:
        pieces += [text[position : span.start], given.of(span)]
        position = span.end
    return "".join(pieces) + text[position:]


def _merged(names: Sequence[Span]) -> list[Span]:
    """Names without overlaps: those that overlap are one, and the person is the one that was found first."""
    kept: list[tuple[int, Span]] = []
    for order, name in sorted(enumerate(names), key=lambda item: item[1].start):
        if kept and name.start < kept[-1][1].end:
            first, last = min(kept[-1], (order, name), key=lambda item: item[0]), kept.pop()[1]
            span = Span(last.start, max(last.end, name.end), "NAME", first[1].value)
            kept.append((first[0], span))
        else:
            kept.append((order, name))
    return [name for _, name in kept]


def _comparable(value: str) -> str:
    plain = "".join(value.split()).casefold()
    digits = digits_of(plain)
    return digits[-_TAIL:] if len(digits) >= 7 and not any(c.isalpha() for c in plain) else plain


def public_id(name: str) -> str:
    """A conversation's id, or a hash of it where the log uses a phone number or an address of e-mail as id."""
    if any(span.kind in ("EMAIL", "PHONE", "ID", "CARD") for span in find_structured(name)):
        return "c" + hashlib.sha256(name.encode()).hexdigest()[:12]
    return name
