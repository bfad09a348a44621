"""``python -m bot.duckling_process``: Duckling in a process of its own; requests and findings as lines of JSON.

The one importer of Duckling. It ends when its stdin does, and in the middle of a text that keeps it busy for longer
than ``LONGEST_SECONDS``: it never outlives the worker that asked, however that one died.
"""

from __future__ import annotations

import calendar
import json
import signal
import sys
import tempfile
from datetime import datetime
from typing import Any

READY = "ready"
"""The first line, once requests are read."""

LONGEST_SECONDS = 5.0
"""For one text. Whoever asks has given up long before; if nobody is left to end the process, the kernel does."""

_LOCALES = {"en": ("EN", "EN_GB"), "zh": ("ZH", "ZH_CN")}
_HARMLESS = {0: " "} | dict.fromkeys(range(55296, 57344), "�")
"""A NUL ends Duckling's text with a panic, and half a surrogate pair has no UTF-8."""


class Reader:
    """Duckling, loaded: 0.1 s, 30 MB."""

    def __init__(self) -> None:
        import duckling

        self._duckling = duckling
        with tempfile.TemporaryDirectory() as empty:  # no zones: we pass the shop's wall clock as if it were UTC's
            self._zones = duckling.load_time_zones(empty)
        self._locales = {language: self._locale(*names) for language, names in _LOCALES.items()}
        self._both = duckling.parse_dimensions(["time", "amount-of-money"])
        self._days = duckling.parse_dimensions(["time"])

    def _locale(self, language: str, locale: str) -> Any:
        base = self._duckling.default_locale_lang(self._duckling.parse_lang(language))
        return self._duckling.parse_locale(locale, base)

    def read(self, text: str, language: str, now: datetime, *, days_only: bool) -> list[dict[str, Any]]:
        """See ``bot.duckling_door.Duckling.read``."""
        moment = self._duckling.parse_ref_time(self._zones, "UTC", calendar.timegm(now.timetuple()))
        context = self._duckling.Context(moment, self._locales["zh" if language == "zh" else "en"])
        wanted = self._days if days_only else self._both
        found = self._duckling.parse(text.translate(_HARMLESS), context, wanted, False)
        return [{key: row[key] for key in ("dim", "start", "end", "value")} for row in found]


def main() -> None:
    """Answers line by line until stdin ends."""
    reader = Reader()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the worker decides when it is over
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    print(READY, flush=True)
    for line in sys.stdin:
        text, language, now, days_only = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_SECONDS)  # no handler: nothing of Python runs while Duckling does
        found = reader.read(text, language, datetime.fromisoformat(now), days_only=days_only)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
