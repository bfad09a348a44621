"""What a clause claims beyond its words: quantities, names, denial, and relations such as ``before`` and ``at least``.

English and Chinese. Two clauses that share their words and differ in one of these say different things.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

Quantity = tuple[str, str]
"""A number in digits and its unit, or an empty unit."""

_EN = {
    word: str(value)
    for value, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}
_ZH = {character: str(value) for value, character in enumerate("零一二三四五六七八九十")} | {"两": "2", "半": "0.5"}
_UNITS = (
    ("workday", r"(?:working|business) days?|个?工作日"),
    ("day", r"days?|天|日(?!休|志|常)"),
    ("hour", r"hours?|个?小时"),
    ("minute", r"minutes?|分钟"),
    ("week", r"weeks?|个?星期|周(?![一二三四五六日天])"),
    ("month", r"months?|个月|月"),
    ("year", r"years?|年"),
    ("euro", r"euros?|eur\b|€"),
    ("dollar", r"(?:us )?dollars?|usd|\$|美元"),
    ("yuan", r"yuan|元|块|¥|rmb"),
    ("percent", r"%|percent|per cent"),
    ("off", r"折"),
    ("degree", r"degrees?|°c?|度"),
    ("kilo", r"kg|kilos?|公斤|千克"),
    ("people", r"people|persons?|人"),
    ("clock", r"(?:a|p)\.?m\b\.?|o'clock|点"),
    ("size", r"sizes?|码"),
    ("point", r"points?|积分"),
)
_UNIT = "|".join(f"(?P<{name}>{pattern})" for name, pattern in _UNITS)
_NUMBER = r"\d+(?:[.,:]\d+)*"
_RANGE = rf"(?:\s*(?:to|-|–|~|or|and|到|至)\s*(?:{_NUMBER}|{'|'.join(_EN)}|[一二三四五六七八九十两]))?"
_AFTER = re.compile(rf"{_RANGE}\s?-?(?:{_UNIT})", re.IGNORECASE)
_DIGITS = re.compile(rf"(?P<sign>[€$¥£]\s?)?(?P<number>{_NUMBER})")
_SPELT_EN = re.compile(rf"\b(?:{'|'.join(_EN)})\b", re.IGNORECASE)
_SPELT_ZH = re.compile(
    r"(?<![第单统])[一二两三四五六七八九十半](?=[到至~]?[一二三四五六七八九十]?"
    r"(?:个?工作日|个?小时|分钟|天|个?星期|周|个?月|年|元|块|折|码|点|度|公斤|人|指|成|倍))"
)
_SIGNS = {"€": "euro", "$": "dollar", "¥": "yuan", "£": "pound"}
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b(?:[A-Z][\w&-]*|\w*\d\w*[A-Za-z]\w*|[A-Za-z]+\d\w*)")
_LATIN = re.compile(r"[A-Za-z][\w&-]*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WEEKDAY = re.compile(r"(?:周|星期|礼拜)[一二三四五六日天]")
_REFERENCE = re.compile(
    r"https?://[^\s，。；）)]+|www\.[^\s，。；）)]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE | re.ASCII
)
_NOT = re.compile(
    r"\b(?:no|not|never|none|cannot|without|neither|nor|nothing|nobody|unable|impossible|refuse[sd]?)\b|n['’]t\b"
    r"|不(?!过|同|仅|但|少于|满|超过)|没|无(?!论)|(?<![除])未|(?<![除])非(?!常)|勿|(?<![特分级区])别(?!的|人|处)",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|above|everything)\b"
    r"|\b(?:tell|inform|assure|promise|answer|reply to|say to)\s+(?:the|every|all|your|this)?\s*(?:customers?|users?)\b"
    r"|\b(?:system|assistant|developer)\s*(?:prompt|message)?\s*:|\byou are now an?\b"
    r"|\b(?:as an|language) (?:ai|model)\b"
    r"|忽略.{0,12}(?:指令|提示|规则|要求|内容)|告诉(?:客户|顾客|用户)|你现在是|系统提示|语言模型",
    re.IGNORECASE | re.DOTALL,
)
_RELATIONS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "before": r"\b(?:before|until|till|prior to)\b|(?<![以之提])前(?!台|后|往|提|面)|以前|之前",
        "after": r"\b(?:after|once|afterwards)\b|(?<![以之最售])后(?!台|面|续)|以后|之后",
        "above": r"\b(?:above|over|more than|at least|or more|from)\b|(?<!不)满|以上|(?<!不)超过|至少|最少|不少于",
        "below": r"\b(?:below|under|less than|up to|at most|or less|within|no more than)\b"
        r"|不满|以下|低于|最多|至多|不超过|以内|(?<!范围)(?<!范围之)内",
        "larger": r"\b(?:larger|bigger|longer)\b|大一|大半",
        "smaller": r"\b(?:smaller|shorter)\b|小一|小半",
        "only": r"\b(?:only|solely|exclusively)\b|只(?!要)|仅|限",
        "every": r"\b(?:all|every|everybody|everyone|any|anybody|anyone|anything)\b|所有|全部|任何|每",
        "free": r"\b(?:free|gratis|at no cost|no charge|complimentary)\b|免费|包邮|免运费",
        "now": r"\b(?:now|immediately|instantly|at once|right away|straight away|today)\b|立即|马上|立刻|今天|即时",
        "ever": r"\b(?:always|forever|lifetime|never)\b|永|终身|从不",
        "promised": r"\b(?:guarantee[sd]?|promise[sd]?|voucher|discount|compensat\w+|bonus|gift)\b"
        r"|保证|承诺|赔|优惠|赠|送您",
        "first": r"\bfirst\b|首",
        "done": r"\b(?:i|we) (?:have|'ve|already)\b|我(?:们)?已|已经帮|已帮",
        "used": r"(?<!un)\bused\b|(?<!未)使用过",
        "secret": r"\b(?:password|pin|cvv|instructions?|prompt)\b|密码|验证码|指令|提示词",
    }.items()
}
OPPOSITE = {"before": "after", "after": "before", "above": "below", "below": "above", "larger": "smaller"} | {
    "smaller": "larger",
    "every": "only",
}
"""Relations of which one is the other's contrary."""

