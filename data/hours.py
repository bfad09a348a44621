"""Business hours as a shop writes them (``Mon-Fri 09:00-17:00, Sat 10:00-14:00``), its holidays, and its time zone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from data.errors import InputError

if TYPE_CHECKING:
    from data.workspace import Shop

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(
    r"(?P<first>[a-z]{3})[a-z]*(?:\s*[-–]\s*(?P<last>[a-z]{3})[a-z]*)?\s+"
    r"(?P<from>\d{1,2}:\d\d)\s*[-–]\s*(?P<to>\d{1,2}:\d\d)"
)


_DAYS_ZH = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_HOLIDAY = re.compile(r"(?:(?P<year>\d{4})-)?(?P<month>\d\d)-(?P<day>\d\d)")


def people_there(shop: Shop, now: datetime | None = None) -> bool | None:
    """Whether a shop's people answer now.

    Args:
        shop: Its hours, holidays and time zone.
        now: In the shop's own time, instead of the clock.

    Returns:
        None when its hours cannot be read and it is no holiday; see ``is_open``.
    """
    now = now or local_now(shop.timezone)
    return False if is_holiday(shop.holidays, now.date()) else is_open(shop.hours, now)


def local_now(timezone: str) -> datetime:
    """The time of a time zone such as ``Europe/Berlin``; of this machine without one."""
    return datetime.now(ZoneInfo(timezone) if timezone else None)


def is_holiday(holidays: Sequence[str], day: date) -> bool:
    """Whether a day is among the holidays: ``2026-12-25``, or ``12-25`` of every year."""
    return day.isoformat() in holidays or f"{day:%m-%d}" in holidays


def check_hours(shop: Shop, *, thing: str) -> None:
    """Looks whether holidays and time zone can be read. Hours may be any words.

    Raises:
        InputError: They cannot.
    """
    for holiday in shop.holidays:
        match = _HOLIDAY.fullmatch(str(holiday))
        try:
            date(int((match and match["year"]) or 2000), int(match["month"]), int(match["day"])) if match else date(
                0, 0, 0
            )
        except ValueError as error:
            raise InputError(
                f"{thing} holidays",
                got=repr(holiday),
                expected="days such as 2026-12-25, or 12-25 for every year",
                next_step="Mend the file.",
            ) from error
    try:
        local_now(shop.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"{thing} timezone",
            got=repr(shop.timezone),
            expected="a name such as Europe/Berlin or Asia/Shanghai",
            next_step="Mend the file.",
        ) from error


def hours_in_words(hours: str, language: str) -> str:
    """The hours as customers read them: in Chinese ``周一至周五 9:00–17:00``; as they are where they cannot be read.

    Args:
        hours: As the shop writes them.
        language: Of the customer.
    """
    parts = [part.strip() for part in hours.split(",")]
    spans = [_SPAN.fullmatch(part.lower()) for part in parts]
    if language[:2] != "zh":
        return hours
    said = [_in_chinese(span) for span in spans if span is not None]
    return "，".join(said) if len(said) == len(parts) and all(said) else hours


def _in_chinese(span: re.Match[str]) -> str:
    first, last = span["first"], span["last"] or span["first"]
    if first not in _DAYS or last not in _DAYS:
        return ""
    start, end = _DAYS_ZH[_DAYS.index(first)], _DAYS_ZH[_DAYS.index(last)]
    days = start if start == end else "每天" if (first, last) == ("mon", "sun") else f"{start}至{end}"
    opens, closes = (f"{int(text.split(':')[0])}:{text.split(':')[1]}" for text in (span["from"], span["to"]))
    return f"{days} {opens}–{closes}"


def is_open(hours: str, now: datetime) -> bool | None:
    """Whether people answer at a moment.

    Args:
        hours: English day names, ``HH:MM`` in the shop's own time; several spans separated by commas. A span that
            ends before it begins goes on into the next morning.
        now: In the shop's own time.

    Returns:
        None when the text says nothing that can be read: then nobody is told that the shop is closed.
    """
    spans = [span for span in _SPAN.finditer(hours.lower()) if _days(span)]
    if not spans:
        return None
    return any(_covers(span, now) for span in spans)


def _days(span: re.Match[str]) -> list[int]:
    """Its days of the week, from 0 for Monday; none where a word is no day (``daily``)."""
    first, last = span["first"], span["last"] or span["first"]
    if first not in _DAYS or last not in _DAYS:
        return []
    start, end = _DAYS.index(first), _DAYS.index(last)
    return [*range(start, end + 1)] if start <= end else [*range(start, 7), *range(end + 1)]


def _covers(span: re.Match[str], now: datetime) -> bool:
    today, days = now.weekday(), _days(span)
    opens, closes = _clock(span["from"]), _clock(span["to"])
    if opens < closes:
        return today in days and opens <= now.time() < closes
    return (today in days and now.time() >= opens) or ((today - 1) % 7 in days and now.time() < closes)


def _clock(text: str) -> time:
    hour, minute = text.split(":")
    return time.max if int(hour) >= 24 else time(int(hour), int(minute) % 60)
