"""What a log tells about the shop itself: who its agents are, which contacts and words are everybody's.

Redaction needs this before it sees the first message. `ShopFacts` gathers it in one pass, in several processes if need
be: parts are merged, and the result does not depend on how the log was divided. `SettledFacts` is what is kept on disk
beside a dataset, for the growth of its log. It holds no customer's data: contacts that agents give to everybody,
words that many conversations write in small letters, and agents' names as keyed hashes only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from data.names import NO_NAMES, author_names, inner_words, is_han, may_stand_small, name_words, spoken_names
from data.names_zh import surname_pairs
from data.patterns import find_structured, host_of, links
from data.people import mark
from data.schema import Conversation

PUBLIC = 3
"""In how many conversations agents must give out a contact, unasked, for it to be the shop's own."""

SAMPLED = 3000
"""How many conversations, evenly spaced, are enough to observe in full."""

COMMON = 5
"""In how many conversations a word must be written small to be no name."""

COMMON_SHARE = 200
"""One conversation in so many must hold a Chinese pair: 王小 starts several people's names in any large log."""

TITLED = 10
"""In how many conversations a word must be written large inside sentences to be a product's or a street's ..."""

CUED = 20
"""... if at most one in so many of them uses it as a name ("Hi Murray", "my name is Murray")."""

PUBLIC_KINDS = frozenset(("EMAIL", "PHONE", "URL", "ADDRESS", "IBAN", "NUMBER"))
NUMBERED = frozenset(("ORDER", "TICKET", "TRACKING", "INVOICE", "BOOKING", "CUSTOMER", "ACCOUNT"))

Value = tuple[str, str]
"""Kind and canonical value."""


