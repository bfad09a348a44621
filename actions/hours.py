"""Business hours as a shop writes them: ``Mon-Fri 09:00-17:00, Sat 10:00-14:00``."""

from __future__ import annotations

import re
from datetime import datetime, time

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(
    r"(?P<first>[a-z]{3})[a-z]*(?:\s*[-–]\s*(?P<last>[a-z]{3})[a-z]*)?\s+"
    r"(?P<from>\d{1,2}:\d\d)\s*[-–]\s*(?P<to>\d{1,2}:\d\d)"
)


def is_open(hours: str, now: datetime) -> bool | None:
    """Whether people answer at a moment.

    Args:
        hours: English day names, ``HH:MM`` in the shop's own time; several spans separated by commas.
        now: In the shop's own time.

    Returns:
        None when the text says nothing that can be read: then nobody is told that the shop is closed.
    """
    spans = list(_SPAN.finditer(hours.lower()))
    if not spans:
        return None
    return any(_covers(span, now) for span in spans)


def _covers(span: re.Match[str], now: datetime) -> bool:
    first, last = span["first"], span["last"] or span["first"]
    if first not in _DAYS or last not in _DAYS:
        return False
    start, end = _DAYS.index(first), _DAYS.index(last)
    days = range(start, end + 1) if start <= end else [*range(start, 7), *range(end + 1)]
    opens, closes = _clock(span["from"]), _clock(span["to"])
    return now.weekday() in days and opens <= now.time() < closes


def _clock(text: str) -> time:
    hour, minute = text.split(":")
    return time.max if int(hour) >= 24 else time(int(hour), int(minute) % 60)
