"""JSON of any size, one record at a time: lines, arrays, and the pages of help-desk exports.

A page such as ``{"tickets": [{...}, ...], "count": 1000}`` may be one line of many megabytes, so it cannot be read by
lines. A window slides over the text; what is held is at most one record of ``LONGEST_RECORD`` characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from data.readers.checks import BROKEN_RECORD, describe
from data.readers.encoding import undecoded
from data.readers.source import Problems, Source
from data.schema import Conversation

LONGEST_RECORD = 4_000_000
"""Characters of one record: a conversation of 20,000 messages."""

MOST_BROKEN = 1000
"""Broken records in a row after which the rest is left: it is no JSON, and trying goes on for very long."""

_FIRST_READ = 1 << 16
_BLANK = re.compile(r"[\s,\ufeff]*")
_DECODER = json.JSONDecoder()
_TOO_LONG = object()
_EXPECTED = "one JSON object a line, an array of objects, or the pages of an export"

Record = tuple[int, str, dict[str, Any]]
"""Line number; name of the list that the record stood in, or empty; the record."""


class _BrokenError(ValueError):
    """What is wrong at this place."""


def records(source: Source, problems: Problems, lists: frozenset[str] = frozenset()) -> Iterator[Record]:
    """Streams the records of a JSON file.

    Args:
        source: The file.
        problems: Where records that are none go.
        lists: Names of the lists in a page whose elements are records.
    """
    with source.text(newline="\n") as stream:
        window = _Window(stream)
        broken = 0
        while mark := window.peek():
            if mark in "]}":  # what is left of a list with a broken record
                window.skip()
                continue
            start = problems.count
            try:
                for line, name, value in _values(window, lists):
                    broken = 0
                    if record := _record(line, value, window, source, problems):
                        yield line, name, record
            except (_BrokenError, RecursionError) as error:
                got = str(error) if isinstance(error, _BrokenError) else describe(error)
                problems.report(window.line, got, _EXPECTED)
                window.skip_record()
            broken = broken + 1 if problems.count > start else 0
            if broken > MOST_BROKEN:
                return


def is_lines(source: Source) -> bool:
    """Whether a log is JSON with one object a line, and not an array or pages over several lines."""
    head = source.head.lstrip("\ufeff \t\r\n")
    return source.kind == "text" and head.startswith("{") and head.split("\n", 1)[0].strip() != "{"


def rows(source: Source, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
    """Streams (line, object) of JSON lines, or of an array of objects."""
    if not is_lines(source):
        yield from ((line, record) for line, _, record in records(source, problems))
        return
    for number, line in source.lines(problems):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.report(number, describe(error), _EXPECTED)
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            problems.report(number, f"JSON {type(row).__name__}", "a JSON object")


def conversations(
    source: Source, problems: Problems, parse: Callable[[dict[str, Any]], Conversation | None], expected: str
) -> Iterator[Conversation]:
    """Streams the conversations of a format in which each JSON object is one.

    Args:
        source: The log.
        problems: Where objects go that ``parse`` refuses.
        parse: Reads one; None where nobody said anything.
        expected: What an object looks like, for messages.
    """
    for number, row in rows(source, problems):
        try:
            conversation = parse(row)
        except BROKEN_RECORD as error:
            problems.report(number, describe(error), expected)
            continue
        if conversation is not None:
            yield conversation


def _record(line: int, value: Any, window: _Window, source: Source, problems: Problems) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        problems.report(line, f"JSON {type(value).__name__}", "a JSON object")
        return None
    if not window.last.isascii() and undecoded(source.encoding).search(window.last):
        problems.report(line, f"bytes that are not {source.encoding}", f"text in {source.encoding}")
        return None
    return value


def _values(window: _Window, lists: frozenset[str]) -> Iterator[tuple[int, str, Any]]:
    """The records of the value that comes next, which may be a list, a page or a record itself."""
    line = window.line
    if window.peek() == "[":
        yield from _elements(window, "", lists)
        return
    value = window.value(at_most=True)
    if value is not _TOO_LONG:
        yield from ((line, name, item) for name, item in _unfold(value, "", lists))
    elif window.peek() == "{" and lists:
        yield from _members(window, lists)
    else:
        raise _BrokenError(f"a record of more than {LONGEST_RECORD:,} characters")


def _unfold(value: Any, name: str, lists: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """The records of a page that was read whole, or the value itself."""
    if isinstance(value, dict):
        found = [(key, value[key]) for key in value if key in lists and isinstance(value[key], list)]
        if found:
            yield from ((key, item) for key, items in found for item in items)
            return
        inner = value.get("data")
        if lists and isinstance(inner, dict) and any(key in lists for key in inner):
            yield from _unfold(inner, name, lists)
            return
    yield name, value


def _elements(window: _Window, name: str, lists: frozenset[str]) -> Iterator[tuple[int, str, Any]]:
    window.skip()
    while (mark := window.peek()) != "]":
        if not mark:
            raise _BrokenError("the end of the file inside a JSON array")
        line = window.line
        value = window.value()
        if name:
            yield line, name, value
        else:
            yield from ((line, inner, item) for inner, item in _unfold(value, name, lists))
    window.skip()


def _members(window: _Window, lists: frozenset[str]) -> Iterator[tuple[int, str, Any]]:
    window.skip()
    while (mark := window.peek()) != "}":
        if not mark:
            raise _BrokenError("the end of the file inside a JSON object")
        name = window.value()
        if not isinstance(name, str) or window.peek() != ":":
            raise _BrokenError("broken JSON (expecting a name and a colon)")
        window.skip()
        if name in lists and window.peek() == "[":
            yield from _elements(window, name, lists)
        elif name == "data" and window.peek() == "{":
            yield from _members(window, lists)
        else:
            window.value()
    window.skip()


class _Window:
    """The part of the text that is held."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._text, self._at, self._ended = stream, "", 0, False
        self.line, self.last = 1, ""
        self._column, self._began = 0, 0

    def peek(self) -> str:
        """The next character that is neither blank nor a comma; empty at the end."""
        while True:
            match = _BLANK.match(self._text, self._at)
            self._go(match.end() if match else self._at)
            if self._at < len(self._text) or not self._more(_FIRST_READ):
                return self._text[self._at : self._at + 1]

    def skip(self) -> None:
        """Steps over the character that ``peek`` showed."""
        self._go(self._at + 1)

    def value(self, *, at_most: bool = False) -> Any:
        """The next value; with ``at_most``, ``_TOO_LONG`` where it is longer than ``LONGEST_RECORD``.

        Raises:
            _BrokenError: It is no JSON.
            RecursionError: It is nested too deeply.
        """
        self.peek()
        self._began = self._column
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                held = len(self._text) - self._at
                if not self._unfinished(error) or self._ended:
                    raise _BrokenError(f"broken JSON ({error.msg})") from error
                if held > LONGEST_RECORD:
                    if at_most:
                        return _TOO_LONG
                    raise _BrokenError(f"a record of more than {LONGEST_RECORD:,} characters") from error
                self._more(max(held, _FIRST_READ))
                continue
            except ValueError as error:  # a whole number of thousands of digits
                raise _BrokenError("broken JSON (a number too long)") from error
            if end == len(self._text) and self._more(_FIRST_READ):  # a number may go on
                continue
            self.last = self._text[self._at : end]
            self._go(end)
            return value

    def skip_record(self) -> None:
        """Goes on at the next line that begins where the broken record did: deeper ones are parts of it."""
        began = self._began
        while True:
            self._skip_line()
            mark = self.peek()
            if not mark or (mark in "{[]}" and self._column <= began):
                return

    def _skip_line(self) -> None:
        while (end := self._text.find("\n", self._at)) < 0:
            self._go(len(self._text))
            if not self._more(_FIRST_READ):
                return
        self._go(end + 1)

    def _unfinished(self, error: json.JSONDecodeError) -> bool:
        """Whether more text might mend it: it is met at the end of what is held."""
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - 12

    def _go(self, to: int) -> None:
        if lines := self._text.count("\n", self._at, to):
            self.line += lines
            self._column = to - self._text.rindex("\n", self._at, to) - 1
        else:
            self._column += to - self._at
        self._at = to

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        more = self._stream.read(size)
        self._ended = not more
        self._text, self._at = self._text[self._at :] + more.replace("\x00", ""), 0
        return bool(more)
