"""Reads the phrase books: what customers ask and agents answer, written by hand, one file a subject.

A book is plain text. ``== topic items weight [heated]`` begins a topic, ``-- part`` one of its questions, and every
other line is a phrase whose first character says who could say it:

    ``?`` a customer's question   ``+`` the same as a follow-up   ``!`` an agent's answer   ``~`` an agent asks back
    ``<`` what the customer then gives   ``>`` the personal reply to it   ``*`` any other phrase
    ``=`` a regular expression that each answer of the part must match: the fact it states

``[a|b]`` is one of the alternatives and ``{slot}`` is filled by the conversation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
KINDS = "?+!~<>*="
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Part:
    """One sub-question of a topic with all its phrases.

    Attributes:
        topic: The help desk's tag.
        name: Unique within the topic.
        items: Section of ``items.txt`` that ``{item}`` is drawn from, or ``any``.
        lines: Phrases by kind (see the module's docstring).
    """

    topic: str
    name: str
    items: str
    lines: Mapping[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def key(self) -> str:
        """``topic.part``."""
        return f"{self.topic}.{self.name}"


@dataclass(frozen=True)
class Topic:
    """A subject customers write about.

    Attributes:
        name: The help desk's tag.
        weight: How often it comes up, compared with the others.
        parts: Its sub-questions.
        heated: Customers get angry over it; about the other topics they only want someone who knows more.
    """

    name: str
    weight: int
    parts: list[Part] = field(default_factory=list)
    heated: bool = False


def read_book(path: Path) -> list[Topic]:
    """Reads one phrase book.

    Raises:
        ValueError: A line begins with an unknown character or stands outside a part.
    """
    topics: list[Topic] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("== "):
            name, items, weight, *moods = line[3:].split()
            topics.append(Topic(name, int(weight), heated="heated" in moods))
        elif line.startswith("-- "):
            topics[-1].parts.append(Part(topics[-1].name, line[3:].strip(), items))
        elif line.strip() and not line.startswith("#"):
            if line[0] not in KINDS or line[1:2] != " " or not topics or not topics[-1].parts:
                raise ValueError(f"{path.name}:{number}: expected '== topic', '-- part' or one of {KINDS}: {line!r}")
            topics[-1].parts[-1].lines[line[0]].append(line[2:].strip())
    return topics


def read_topics(language: str) -> list[Topic]:
    """All topics of a language, in the order of the files' names; ``common.txt`` apart."""
    books = sorted(path for path in (FOLDER / language).glob("*.txt") if path.name != "common.txt")
    return [topic for path in books for topic in read_book(path)]


def read_common(language: str) -> dict[str, list[str]]:
    """Greetings, thanks, hand-overs and the rest that belongs to no topic, by name."""
    return {part.name: part.lines["*"] for topic in read_book(FOLDER / language / "common.txt") for part in topic.parts}


def read_words(path: Path) -> dict[str, list[str]]:
    """Lists of single words, by name."""
    parts = [part for topic in read_book(path) for part in topic.parts]
    return {part.name: [word for line in part.lines["*"] for word in line.split()] for part in parts}


def expand(rng: random.Random, phrase: str, slots: Mapping[str, Sequence[str]]) -> str:
    """Chooses among ``[a|b]`` and fills ``{slot}``; a slot with several values is drawn anew each time."""
    while _CHOICE.search(phrase):
        phrase = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), phrase, count=1)
    return _SLOT.sub(lambda match: rng.choice(slots[match[1]]), phrase)


class Decks:
    """Draws without repeating: each list is shuffled, dealt to its end, and shuffled again."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._left: dict[str, list[str]] = {}

    def draw(self, key: str, phrases: Sequence[str]) -> str:
        """The next phrase of the deck named ``key``."""
        left = self._left.setdefault(key, [])
        if not left:
            left.extend(phrases)
            self._rng.shuffle(left)
        return left.pop()
