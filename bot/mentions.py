"""What a message mentions that needs no learning: order numbers, addresses, days, amounts, products, its language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from bot.mention import Mention
from bot.order_numbers import find_order_numbers

if TYPE_CHECKING:
    from retrieval.product_names import ProductNames

__all__ = ["Mention", "detect_language", "find_mentions", "only_details"]

_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_CJK = re.compile(r"[一-鿿]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_SMALL_WORDS = re.compile(
    r"\b(?:my|the|is|it['’]?s|it|and|order|orders|number|no|email|e-mail|mail|address|here|this|under|with|ordered|used)\b"
    r"|我的|我|的|是|订单号?|单号|编号|号码|邮箱|电子邮件|和|下单|用",
    re.IGNORECASE,
)
FREE_TEXT = ("new_address", "return_reason", "complaint_text")
"""Slots that take any words; digits in them are a postcode or a size rather than an order."""

LANGUAGE_WORDS = 3
"""So many Latin words make a message English for certain; fewer ("ok", a product's name) change no language."""


def find_mentions(
    text: str,
    *,
    asked: str | None = None,
    language: str | None = None,
    now: datetime | None = None,
    products: ProductNames | None = None,
) -> list[Mention]:
    """Finds order numbers, e-mail addresses, days, amounts of money, products, and the language.

    Args:
        text: What the customer wrote.
        asked: The slot that was just asked for. An answer to "what is your order number?" may be shorter or hold
            blanks, and may look like a year.
        language: The conversation's so far, kept where the text alone does not tell.
        now: In the shop's own time: what "yesterday" is. None: days and amounts are not looked for.
        products: The shop's. None: products are not looked for.

    Returns:
        Kind by kind; within a kind in the order of the text, but a corrected order number ("no, I meant 4712") first.
        At most one language.

    Raises:
        InputError: ``now`` is given and Duckling is not installed.
    """
    addresses = [Mention("email", match.group().lower(), *match.span()) for match in _EMAIL.finditer(text)]
    rest = blanked(text, addresses)
    spoken = detect_language(rest, language)
    if asked == "new_address" and language == "zh" and re.search(r"\d", rest) and not _CJK.search(rest):
        spoken = None  # an address abroad is written in its own script, whoever writes it
    named = [Mention("product", p.name, p.start, p.end) for p in products.find(rest)] if products is not None else []
    numbers = find_order_numbers(blanked(rest, named), asked=asked == "order_number", named_only=asked in FREE_TEXT)
    found = [*numbers, *addresses]
    if now is not None:
        from bot.quantities import find_quantities

        left = blanked(rest, [*numbers, *named])
        found += find_quantities(left, language=spoken or language or "en", now=now)
    found += named
    if spoken:
        found.append(Mention("language", spoken, 0, len(text)))
    return found


def blanked(text: str, mentions: Iterable[Mention]) -> str:
    """The text with mentions as blanks, so that what follows keeps its place and is not read twice."""
    for mention in mentions:
        text = text[: mention.start] + " " * (mention.end - mention.start) + text[mention.end :]
    return text


def detect_language(text: str, before: str | None = None) -> str | None:
    """Tells Chinese from the rest by its script.

    Args:
        text: Without e-mail addresses, which are Latin in every language.
        before: The conversation's language so far.

    Returns:
        ``zh``, ``en``, or None when the text alone does not tell: a number, or a word that any language borrows.
    """
    if _CJK.search(text):
        return "zh"
    words = len(_LATIN_WORD.findall(text))
    if words >= LANGUAGE_WORDS or (words and before in (None, "en")):
        return "en"
    return None


def only_details(text: str) -> bool:
    """True when a text says nothing beside an order number or an e-mail address: it answers or begins a look-up."""
    details = [mention for mention in find_mentions(text) if mention.kind != "language"]
    rest = text
    for mention in sorted(details, key=lambda m: -m.start):
        rest = rest[: mention.start] + " " + rest[mention.end :]
    return bool(details) and not re.search(r"\w", _SMALL_WORDS.sub(" ", rest))
