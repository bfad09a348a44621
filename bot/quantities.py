"""Days and amounts of money in a message, read by Duckling clause by clause."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.day_words import chinese_days, english_days
from bot.days import days_of
from bot.duckling_door import LONGEST, Duckling, TooSlow, the_duckling
from bot.mention import Mention
from bot.money import CHINESE_MONEY, ENGLISH_MONEY, EUROPEAN, amounts, bare_amounts
from bot.rewriting import Rewritten

MOST = 2000
"""Characters of a message that are read: longer ones are pasted mails, and each costs 10 µs."""
BUDGET = 0.5
"""Seconds for a message, after which its other clauses are left unread."""

_CLAUSE = re.compile(r"[^.!?;。！？；，\n]+(?:[.!?;](?!\s|$)[^.!?;。！？；，\n]*)*")
_CAN_HOLD = re.compile(
    r"\d|[一二两三四五六七八九十百天年月周日号节旦末底初夜夕黑晚早]|星期|礼拜|圣诞|中秋|国庆|清明"
    r"|day|week|month|year|night|morning|evening|ago|easter|christmas|halloween|thanksgiving|eve\b"
    r"|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|tomorrow"
    r"|dollar|euro|pound|quid|buck|yen|franc",
    re.IGNORECASE,
)
"""Clauses without any of these name no day and no amount; Duckling is not asked."""


@dataclass(frozen=True)
class _Days:
    """Where a clause names days, and the first and last of them."""

    start: int
    end: int
    first: date
    last: date


_WEEKDAYS = re.compile(r"(?:周|星期|礼拜)[一二三四五六日天].{1,2}(?:周|星期|礼拜)[一二三四五六日天]")
_JOINS = re.compile(r"\s*(?:到|至|[-–—~～])\s*")


def find_quantities(text: str, *, language: str, now: datetime, reader: Duckling | None = None) -> list[Mention]:
    """Finds dates and amounts of money.

    Args:
        text: What the customer wrote; e-mail addresses and order numbers blanked out, for ``104021`` is no price.
        language: ``zh``, or any other, which is read as English.
        now: In the shop's own time, without a zone.
        reader: Instead of the process's own.

    Returns:
        In the order of the text, none overlapping another.

    Raises:
        InputError: Duckling is not installed.
    """
    until = time.monotonic() + BUDGET
    found: list[Mention] = list(bare_amounts(Rewritten.of(text[:MOST], EUROPEAN).text))
    for start, clause in clauses(text[:MOST]):
        if _CAN_HOLD.search(clause) and time.monotonic() < until:
            try:
                found += _in_clause(clause, start, language=language, now=now, reader=reader or the_duckling())
            except TooSlow:
                break  # who writes so once will do so again, and others wait
    return without_overlaps(found)


def clauses(text: str) -> Iterator[tuple[int, str]]:
    """The clauses of a text with where they begin, none longer than Duckling reads."""
    for match in _CLAUSE.finditer(text):
        start, end = match.span()
        while end - start > LONGEST:
            cut = text.rfind(" ", start + LONGEST // 2, start + LONGEST) + 1 or start + LONGEST
            yield start, text[start:cut]
            start = cut
        yield start, text[start:end]


def _in_clause(clause: str, offset: int, *, language: str, now: datetime, reader: Duckling) -> Iterator[Mention]:
    rules = (chinese_days(now.date()), CHINESE_MONEY) if language == "zh" else (english_days(now.date()), ENGLISH_MONEY)
    new = Rewritten.of(clause, [*rules[0], *rules[1]])
    days: list[_Days] = []
    for row in reader.read(new.text, language, now):
        start, end = new.span(row["start"], row["end"])
        if row["dim"] == "amount-of-money":
            for mention in amounts(row, clause, clause, (start, end)):
                yield Mention("amount", mention.value, start + offset, end + offset)
        elif (meant := _meant(row, new.text, clause, language=language, now=now, reader=reader)) is not None:
            days.append(_Days(row["start"], row["end"], *meant))
    for span in _joined(days, new.text):
        start, end = new.span(span.start, span.end)
        first, last = span.first.isoformat(), span.last.isoformat()
        yield Mention("date", first if first == last else f"{first}/{last}", start + offset, end + offset)


def _meant(
    row: Mapping[str, Any], text: str, clause: str, *, language: str, now: datetime, reader: Duckling
) -> tuple[date, date] | None:
    """The days that Duckling's finding in a rewritten clause means."""
    words = text[row["start"] : row["end"]]

    def again(moment: datetime) -> Mapping[str, Any] | None:
        return next(iter(reader.read(words, language, moment, days_only=True)), None)

    around = {"before": text[: row["start"]], "after": text[row["end"] :], "clause": clause}
    return days_of(row, said=words, **around, now=now, again=again)


def _joined(days: list[_Days], text: str) -> Iterator[_Days]:
    """Two with a dash or 到 between them are the ends of one span."""
    rest = iter(days)
    for one in rest:
        after = next((other for other in days if _JOINS.fullmatch(text[one.end : other.start])), None)
        if after is None:
            yield one
            continue
        next(rest, None)
        last = after.last
        if last < one.first and last.day > one.first.day:  # each by itself was the nearest such day
            last = one.first.replace(day=last.day)
        if not _WEEKDAYS.fullmatch(text[one.start : after.end]):  # else opening hours
            yield _Days(one.start, after.end, min(one.first, last), max(one.first, last))


def without_overlaps(found: list[Mention]) -> list[Mention]:
    """In the order of the text; of two that overlap the longer one stays. The ends of one span may share a place."""
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: (m.start - m.end, m.start)):
        places = ((other.start, other.end) for other in kept)
        if all(
            place == (mention.start, mention.end) or place[0] >= mention.end or place[1] <= mention.start
            for place in places
        ):
            kept.append(mention)
    return sorted(kept, key=lambda m: m.start)
