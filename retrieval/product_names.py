"""Products that a message names, as the shop writes them: whole, shortened, in the plural, or misspelt."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

CLOSE = 82
"""Of 100, in ``rapidfuzz.fuzz.ratio``: a word of six letters or more may have one wrong."""

MOST_OF_IT = 0.75
"""Share of a name's words that stand for it where its first one is not said."""

REACH = 4
"""Words between the first and the last that are said of a name."""

_WORD = re.compile(r"-?\d+|[A-Za-z]+(?:'[a-z]+)?", re.ASCII)
_HAN = re.compile(r"[一-鿿]")
_LONG = 6


@dataclass(frozen=True)
class Named:
    """A product that a text names.

    Attributes:
        name: As the shop writes it.
        start: First character.
        end: One past the last.
    """

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class _Place:
    """Where a text names a product, and how many of its words or characters it says."""

    name: str
    said: int
    share: float
    start: int
    end: int


class ProductNames:
    """Names of a shop's products, in any language.

    Args:
        names: As the catalogue, the answers or the order service write them.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        self._han: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            if _HAN.search(name) and len(name) > 2:
                self._han[name[:2]].append(name)
        latin = [name for name in self.names if not _HAN.search(name)]
        self._words = {name: tuple(dict.fromkeys(folded(m.group()) for m in _WORD.finditer(name))) for name in latin}
        self._counts = Counter(word for words in self._words.values() for word in words)
        self._by_word: dict[str, list[str]] = defaultdict(list)
        for name, words in self._words.items():
            for word in words:
                self._by_word[word].append(name)
        self._long = [word for word in self._by_word if len(word) >= _LONG and word.isalpha()]

    def find(self, text: str) -> list[Named]:
        """The products that a text names for certain, in its order; what fits two products is left out."""
        places = [*self._latin_places(text), *self._han_places(text)]
        kept: list[_Place] = []
        for place in sorted(places, key=lambda p: (-p.said, -p.share)):
            rivals = [other for other in places if other.name != place.name and _overlap(other, place)]
            if any(other.said >= place.said and other.share >= place.share for other in rivals):
                continue
            if not any(_overlap(place, other) for other in kept):
                kept.append(place)
        return [Named(p.name, p.start, p.end) for p in sorted(kept, key=lambda p: p.start)]

    def _latin_places(self, text: str) -> Iterator[_Place]:
        said = [(self._meant(folded(m.group())), *m.span()) for m in _WORD.finditer(text)]
        near = {name for word, *_ in said for name in self._by_word.get(word, ())}
        for name in near:
            places = [place for first in range(len(said)) if (place := self._place(name, said[first:])) is not None]
            if places:
                yield max(places, key=lambda p: (p.said, p.start - p.end))

    def _meant(self, word: str) -> str:
        """The word of a name that is meant, allowing for a slip in a long one."""
        if word in self._by_word or len(word) < _LONG - 1 or not word.isalpha() or not self._long:
            return word
        from rapidfuzz import fuzz, process

        hit = process.extractOne(word, self._long, scorer=fuzz.ratio, score_cutoff=CLOSE)
        return str(hit[0]) if hit else word

    def _place(self, name: str, said: Sequence[tuple[str, int, int]]) -> _Place | None:
        """The name where its first said word is the first of ``said``; None where too little of it follows."""
        words = self._words[name]
        if said[0][0] not in words:
            return None
        taken, end, last = {said[0][0]}, said[0][2], words.index(said[0][0])
        for word, _, stop in said[1 : len(words) + REACH]:
            if word in words[last + 1 :]:
                taken.add(word)
                end, last = stop, words.index(word)
        share = len(taken) / len(words)
        whole = share == 1 and (len(words) > 1 or len(words[0]) >= _LONG)
        first = words[0] in taken and not words[0].isdigit() and len(taken) > 1
        if whole or first or (len(taken) > 1 and share >= MOST_OF_IT and self._tells(taken)):
            return _Place(name, len(taken), share, said[0][1], end)
        return None

    def _tells(self, taken: Iterable[str]) -> bool:
        return any(self._counts[word] == 1 and not word.lstrip("-").isdigit() for word in taken)

    def _han_places(self, text: str) -> Iterator[_Place]:
        """Chinese names are shortened by leaving characters out, but not the first two: 细雨雨衣 for 细雨轻量雨衣."""
        for start in range(len(text) - 1):
            for name in self._han.get(text[start : start + 2], ()):
                end, place = start + 2, 2
                while end < len(text) and (step := name.find(text[end], place)) >= 0:
                    end, place = end + 1, step + 1
                said = end - start
                if said >= min(4, len(name)) or (said == 3 and place == len(name)):
                    yield _Place(name, said, said / len(name), start, end)


def _overlap(one: _Place, other: _Place) -> bool:
    return one.start < other.end and other.start < one.end


def folded(word: str) -> str:
    """Lower case, without the ending of the plural and of a possessive."""
    low = re.sub(r"'s?$", "", word.casefold())
    if len(low) > 3 and low.endswith("s") and not low.endswith("ss"):
        return low[:-2] if low.endswith(("ches", "shes", "xes")) else low[:-1]
    return low
