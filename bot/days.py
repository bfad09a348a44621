"""Days: what Duckling found in a message as a day or a span of days, or nothing where it is no day."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

Again = Callable[[datetime], "Mapping[str, Any] | None"]
"""What Duckling says of the same words at another moment."""

Span = tuple[date, date]

_WEEKDAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_NO_DAY = re.compile(
    r"(?:the )?(?:first|second|third|fourth|fifth|sixth|next|last|previous) ?(?:one|time)?"
    r"|sun|sat|mon|wed|may|march|mar|dec|spring|summer|autumn|fall|winter"
    r"|(?:the |this |last |next |in )*(?:spring|summer|autumn|fall|winter)"
    r"|(?:right |just |until )?now|at the moment|the moment|currently|immediately|asap|soon|later"
    r"|(?:after|within|for|over)\b(?!.*year[’\']s).*\b(?:days?|weeks?|months?|years?|hours?|minutes?)"
    r"|(?:in|within)\b.*\b(?:hour|minute|second)s?|.*\b(?:few|couple|several)\b.*|(?:on )?\w+days"
    rf"|(?:from )?{_WEEKDAY}s?\s*(?:to|-|–|through|until)\s*{_WEEKDAY}s?"
    r"|现在|刚才|刚刚|目前|一点|[春夏秋冬](?:天|季)?",
    re.IGNORECASE,
)
_EVERY = re.compile(r"(?:\b(?:every|each)\s+|每(?:个|逢)?(?:月)?)$", re.IGNORECASE)
_A_PLACE = re.compile(r"[楼机仓线店柜门院桌位床色馆厅库]")
_FIXED = re.compile(
    r"\d{4}|\b(?:ago|last|next|past|coming|this|in \w+ (?:day|week|month|year)s?)\b"
    r"|(?:今|明|去|前|后)年|[上下本这]|前|后",
    re.IGNORECASE,
)
_ONLY_WEEKDAY = re.compile(
    rf"(?:(?:on|since|from|by|until|till)\s+)?{_WEEKDAY}|(?:周|星期|礼拜)[一二三四五六日天]", re.I
)
_DAY_OF_MONTH = re.compile(
    r"(?:(?:on|from|by|until|since)\s+)?(?:the\s+)?\d{1,2}(?:st|nd|rd|th)|\d{1,2}[号日]|[一二三四五六七八九十]{1,3}[号日]",
    re.I,
)
_PAST = re.compile(
    r"\b(?!need\b|speed\b|feed\b)\w+ed\b|\b(?:was|were|got|bought|sent|paid|came|said|told|wrote|had|did|gave|since|went|took|"
    r"broke|arrived|ago|already)\b|[了过]|下的?单|[买付寄订送收发退]的|收到|已经?|从上.*(?:开始|起)|写|寄出",
    re.IGNORECASE,
)
_COMING = re.compile(
    r"\b(?:will|can|could|would|shall|should|want|wants|need|please|(?-i:may)|might|going to|gonna|is it|be)\b|'ll\b"
    r"|[要能请将会让]|可以|吗|希望|麻烦",
    re.IGNORECASE,
)
_UNTIL = re.compile(r"(?:by|until|till)\b", re.IGNORECASE)
_DAYS_AWAY = re.compile(r"(?:\d{1,3}|[一二两三四五六七八九十百]+)天(?:之|以)?[前后]")


def days_of(
    found: Mapping[str, Any], *, said: str, before: str, after: str, clause: str, now: datetime, again: Again
) -> Span | None:
    """The first and last day that Duckling's finding means; None where it means no day.

    Args:
        found: Duckling's, of the dimension ``time``.
        said: The words it stands for.
        before: What stands before them in the clause.
        after: What stands after them: 三号楼 is a building.
        clause: All of it: whether it speaks of the past decides on which Tuesday "Tuesday" is.
        now: In the shop's own time.
        again: Reads the same words as if said at another moment.
    """
    words = said.strip(" ,.，。")
    if _NO_DAY.fullmatch(words) or _EVERY.search(before) or (words[-1] in "号日" and _A_PLACE.match(after)):
        return None
    span = _span(found["value"], now, ends="end of" in words)
    if span is None or (_has_hour(found["value"]) and "end of" not in words and not _same_day(span, again, now)):
        return None
    if _DAYS_AWAY.fullmatch(words):  # Duckling's Chinese takes them as all days until then
        return (span[0], span[0]) if words[-1] == "前" else (span[1], span[1])
    past = bool(_PAST.search(clause) and not _COMING.search(clause) and not _UNTIL.match(words))
    if _ONLY_WEEKDAY.fullmatch(words):
        return _weekday(span, now.date(), past=past)
    if _DAY_OF_MONTH.fullmatch(words):
        before_it = _span_at(again, now - timedelta(days=31))
        return (
            before_it if past and before_it is not None and span[0] > now.date() else _nearest(span, [before_it], now)
        )
    ahead = (span[0] - now.date()).days
    if not _FIXED.search(words) and (abs(ahead) > 183 or (past and ahead > 31)):
        before_it = _span_at(again, now - timedelta(days=366))
        return before_it if past and before_it is not None else _nearest(span, [before_it], now)
    return span


def _weekday(span: Span, today: date, *, past: bool) -> Span:
    """A bare Tuesday is the last one in a clause of the past, else the next; today's own name is next week's."""
    coming = span[0] if span[0] > today else span[0] + timedelta(days=7)
    last = coming - timedelta(days=14 if coming - timedelta(days=7) == today else 7)
    day = last if past else coming
    return day, day


def _nearest(span: Span, others: list[Span | None], now: datetime) -> Span:
    spans = [span, *(other for other in others if other is not None)]
    return min(spans, key=lambda one: abs((one[0] - now.date()).days))


def _span_at(again: Again, now: datetime) -> Span | None:
    found = again(now)
    return _span(found["value"], now) if found is not None else None


def _has_hour(value: Mapping[str, Any]) -> bool:
    ends = [value, value.get("from") or {}, value.get("to") or {}]
    return any(end.get("grain") in ("hour", "minute", "second") for end in ends)


def _same_day(span: Span, again: Again, now: datetime) -> bool:
    """Whether the words name a day: "at five" is another one late in the evening, "tomorrow at five" is not."""
    early, late = (_span_at(again, now.replace(hour=hour, minute=59)) for hour in (0, 23))
    return early == late == span


def _span(value: Mapping[str, Any], now: datetime, *, ends: bool = False) -> Span | None:
    if value["type"] == "value":
        return _of_grain(_moment(value["value"]), value["grain"])
    start, end = value.get("from"), value.get("to")
    if ends and end is not None and end["grain"] == "second":
        start = None  # until midnight after the month's last day
    if start is not None and end is not None and _moment(start["value"]) != now:
        first, after = _moment(start["value"]), _moment(end["value"])
        if first.hour >= 18 and after - first > timedelta(days=1):  # Duckling's weekend begins on Friday evening
            first += timedelta(days=1)
        last = after - timedelta(seconds=1)
        return first.date(), last.date()
    one = end if end is not None else start
    if one is end and end is not None and ends:
        return (_moment(end["value"]) - timedelta(days=1)).date(), (_moment(end["value"]) - timedelta(days=1)).date()
    return _of_grain(_moment(one["value"]), one["grain"]) if one is not None else None


def _of_grain(moment: datetime, grain: str) -> Span | None:
    day = moment.date()
    if grain == "week":
        return day, day + timedelta(days=6)
    if grain == "month":
        return day, (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if grain == "year":
        return day, day.replace(month=12, day=31)
    return None if grain == "quarter" else (day, day)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:19])
