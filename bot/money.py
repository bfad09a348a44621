"""Amounts of money: what Duckling found, with the currency as it was written, and bare prices such as ``49.90``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.mention import Mention
from bot.rewriting import Rule

_NUMBER = r"\d[\d,]*(?:\.\d+)?"

EUROPEAN: tuple[Rule, ...] = (
    (re.compile(r"(?<![\d.,])(\d{1,3})\.(\d{3}),(\d\d)(?![\d.,])"), r"\1,\2.\3"),
    (re.compile(r"(?<![\d.,])(\d{1,4}),(\d\d)(?![\d.,])"), r"\1.\2"),
)
"""``1.299,00`` and ``49,90``."""

ENGLISH_MONEY: tuple[Rule, ...] = (
    *EUROPEAN,
    (re.compile(r"\b(?:quid)\b", re.IGNORECASE), "pounds"),
    (re.compile(r"\b(?:bucks?|swiss francs?)\b", re.IGNORECASE), "dollars"),
    (re.compile(r"\b(?:CHF|AUD|CAD|SEK|NOK|DKK|PLN|HKD|NZD|SGD)\b"), "USD"),
)
"""Currencies that Duckling does not know, as one that it knows: the original says which it is."""

CHINESE_MONEY: tuple[Rule, ...] = (
    *EUROPEAN,
    (re.compile(r"毫(?=[米升克安])"), "m"),
    (re.compile(rf"(?:人民币|RMB|CNY|港币|港元|HK\$|US\$|[￥¥$€£])\s*({_NUMBER})(?!\s*[元块万千])", re.I), r"\1元"),
    (
        re.compile(
            r"(?<=[\d一二三四五六七八九十百千万两])\s*(?:人民币|RMB|[欧美日港]元|美金|日圆|英镑|港币|欧(?!洲)|刀)"
        ),
        "元",
    ),
    (re.compile(r"元(?=[一二两三四五六七八九][双件个条只套顶把瓶天次])"), "元，"),
    (re.compile(r"(?<=[\d一二三四五六七八九十百千万两])(?:多|来|几)(?=[元块])"), ""),
)
"""The same for Chinese, where Duckling knows 元 and 块 alone."""

_CURRENCIES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(pattern, re.IGNORECASE))
    for code, pattern in (
        ("CHF", r"chf|franc"),
        ("HKD", r"hkd|hk\$|港"),
        ("AUD", r"aud"),
        ("CAD", r"cad"),
        ("NZD", r"nzd"),
        ("SGD", r"sgd"),
        ("SEK", r"sek"),
        ("NOK", r"nok"),
        ("DKK", r"dkk"),
        ("PLN", r"pln"),
        ("EUR", r"€|eur|欧"),
        ("GBP", r"£|gbp|pound|quid|pence|英镑"),
        ("JPY", r"jpy|yen|日元|日圆|円"),
        ("INR", r"₹|inr|rupee"),
        ("USD", r"\$|usd|dollar|buck|cent|美元|美金|刀"),
        ("CNY", r"[￥¥]|cny|rmb|yuan|人民币|元|块|毛|角"),
    )
)

_WEIGHS = re.compile(r"\b(?:weigh\w*|heavy|heavier|lift\w*|lose|lost|load)\b", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![\d.,:/A-Za-z-])(?<!version )(?<!v)\d{1,5}\.\d\d"
    r"(?![\d:/]|[.,]\d|\s*(?:%|m\b|cm|mm|km|kg|g\b|l\b|ml|lit|am\b|pm\b|h\b|inch|\"|米|公斤|斤|升|克|寸|点|版))",
    re.IGNORECASE,
)

_CLOCK = re.compile(r"(?:[01]?\d|2[0-3])\.[0-5]\d")


def amounts(found: Mapping[str, Any], text: str, clause: str, span: tuple[int, int]) -> Iterator[Mention]:
    """The amount that Duckling found, or both ends of a span.

    Args:
        found: Duckling's.
        text: The customer's.
        clause: The clause it was found in: two hundred pounds may be a weight.
        span: Where it stands in ``text``.
    """
    value, said = found["value"], text[slice(*span)]
    ends = [value] if "value" in value else [value[end] for end in ("from", "to") if end in value]
    currency = currency_of(said)
    if not currency or (currency == "GBP" and "ound" in said and _WEIGHS.search(clause)):
        return
    for end in ends:
        number = end["value"] / 100 if end.get("unit") == "cent" else end["value"]
        if end.get("unit") == "cent" and not re.search(r"cent|¢|penn|pence|毛|角|分", said, re.IGNORECASE):
            return
        yield Mention("amount", f"{number:.2f} {currency}", *span)


def currency_of(said: str) -> str:
    """ISO code of the currency that words or signs name; empty where none does."""
    return next((code for code, pattern in _CURRENCIES if pattern.search(said)), "")


def bare_amounts(text: str) -> Iterator[Mention]:
    """Prices without a currency: a number with two decimals that is no time, size, date or version."""
    for match in _BARE.finditer(text):
        if _CLOCK.fullmatch(match.group()) and text[: match.start()].endswith(("at ", "@ ")):
            continue
        yield Mention("amount", match.group(), *match.span())
