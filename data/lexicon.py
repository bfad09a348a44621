"""Lists of first and last names, common words and places, read from the package Faker (MIT) when first needed.

Nothing of them is copied into this project: a newer Faker brings its newer lists. Names in Chinese characters
are left out: `data.names` and a tagger tell them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

_EAST_ASIAN = "\u2e80"
"""First of the characters that no word of these lists may hold."""


@dataclass(frozen=True)
class Lexicon:
    """Words in small letters.

    Attributes:
        first: First names of some eighty countries.
        last: Last names of them.
        words: The thousand commonest English words, some of which are names too ("will", "art").
        places: Countries and towns; of more than one word too.
        lands: Countries and states only: a name that is also a village's stays a name, Jordan does not.
    """

    first: frozenset[str]
    last: frozenset[str]
    words: frozenset[str]
    places: frozenset[str]
    lands: frozenset[str]

    @property
    def streets(self) -> frozenset[str]:
        """What streets are called in many languages: ``strasse``, ``rua``, ``via``, ``gade``."""
        return _streets()


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Reads the lists: 0.3 s, once a process."""
    words = import_module("faker.providers.lorem.en_US").Provider.word_list
    return Lexicon(
        first=_names("first_names"),
        last=_names("last_names"),
        words=frozenset(word.lower() for word in words),
        places=frozenset(_lower(_listed("faker.providers.address", ("countries", "cities", "states")))),
        lands=frozenset(_lower(_listed("faker.providers.address", ("countries", "states")))),
    )


@lru_cache(maxsize=1)
def _streets() -> frozenset[str]:
    found = _lower(_listed("faker.providers.address", ("street_suffix", "street_prefix")))
    return frozenset(word.strip(" .") for word in found if len(word.strip(" .")) > 2)


def _names(attribute: str) -> frozenset[str]:
    found: set[str] = set()
    for name in _lower(_listed("faker.providers.person", (attribute,))):
        if len(name) > 2 and not name.isdigit():
            found.update(part for part in (name, *name.split(" ")) if len(part) > 2)
    return frozenset(found)


def _listed(package: str, attributes: tuple[str, ...]) -> Iterator[str]:
    for module in iter_modules(import_module(package).__path__):
        provider = import_module(f"{package}.{module.name}").Provider
        for name in dir(provider):
            if any(part in name for part in attributes):
                yield from _strings(getattr(provider, name))


def _strings(value: object) -> Iterator[str]:
    """Lists hold words, or tuples of a word and a number; methods of the same names hold nothing."""
    if not isinstance(value, (tuple, list, set, frozenset, dict)):
        return
    for item in value:
        if isinstance(item, str):
            yield item
        elif isinstance(item, (tuple, list)):
            yield from (part for part in item if isinstance(part, str))


def _lower(words: Iterable[str]) -> set[str]:
    """Each list stands in several places: a word is looked at once."""
    return {word.lower() for word in set(words) if word and "{" not in word and _is_western(word)}


def _is_western(word: str) -> bool:
    return word.isascii() or max(word) < _EAST_ASIAN
