"""The one importer of Duckling, which reads days and amounts of money in this process (docs/explain/entities.md).

Duckling is Haskell, and its runtime has three habits that a server must know. Its timer does not survive a fork: it is
loaded when it is first needed, in the process that needs it, and refuses to work in a fork of that one. It takes
SIGINT and three more signals for itself: they are given back. Its time grows faster than the text: it gets clauses.
"""

from __future__ import annotations

import calendar
import os
import signal
import tempfile
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from data.errors import InputError

LONGEST = 240
"""Characters of a clause; 0.7 ms for 75 of them, and growing faster than in proportion."""

_TAKEN = (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTSTP)
_LOCALES = {"en": ("EN", "EN_GB"), "zh": ("ZH", "ZH_CN")}


class Duckling:
    """Duckling in this process.

    Raises:
        InputError: The package is not installed. Its wheels are for Linux on x86-64 and macOS on ARM.
    """

    def __init__(self) -> None:
        handlers = {number: signal.getsignal(number) for number in _TAKEN}
        try:
            import duckling
        except ImportError as error:
            raise InputError(
                "Duckling",
                got="no package pyduckling-native-phihos",
                expected="what finds dates and amounts of money in messages",
                next_step="Run `make setup`; where it has no wheel for this machine, they are not found.",
            ) from error
        _give_back(handlers)
        self._duckling = duckling
        self._process = os.getpid()
        with tempfile.TemporaryDirectory() as empty:  # no zones: we pass the shop's wall clock as if it were UTC's
            self._zones = duckling.load_time_zones(empty)
        self._locales = {language: self._locale(*names) for language, names in _LOCALES.items()}
        self._both = duckling.parse_dimensions(["time", "amount-of-money"])
        self._days = duckling.parse_dimensions(["time"])

    def _locale(self, language: str, locale: str) -> Any:
        base = self._duckling.default_locale_lang(self._duckling.parse_lang(language))
        return self._duckling.parse_locale(locale, base)

    def read(
        self, clause: str, language: str, now: datetime, *, days_only: bool = False
    ) -> Sequence[Mapping[str, Any]]:
        """What Duckling finds in a clause: dicts with ``dim``, ``start``, ``end`` and ``value``.

        Args:
            clause: ``LONGEST`` characters at most; what is beyond is not read.
            language: ``zh``, or any other, which is read as English.
            now: In the shop's own time, without a zone.
            days_only: Leave amounts out.

        Raises:
            RuntimeError: In a fork of the process that loaded it.
        """
        if os.getpid() != self._process:
            raise RuntimeError("Duckling was loaded before this process was forked: load it after the fork.")
        text = clause[:LONGEST].translate(_HARMLESS)
        moment = self._duckling.parse_ref_time(self._zones, "UTC", calendar.timegm(now.timetuple()))
        context = self._duckling.Context(moment, self._locales["zh" if language == "zh" else "en"])
        found: list[dict[str, Any]] = self._duckling.parse(text, context, self._days if days_only else self._both)
        return found


_HARMLESS = {0: " "} | dict.fromkeys(range(55296, 57344), "�")
"""A NUL ends Duckling's text with a panic, and half a surrogate pair has no UTF-8."""


def _give_back(handlers: Mapping[signal.Signals, Any]) -> None:
    """Puts signal handlers back where they were; Python allows it in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number, handler in handlers.items():
        if handler is not None:
            signal.signal(number, handler)
        if callable(handler):
            signal.siginterrupt(number, False)  # as asyncio has them; Python itself tries again either way


@lru_cache(maxsize=1)
def the_duckling() -> Duckling:
    """The one of this process, loaded once: 0.1 s, 30 MB.

    Raises:
        InputError: See ``Duckling``.
    """
    return Duckling()
