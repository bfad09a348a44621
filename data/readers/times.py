"""Times as tables write them: seconds, milliseconds, ISO 8601, a spreadsheet's dates, and national habits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone

_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日",
    "%Y.%m.%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y",
    "%m/%d/%y %H:%M",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%d %b %Y",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S %z",
)
MILLISECONDS = 1e11
"""A number from here on is milliseconds: as seconds it would be the year 5138."""


def choose_parser(samples: Sequence[str]) -> Callable[[str], float | None]:
    """Finds how a column writes its times.

    Day and month are told apart by the whole sample: the first format that reads all of it is taken, days first. Times
    without a zone are taken as UTC.

    Args:
        samples: Values of the column.

    Returns:
        Text to unix seconds; None for what cannot be read.
    """
    values = [value.strip() for value in samples if value.strip()]
    parsers: list[Callable[[str], float | None]] = [_number, read_iso, *(_formatted(form) for form in _FORMATS)]
    counted = [(sum(parse(value) is not None for value in values), parse) for parse in parsers]
    best = max(count for count, _ in counted)
    return next(parse for count, parse in counted if count == best)


def _number(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    seconds = seconds / 1000 if seconds >= MILLISECONDS else seconds
    return seconds if 1e8 < seconds < 1e10 else None


def read_iso(value: str) -> float | None:
    """Reads ISO 8601 as unix seconds; None for anything else. Without a zone it is UTC."""
    text = value.strip().replace("Z", "+00:00").removesuffix(" UTC")
    if len(text) > 19 and text[19] == ".":  # Python 3.10 reads three or six digits only
        digits = len(text[20:]) - len(text[20:].lstrip("0123456789"))
        text = text[:20] + text[20 : 20 + digits][:6].ljust(6, "0") + text[20 + digits :]
    try:
        return _seconds(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _formatted(form: str) -> Callable[[str], float | None]:
    def parse(value: str) -> float | None:
        try:
            return _seconds(datetime.strptime(value.strip(), form))
        except (ValueError, OverflowError):
            return None

    return parse


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
