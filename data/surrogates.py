"""Realistic values instead of placeholders: ``<NAME_1>`` becomes a name, ``<PHONE_1>`` a number that nobody has.

They are made from placeholders, not from what stood there before, so that nothing of it can shine through. The same
placeholder gets the same value within its conversation, in its language, in every run with the same key. What could
reach somebody is taken from ranges that are reserved or not assigned: example.com, 07700 900…, test networks, card and
id numbers that fail their checksums.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

from data.patterns import is_luhn
from data.people import mark
from data.schema import Conversation

PLACEHOLDER = re.compile(r"<([A-Z]+)_(\d+)>")
_TITLE_ZH = re.compile(r"先生|女士|小姐|太太|经理|师傅")


def fill(conversation: Conversation, key: bytes) -> Conversation:
    """Returns a redacted conversation with surrogates in the place of its placeholders.

    Args:
        conversation: After `data.redact.Redactor.redact`.
        key: The workspace's; without it nobody can tell which values were made up from which placeholder.
    """
    chinese = (conversation.language or "").startswith("zh")

    def value(match: re.Match[str]) -> str:
        found = surrogate(match.group(1), mark(key, "surrogate", f"{conversation.id}:{match.group()}"), chinese=chinese)
        if chinese and match.group(1) == "NAME" and _TITLE_ZH.match(match.string, match.end()):
            return found[0]  # 王先生, not 王小明先生
        return found

    messages = tuple(replace(m, text=PLACEHOLDER.sub(value, m.text)) for m in conversation.messages)
    return replace(conversation, messages=messages)


def surrogate(kind: str, seed: str, *, chinese: bool) -> str:
    """A made-up value of a kind; a number of six digits for kinds without a shape of their own.

    Args:
        kind: Of the placeholder: ``NAME``, ``EMAIL`` ...
        seed: Equal seeds give equal values.
        chinese: Whether the text around it is.
    """
    chance = Random(seed)
    if kind in ("NAME", "ADDRESS", "EMAIL"):
        return _faked(kind, chance.getrandbits(63), chinese=chinese)
    if kind == "PHONE":
        return f"100{_digits(chance, 8)}" if chinese else f"07700 900{_digits(chance, 3)}"
    return _MAKERS[kind](chance) if kind in _MAKERS else _digits(chance, 6)


def _faked(kind: str, seed: int, *, chinese: bool) -> str:
    fake = _faker("zh_CN" if chinese and kind != "EMAIL" else "en_GB")
    fake.seed_instance(seed)
    if kind == "EMAIL":
        return str(fake.ascii_safe_email())
    if kind == "NAME":
        return str(fake.name() if chinese else fake.first_name())
    if chinese:
        return f"{fake.city()}{fake.street_name()}{fake.random_int(1, 300)}号"
    return str(fake.street_address()).replace("\n", ", ")


@lru_cache(maxsize=2)
def _faker(locale: str) -> Any:
    """Made once a process: it takes 50 ms."""
    from faker import Faker

    return Faker(locale)


def _digits(chance: Random, count: int) -> str:
    return "".join(chance.choices("0123456789", k=count))


def _word(chance: Random) -> str:
    return "".join(chance.choices("bcdfghjkmnpqrstvwxz", k=6))


def _card(chance: Random) -> str:
    """Sixteen digits that fail Luhn's check, so that no form takes them."""
    number = f"4000 0000 {_digits(chance, 4)} 0000"
    return number[:-1] + "1" if is_luhn(number.replace(" ", "")) else number


_MAKERS: dict[str, Callable[[Random], str]] = {
    "CARD": _card,
    "IBAN": lambda chance: f"ZZ00 TEST {_digits(chance, 4)} {_digits(chance, 4)} {_digits(chance, 4)}",
    "IP": lambda chance: f"203.0.113.{chance.randint(1, 254)}",
    "URL": lambda chance: f"https://example.com/{_word(chance)}",
    "ID": lambda chance: f"9{_digits(chance, 2)}-00-{_digits(chance, 4)}",
    "BIRTHDATE": lambda chance: f"{chance.randint(1950, 2005)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
    "PASSWORD": lambda chance: f"{_word(chance)}{_digits(chance, 2)}",
    "ORDER": lambda chance: f"X-{_digits(chance, 6)}",
}
