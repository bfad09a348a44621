"""Times as chats write them before a message: national orders of day, month and year, 12 hours, only a clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import pairwise

_GAP = "[\\s\u202f\xa0]"
DATE = r"(?P<a>\d{1,4})[-/.年]\s?(?P<b>\d{1,2})[-/.月]\s?(?P<c>\d{1,4})日?\.?"
CLOCK = (
    rf"(?:(?P<before>上午|下午|凌晨|早上|中午|晚上|[AaPp]\.?[Mm]\.?){_GAP}?)?"
    rf"(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?"
    rf"(?:{_GAP}?(?P<after>[AaPp]\.?{_GAP}?[Mm]\.?(?!\w)))?"
)
_AFTERNOON = ("下午", "晚上", "中午")
_SAME_DAY = re.compile(CLOCK)

Order = str
"""``ymd``, ``dmy`` or ``mdy``."""

Day = tuple[int, int, int]
"""The three numbers of a date, as they stand there."""


def choose_order(days: Sequence[Day], *, twelve_hours: bool = False) -> Order:
    """Tells in which order a chat writes its dates.

    A chat goes forward in time, so the order is taken under which all dates exist and the fewest step back. Where two
    are as good, months first goes with a 12-hour clock (the American habit), days first with any other.

    Args:
        days: The dates, oldest first.
        twelve_hours: Whether the times have AM and PM.
    """
    habits = ("mdy", "dmy") if twelve_hours else ("dmy", "mdy")

    def faults(order: Order) -> tuple[int, int]:
        read = [_date(day, order) for day in days]
        known = [day for day in read if day is not None]
        return len(read) - len(known), sum(later < earlier for earlier, later in pairwise(known))

    return min((*habits, "ymd"), key=faults)


def _date(day: Day, order: Order) -> tuple[int, int, int] | None:
    year, month, date = (day[order.index(mark)] for mark in "ymd")
    year += 2000 if year < 100 else 0
    try:
        datetime(year, month, date)
    except ValueError:
        return None
    return (year, month, date) if 1990 <= year <= 2100 else None


def day_of(match: re.Match[str]) -> Day | None:
    """The numbers of ``DATE`` in a match; None where only a clock stood."""
    if match["a"] is None:
        return None
    return int(match["a"]), int(match["b"]), int(match["c"])


def seconds_of(match: re.Match[str], order: Order, *, midnight: float | None = None) -> float | None:
    """Unix seconds (UTC) of a match of ``DATE`` and ``CLOCK``; None for what is no time.

    Args:
        match: With the groups of both; those of the date may be empty.
        order: Of the date.
        midnight: Unix seconds of the day that counts where only a clock stands.
    """
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    half = (match["before"] or match["after"] or "").lower()
    if half.startswith("p") or half in _AFTERNOON:
        hour = hour + 12 if hour < 12 else hour
    elif half and hour == 12:
        hour = 0
    if hour > 23 or minute > 59 or second > 59:
        return None
    clock = 3600 * hour + 60 * minute + second
    day = day_of(match)
    if day is None:
        return None if midnight is None else midnight + clock
    known = _date(day, order)
    return None if known is None else datetime(*known, tzinfo=timezone.utc).timestamp() + clock
