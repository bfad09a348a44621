"""Days and amounts of money in a message, read by Duckling clause by clause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from bot.days import CHINESE_DAYS, ENGLISH_DAYS, days_of
from bot.duckling_door import LONGEST, Duckling, the_duckling
from bot.mention import Mention
from bot.money import CHINESE_MONEY, ENGLISH_MONEY, amounts, bare_amounts
from bot.rewriting import Rewritten

MOST = 2000
"""Characters of a message that are read: longer ones are pasted mails, and each costs 10 µs."""

_CLAUSE = re.compile(r"[^.!?;。！？；，\n]+(?:[.!?;](?!\s|$)[^.!?;。！？；，\n]*)*")
_RULES = {"en": (*ENGLISH_DAYS, *ENGLISH_MONEY), "zh": (*CHINESE_DAYS, *CHINESE_MONEY)}
_CAN_HOLD = re.compile(
    r"\d|[一二两三四五六七八九十百天年月周日号节旦末晚早]|星期|礼拜|day|week|month|year|tonight|christmas|easter|halloween|thanksgiving|"
    r"new year|morning|evening|ago|eve\b|dollar|euro|pound|quid|buck|yen|franc|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|tomorrow",
    re.IGNORECASE,
)
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
    found: list[Mention] = list(bare_amounts(Rewritten.of(text[:MOST], EUROPEAN_ONLY).text))
    for start, clause in clauses(text[:MOST]):
        if _CAN_HOLD.search(clause):
            found += _in_clause(clause, start, language=language, now=now, reader=reader or the_duckling())
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
    new = Rewritten.of(clause, _RULES["zh" if language == "zh" else "en"])
    spans: list[tuple[tuple[int, int], tuple[date, date]]] = []
    for row in reader.read(new.text, language, now):
        start, end = new.span(row["start"], row["end"])
        if row["dim"] == "amount-of-money":
            for mention in amounts(row, clause, clause, (start, end)):
                yield Mention("amount", mention.value, start + offset, end + offset)
            continue
        words = new.text[row["start"] : row["end"]]

        def again(moment: datetime, words: str = words) -> Mapping[str, Any] | None:
            return next(iter(reader.read(words, language, moment, days_only=True)), None)

        days = days_of(row, said=words, before=new.text[: row["start"]], clause=clause, now=now, again=again)
        if days is not None:
            spans.append(((start, end), days))
    for (start, end), (first, last) in _joined(spans, clause):
        value = first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"
        yield Mention("date", value, start + offset, end + offset)


def _joined(
    spans: list[tuple[tuple[int, int], tuple[date, date]]], clause: str
) -> Iterator[tuple[tuple[int, int], tuple[date, date]]]:
    """Two days with a dash or 到 between them are the ends of one span."""
    place = 0
    while place < len(spans):
        (start, end), (first, last) = spans[place]
        place += 1
        if place < len(spans) and _JOINS.fullmatch(clause[end : spans[place][0][0]]) and spans[place][1][1] >= first:
            (_, end), (_, last) = spans[place]
            place += 1
            if _WEEKDAYS.fullmatch(clause[start:end]):
                continue  # opening hours
        yield (start, end), (first, last)


def without_overlaps(found: list[Mention]) -> list[Mention]:
    """In the order of the text; of two that overlap the longer one stays. The ends of one span may share a place."""
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: (m.start - m.end, m.start)):
        places = ((other.start, other.end) for other in kept)
        if all(place == (mention.start, mention.end) or place[0] >= mention.end or place[1] <= mention.start for place in places):
            kept.append(mention)
    return sorted(kept, key=lambda m: m.start)


EUROPEAN_ONLY = ENGLISH_MONEY[:2]
