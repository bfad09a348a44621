"""Answers to one question that contradict each other: other numbers, days, prices, or a yes against a no.

Found without comparing all pairs: answers meet in buckets, of the questions they were given to and of their own words
without numbers. "The newest wins until a person decides": the older ones are not said again, and all are listed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from data.courtesy import is_small_talk, strip_courtesies
from data.dedupe import answer_key
from data.schema import Answer, Record

MOST_IN_BUCKET = 50
"""Answers looked at in one bucket, the most frequent ones: a question that a thousand answers were given to ("hello?")
asks nothing."""

ALIKE = 0.6
"""Share of words, numbers and yes or no apart, that two answers must have in common to speak of the same thing."""

_UNITS = (
    r"days?|hours?|hrs?|minutes?|mins?|weeks?|months?|years?|euros?|eur|dollars?|usd|pounds?|gbp|percent|%|km|"
    r"kg|g|cm|mm|m|"
    r"litres?|am|pm|天|日|小时|小時|分钟|分鐘|周|週|个月|個月|年|元|块|塊|折|公斤|公里|厘米|点|點"
)
_WORDS = {
    word: str(value)
    for value, names in enumerate(
        (
            "zero 零 〇", "one 一", "two 二 两 兩", "three 三", "four 四", "five 五", "six 六", "seven 七",
            "eight 八", "nine 九", "ten 十", "eleven 十一", "twelve 十二",
        )
    )
    for word in names.split()
} | {"fourteen": "14", "fifteen": "15", "twenty": "20", "thirty": "30", "sixty": "60", "ninety": "90", "hundred": "100",
     "十四": "14", "十五": "15", "二十": "20", "三十": "30", "六十": "60", "九十": "90", "一百": "100"}  # fmt: skip
_COUNTED = "|".join(sorted((re.escape(word) for word in _WORDS), key=len, reverse=True))
_VALUE = re.compile(
    rf"([$£€¥￥])?\s?(\d[\d.,:]*|(?:(?<![a-z])(?:{_COUNTED})(?![a-z])))[ -]*"
    rf"((?:working|business|calendar|个?工作|個?工作)?[ ]?(?:{_UNITS})(?![a-z]))?",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|(?:周|週|星期|礼拜|禮拜)[一二三四五六日天末]", re.IGNORECASE
)
_NO = re.compile(
    r"\b(?:not|no|never|cannot|can't|don't|doesn't|won't|isn't|aren't|unable|without|neither|unfortunately)\b|"
    r"不(?!仅|僅|同|管|论|論|过|過|错|錯|好意思|客气|客氣|用谢)|没有|沒有|无法|無法|未|勿|别(?!的|人)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Contradiction(Record):
    """Answers to one question of which only one can be right.

    Attributes:
        question: A customer's message that they answered, or the words they share where no question is known.
        answers: Ids, the newest first.
        values: For each answer what it says and others do not: ``5 day``, ``no``.
        newest: Id of the answer that holds until a person decides.
    """

    question: str
    answers: tuple[str, ...]
    values: tuple[str, ...]
    newest: str


@dataclass(frozen=True)
class _Said:
    answer: Answer
    values: frozenset[str]
    words: frozenset[str]
    denies: bool


def find_contradictions(answers: Iterable[Answer]) -> list[Contradiction]:
    """Lists contradictions among the answers of one dataset; near-linear in their number.

    Only answers that the bot may say are looked at: what was about one customer's case cannot contradict another's.
    """
    said = [_read(answer) for answer in answers if answer.reusable or answer.superseded_by]
    seen: set[tuple[str, ...]] = set()
    found = []
    for question, bucket in _buckets(said):
        for group in _disagreeing(bucket):
            ids = tuple(sorted(one.answer.id for one in group))
            if ids not in seen:
                seen.add(ids)
                found.append(_describe(question, group))
    return found


def settle(answers: Iterable[Answer], contradictions: Sequence[Contradiction]) -> Iterator[Answer]:
    """Marks the older of contradicting answers: not reusable, with the newest's id in ``superseded_by``.

    An answer that won one contradiction and lost another has lost.
    """
    lost: dict[str, str] = {}
    for contradiction in contradictions:
        for loser in contradiction.answers:
            if loser != contradiction.newest:
                lost.setdefault(loser, contradiction.newest)
    for answer in answers:
        newest = lost.get(answer.id)
        yield (
            replace(answer, reusable=False, held_back="contradicted by a newer answer", superseded_by=newest)
            if newest
            else answer
        )


def _buckets(said: Sequence[_Said]) -> Iterator[tuple[str, list[_Said]]]:
    """Answers that meet: under one question, or with the same words around their numbers."""
    meet: dict[tuple[str, str], list[_Said]] = defaultdict(list)
    shown: dict[tuple[str, str], str] = {}
    for one in said:
        language = one.answer.language
        for question in one.answer.questions:
            bare = strip_courtesies(question)
            key = language, "q " + answer_key(bare)
            if not is_small_talk(bare) and len(key[1]) > 8:
                meet[key].append(one)
                shown.setdefault(key, question)
        if one.words:
            key = language, "a " + " ".join(sorted(one.words))
            meet[key].append(one)
            shown.setdefault(key, one.answer.questions[0] if one.answer.questions else one.answer.text)
    for key, bucket in meet.items():
        if len(bucket) > 1:
            yield shown[key], sorted(bucket, key=lambda one: (-one.answer.support, one.answer.id))[:MOST_IN_BUCKET]


def _disagreeing(bucket: list[_Said]) -> Iterator[list[_Said]]:
    """Groups of a bucket that speak of the same thing with other values; each answer is in one group at most."""
    left = list({one.answer.id: one for one in bucket}.values())
    while left:
        first, *rest = left
        against = [one for one in rest if _contradict(first, one)]
        if against:
            yield [first, *against]
        left = [one for one in rest if one not in against]


def _contradict(left: _Said, right: _Said) -> bool:
    if not _alike(left.words, right.words):
        return False
    if left.denies != right.denies:
        return True
    only_left, only_right = left.values - right.values, right.values - left.values
    units = {value.split(" ", 1)[-1] for value in only_left} & {value.split(" ", 1)[-1] for value in only_right}
    return bool(units)


def _alike(left: frozenset[str], right: frozenset[str]) -> bool:
    return bool(left and right) and len(left & right) >= ALIKE * len(left | right)


def _read(answer: Answer) -> _Said:
    plain = strip_courtesies(answer.text).lower()
    timeless = _DAY.sub(" ", plain)  # first, or 周一 would hold a "one"
    values = {_value(match) for match in _VALUE.finditer(timeless)} | {_day(m.group()) for m in _DAY.finditer(plain)}
    bare = _NO.sub(" ", _VALUE.sub(" ", timeless))
    return _Said(answer, frozenset(values), frozenset(_content(bare)), bool(_NO.search(plain)))


def _value(match: re.Match[str]) -> str:
    """``5 day`` for "five days", "5-day" and "5天": number and kind, so that only like is set against like."""
    sign, number, unit = (
        match.group(1) or "",
        match.group(2).lower().rstrip(".,:"),
        (match.group(3) or "").lower().strip(),
    )
    number = _WORDS.get(number, number)
    for word in ("working", "business", "calendar", "个工作", "個工作", "工作"):
        unit = unit.removeprefix(word).strip()
    return f"{number} {_UNIT_NAMES.get(unit, unit.removesuffix('s')) or _UNIT_NAMES.get(sign, sign) or 'number'}"


_UNIT_NAMES = {
    "天": "day", "日": "day", "小时": "hour", "小時": "hour", "hr": "hour", "hrs": "hour", "分钟": "minute",
    "分鐘": "minute", "min": "minute", "mins": "minute", "周": "week", "週": "week", "个月": "month", "個月": "month",
    "年": "year", "元": "yuan", "块": "yuan", "塊": "yuan", "¥": "yuan", "￥": "yuan", "€": "euro", "$": "dollar",
    "eur": "euro", "usd": "dollar", "£": "pound", "gbp": "pound", "%": "percent",
    "点": "hour of the day", "點": "hour of the day",
    "am": "hour of the day", "pm": "hour of the day",
}  # fmt: skip


def _day(text: str) -> str:
    return f"{text.lower().removesuffix('s')} weekday"


def _content(text: str) -> Iterator[str]:
    from data.dedupe import is_light

    return (token for token in answer_key(text).split() if not is_light(token))


def _describe(question: str, group: list[_Said]) -> Contradiction:
    newest_first = sorted(group, key=lambda one: (-(one.answer.last_used or 0.0), -one.answer.support, one.answer.id))
    shared = frozenset.intersection(*(one.values for one in group))
    mixed = len({one.denies for one in group}) > 1
    values = tuple(
        ", ".join([*sorted(one.values - shared), *([("no" if one.denies else "yes")] if mixed else [])])
        for one in newest_first
    )
    return Contradiction(question, tuple(one.answer.id for one in newest_first), values, newest_first[0].answer.id)