@dataclass(frozen=True)
class SettledFacts:
    """What redaction needs to know of a shop; safe to store.

    Attributes:
        agents: Mark of each word (in Chinese: each whole name) of agents' names, to the mark of the person.
        initials: First characters of agents' Chinese names; only there is a name looked for.
        lengths: How long those names are, in characters.
        public: Contacts that stay, and as ``HOST`` the sites that agents link to.
        prefixes: Letters that the shop's numbers begin with, to what they number: ``NT`` to ``ORDER``.
        common: Words that are no names even where they stand like one.
        titled: Words that many conversations write large but do not use as names: products, firms, streets.
    """

    agents: Mapping[str, str] = field(default_factory=dict)
    initials: frozenset[str] = frozenset()
    lengths: tuple[int, ...] = ()
    public: frozenset[Value] = frozenset()
    prefixes: Mapping[str, str] = field(default_factory=dict)
    common: frozenset[str] = frozenset()
    titled: frozenset[str] = frozenset()

    def with_agents(self, growth: ShopFacts) -> SettledFacts:
        """The same facts with the agents that the growth of a log brought; the rest stays as it was settled.

        So a contact or word is treated in the growth as in the log before it, and old rows need no second look.
        """
        return replace(
            self,
            agents=_sorted({**growth.agents, **self.agents}),
            initials=self.initials | growth.initials,
            lengths=tuple(sorted({*self.lengths, *growth.lengths})),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns sorted, JSON-able values: equal facts are equal files."""
        return {
            "agents": dict(_sorted(self.agents)),
            "initials": sorted(self.initials),
            "lengths": list(self.lengths),
            "public": sorted(map(list, self.public)),
            "prefixes": dict(_sorted(self.prefixes)),
            "common": sorted(self.common),
            "titled": sorted(self.titled),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> SettledFacts:
        """Reads what ``to_json`` wrote.

        Raises:
            KeyError: A part is missing.
        """
        return cls(
            agents=dict(row["agents"]),
            initials=frozenset(row["initials"]),
            lengths=tuple(row["lengths"]),
            public=frozenset((kind, value) for kind, value in row["public"]),
            prefixes=dict(row["prefixes"]),
            common=frozenset(row["common"]),
            titled=frozenset(row["titled"]),
        )


class ShopFacts:
    """Gathers what a log tells about the shop; a part of a log, or several merged.

    Args:
        key: The workspace's secret: agents' names are kept as its keyed hashes from the first moment.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.agents: dict[str, str] = {}
        self.initials: set[str] = set()
        self.lengths: set[int] = set()
        self._authors: set[str] = set()
        self._small: Counter[str] = Counter()
        self._large: Counter[str] = Counter()
        self._cued: Counter[str] = Counter()
        self._pairs: Counter[str] = Counter()
        self._observed = 0
        self._told: Counter[Value] = Counter()
        self._asked: set[Value] = set()
        self._votes: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def observe_authors(self, conversation: Conversation) -> None:
        """Notes the agents' names; cheap, for every conversation of a log.

        Agents are mentioned in conversations that they did not take part in.
        """
        for message in conversation.messages:
            if message.role == "agent" and message.author and message.author not in self._authors:
                self._authors.add(message.author)
                self._note_agent(message.author)

    def _note_agent(self, author: str) -> None:
        names = author_names(author)
        whole = max(names, key=len, default="")
        person = mark(self.key, "NAME", whole.lower())
        for name in names:
            if is_han(name):
                self.initials.add(name[0])
                self.lengths.add(len(name))
            elif " " in name or name.lower() in NO_NAMES:
                continue
            token = mark(self.key, "NAME", name.lower())
            self.agents[token] = min(person, self.agents.get(token, person))  # the same whoever came first

    def observe(self, conversation: Conversation) -> None:
        """Notes words, contacts and numbers; for up to ``SAMPLED`` conversations, evenly spaced over the log."""
        self._observed += 1
        small: set[str] = set()
        large: set[str] = set()
        cued: set[str] = set()
        pairs: set[str] = set()
        seen: set[Value] = set()
        for message in conversation.messages:
            for word in inner_words(message.text):
                (small if word.islower() else large).add(word.lower())
            if not message.text.isascii():
                pairs |= surname_pairs(message.text)
            cued.update(part for name in spoken_names(message.text) for part in name.lower().split())
            for host in {host_of(link.value) for link in links(message.text)}:
                self._told["HOST", host] += message.role == "agent"
            for span in find_structured(message.text):
                value = span.kind, span.value
                if span.kind in NUMBERED and (prefix := prefix_of(span.value)):
                    self._votes[prefix][span.kind] += 1
                if span.kind in PUBLIC_KINDS and value not in seen:
                    seen.add(value)
                    if message.role == "agent":
                        self._told[value] += 1
                    else:
                        self._asked.add(value)
        self._small.update(small)
        self._large.update(large)
        self._cued.update(cued)
        self._pairs.update(pairs)

    def merge(self, other: ShopFacts) -> None:
        """Adds what another part of the log told.

        Raises:
            ValueError: The other part was hashed with another key.
        """
        if other.key != self.key:
            raise ValueError("facts of one log must share one key")
        for token, person in other.agents.items():
            self.agents[token] = min(person, self.agents.get(token, person))
        self.initials |= other.initials
        self.lengths |= other.lengths
        self._authors |= other._authors
        self._small.update(other._small)
        self._large.update(other._large)
        self._cued.update(other._cued)
        self._pairs.update(other._pairs)
        self._observed += other._observed
        self._told.update(other._told)
        self._asked |= other._asked
        for prefix, votes in other._votes.items():
            self._votes[prefix].update(votes)

    def settled(self) -> SettledFacts:
        """What redaction needs of all that; customers' values and names in the clear are left behind.

        A contact is the shop's own when agents gave it out in ``PUBLIC`` conversations before any customer did. A
        value that some customer brought up first is that customer's, unless agents give it out all the time.
        """
        often = {value for value, count in self._told.items() if count >= PUBLIC}
        public = {value for value in often if value not in self._asked or self._told[value] >= 10 * PUBLIC}
        return SettledFacts(
            agents=_sorted(self.agents),
            initials=frozenset(self.initials),
            lengths=tuple(sorted(self.lengths)),
            public=frozenset(public),
            prefixes=_sorted({prefix: _winner(votes) for prefix, votes in self._votes.items()}),
            common=frozenset(self._common()),
            titled=frozenset(w for w, n in self._large.items() if n >= TITLED and CUED * self._cued[w] < n),
        )

    def _common(self) -> Iterator[str]:
        """Latin words written small, and surnames with a character that so many conversations put after them."""
        yield from (word for word, n in self._small.items() if n >= COMMON and n > 3 * self._large[word])
        enough = max(COMMON, self._observed / COMMON_SHARE)
        yield from (pair for pair, n in self._pairs.items() if n >= enough)


def facts_of(conversations: Iterable[Conversation], key: bytes) -> SettledFacts:
    """The facts of a log that is small enough to be observed as a whole, in one process."""
    facts = ShopFacts(key)
    for conversation in conversations:
        facts.observe_authors(conversation)
        facts.observe(conversation)
    return facts.settled()


def prefix_of(value: str) -> str:
    """The letters that a number begins with."""
    return value[: next((i for i, c in enumerate(value) if c.isdigit()), len(value))]


def _winner(votes: Counter[str]) -> str:
    return min(votes, key=lambda kind: (-votes[kind], kind))


def _sorted(items: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(items.items()))


class AgentFinder:
    """Finds agents' names in texts, knowing only their marks.

    Each word that could be a name is marked with the key and looked up; a word is marked once a process.

    Args:
        facts: Of the shop.
        key: The one the facts were made with.
    """

    def __init__(self, facts: SettledFacts, key: bytes) -> None:
        self.facts, self.key = facts, key
        self._known: dict[str, str | None] = {}
        self._latin = bool(facts.agents)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yields (start, end, person); neighbouring words of one person are one name."""
        if not self._latin:
            return
        start, end, person = -1, -1, ""
        for begin, finish, word in name_words(text):
            found = self._person(word) if word[0].isupper() or may_stand_small(word) else None
            if found is not None and found == person and text[end:begin] in (" ", ". "):
                end = finish
                continue
            if person:
                yield start, end, person
            start, end, person = (begin, finish, found) if found is not None else (-1, -1, "")
        if person:
            yield start, end, person
        if self.facts.initials and not text.isascii():
            yield from self._find_han(text)

    def _find_han(self, text: str) -> Iterator[tuple[int, int, str]]:
        position = 0
        for start, character in enumerate(text):
            if start < position or character not in self.facts.initials:
                continue
            for length in reversed(self.facts.lengths):
                if start + length <= len(text) and (person := self._person(text[start : start + length])):
                    position = start + length
                    yield start, position, person
                    break

    def _person(self, word: str) -> str | None:
        small = word.lower()
        if small not in self._known:
            if len(self._known) > 200_000:
                self._known.clear()  # a log of endless new words must not grow the process
            self._known[small] = self.facts.agents.get(mark(self.key, "NAME", small))
        return self._known[small]

    def __getstate__(self) -> dict[str, Any]:
        """Without what was looked up, which would make each process's copy large."""
        return {**self.__dict__, "_known": {}}