NEEDED = frozenset(
    {"larger", "smaller", "every", "free", "now", "ever", "promised", "first", "done", "used", "secret", "only"}
)
"""Relations that are claims of their own: a source must make them, too."""


@dataclass(frozen=True)
class Claims:
    """What a text claims beyond its words.

    Attributes:
        quantities: Numbers with their units.
        names: What is written as a name, in lower case; weekdays, too.
        references: Links and mail addresses, in lower case.
        denies: Whether something in it is denied.
        relations: Names of the relations in it.
    """

    quantities: frozenset[Quantity]
    names: frozenset[str]
    references: frozenset[str]
    denies: bool
    relations: frozenset[str]


@lru_cache(maxsize=4096)
def claims_of(text: str) -> Claims:
    """What a sentence or clause claims."""
    plain = unicodedata.normalize("NFKC", text)
    bare = _REFERENCE.sub(" ", plain)
    return Claims(
        quantities=_quantities(bare),
        names=_names(bare),
        references=frozenset(match.rstrip(".").lower() for match in _REFERENCE.findall(plain)),
        denies=_NOT.search(bare) is not None,
        relations=frozenset(name for name, pattern in _RELATIONS.items() if pattern.search(bare)),
    )


def is_addressed(sentence: str) -> bool:
    """Whether a sentence speaks to whoever words the reply, as an injected instruction does."""
    return _ADDRESSED.search(sentence) is not None


def before_denial(text: str) -> str:
    """What of a clause stands before its denial: what it speaks of, not what it denies. All of it without one."""
    denial = _NOT.search(text)
    return text[: denial.start()] if denial else text


def says_quantity(wanted: Quantity, known: frozenset[Quantity]) -> bool:
    """Whether a quantity is among others; a number whose unit goes without saying fits any unit."""
    return wanted in known or (not wanted[1] and any(number == wanted[0] for number, _ in known))


def _quantities(text: str) -> frozenset[Quantity]:
    text = _WEEKDAY.sub(" ", text)
    found: set[Quantity] = set()
    for match in _DIGITS.finditer(text):
        sign = _SIGNS.get((match["sign"] or "").strip())
        found.add((match["number"].replace(",", ".").rstrip(".:"), sign or _unit(text, match.end())))
    for match in _SPELT_EN.finditer(text):
        unit = _unit(text, match.end())
        if unit or match.group().lower() not in ("one", "zero"):
            found.add((_EN[match.group().lower()], unit))
    found |= {(_ZH[match.group()], _unit(text, match.end())) for match in _SPELT_ZH.finditer(text)}
    return frozenset(found)


def _unit(text: str, start: int) -> str:
    match = _AFTER.match(text, start)
    return next((name for name, value in match.groupdict().items() if value), "") if match else ""


def _names(text: str) -> frozenset[str]:
    names = {match.strip("-").lower() for match in _NAME.findall(text)} - {"i"}
    if _HAN.search(text):
        names |= {match.lower() for match in _LATIN.findall(text)}
    return frozenset(names | {"周" + day[-1].replace("天", "日") for day in _WEEKDAY.findall(text)})
