"""Regular expressions of a shop's own numbers (``[learn] redact`` in careline.toml), checked before they are used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from data.errors import InputError

DEFAULT_KIND = "PRIVATE"
_KIND = re.compile(r"[A-Z]{2,20}")


def compile_patterns(expressions: Iterable[str], *, thing: str = "learn.redact") -> tuple[re.Pattern[str], ...]:
    """Compiles expressions such as ``(?P<CUSTOMER>K-[0-9]{5})``.

    Args:
        expressions: A named group tells what is replaced and is the placeholder's kind; without one the whole match is
            replaced by ``<PRIVATE_1>``.
        thing: What to name in an error.

    Raises:
        InputError: Not a regular expression, one that matches nothing at all, or a name that is no kind.
    """
    return tuple(_compiled(expression, thing) for expression in expressions)


def _compiled(expression: str, thing: str) -> re.Pattern[str]:
    next_step = "Mend the expression; single quotes in TOML keep backslashes."
    try:
        pattern = re.compile(expression)
    except (re.error, TypeError) as error:
        raise InputError(
            thing, got=f"{expression!r} ({error})", expected="a regular expression", next_step=next_step
        ) from error
    if pattern.search(""):
        raise InputError(
            thing, got=f"{expression!r}, which matches the empty text", expected="a number's shape", next_step=next_step
        )
    for name in pattern.groupindex:
        if not _KIND.fullmatch(name):
            raise InputError(
                thing, got=f"the group {name!r}", expected="a kind in capitals such as CUSTOMER", next_step=next_step
            )
    return pattern


def find_own(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[tuple[int, int, str]]:
    """Yields (start, end, kind) of what the shop's own expressions find."""
    for pattern in patterns:
        for match in pattern.finditer(text):
            kind = match.lastgroup
            start, end = match.span(kind) if kind else match.span()
            if end > start:
                yield start, end, kind or DEFAULT_KIND
