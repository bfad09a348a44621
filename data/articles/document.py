"""What every parser makes of a file: blocks of plain text between headings, never markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from data.normalise import tidy

ASKED = 7
"""Level of a heading that is a question in running text; it ends where its answer ends."""

_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff]"
)
"""Characters nobody sees: they could carry instructions that only a machine reads."""

ADDRESS = re.compile(r"https?://[^\s/]\S{0,2000}", re.IGNORECASE)
"""Where a link may lead: no script, no file."""

_QUESTION = re.compile(r"[?？]\s*$")
_ASKED = re.compile(r"^(?:Q(?:uestion)?\s*\d{0,3}|问题?\s*\d{0,3}|提问)\s*[:：.、]\s*(?=\S)", re.IGNORECASE)
_ANSWERED = re.compile(r"^(?:A(?:nswer)?\s*\d{0,3}(?:\s*[:：]|\.(?=\s))|答案?\s*\d{0,3}\s*[:：]|回答\s*[:：])\s*(?=\S)")


class LeftOutError(ValueError):
    """A file, or a part of one, that cannot become an answer; its text says why, quoting no more than a word."""


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph, a list or a table.

    Attributes:
        text: Plain text; the items of a list and the rows of a table are lines.
        level: 1..6 of a heading, ``ASKED`` for a question in running text, 0 for text.
        ends: Whether a question in running text ends here; such a block has no text.
        anchor: Name by which an address can point to the heading, or empty.
    """

    text: str
    level: int = 0
    ends: bool = False
    anchor: str = ""


@dataclass(frozen=True)
class Document:
    """A file as plain text.

    Attributes:
        blocks: In reading order.
        title: Of the whole, or empty.
        meta: What its head says of it: ``language``, ``url``, ``tags`` and the like; values are texts.
        hidden: Characters of text that nobody sees and that were dropped.
    """

    blocks: tuple[Block, ...]
    title: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    hidden: int = 0


def plain(text: str) -> str:
    """Text as it is kept: Unicode NFC, no invisible or control characters, single blanks, at most one empty line."""
    if not (text.isascii() and text.isprintable()):
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))
    return tidy(text)


def one_line(text: str) -> str:
    """The same without line ends: for headings, names and cells."""
    return " ".join(plain(text).split())


def address(text: str) -> str:
    """An address that a customer may be led to; empty for an empty text.

    Raises:
        LeftOutError: It does not begin with ``http://`` or ``https://``, or holds a blank.
    """
    text = one_line(text)
    if text and not ADDRESS.fullmatch(text):
        raise LeftOutError(f"url {text[:40]!r}; expected an address with http:// or https://")
    return text


def is_question(text: str) -> bool:
    """Whether a text ends as a question does."""
    return _QUESTION.search(text) is not None


def paragraph(text: str, *, bold: bool = False) -> Block:
    """A paragraph; one that asks (``Q: …?``, or a bold question) is a heading of level ``ASKED``.

    Args:
        text: Plain, not empty.
        bold: Whether the whole of it is set in bold.
    """
    if asked := _ASKED.match(text):
        return Block(one_line(text[asked.end() :]), ASKED)
    if bold and is_question(text) and "\n" not in text:
        return Block(one_line(text), ASKED)
    return Block(_ANSWERED.sub("", text))


def with_lists(blocks: Iterable[Block]) -> Iterator[Block]:
    """Joins list items that stand one after the other to one list."""
    items: list[str] = []
    for block in blocks:
        if block.text.startswith("- ") and not block.level:
            items.append(block.text)
            continue
        if items:
            yield Block("\n".join(items))
            items = []
        yield block
    if items:
        yield Block("\n".join(items))
