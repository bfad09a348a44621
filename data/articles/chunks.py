"""Documents to chunks: one for each section, and several where a section is long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from data.articles.document import ASKED, Document, one_line
from data.courtesy import split_sentences

MOST_CHARACTERS = 1200
"""Of a chunk: what a person reads in a chat without scrolling back."""

FEWEST_LETTERS = 2
"""A section with fewer letters and digits (a rule, a page number) says nothing."""

LONGEST_HEADING = 200

_HAN = "\u3400", "\u9fff"


@dataclass(frozen=True)
class Chunk:
    """A piece of a document that can stand alone.

    Attributes:
        path: Headings above it, the outermost first; the document's title is the first of them.
        text: At most ``MOST_CHARACTERS``.
        ordinal: Which of the chunks with this path it is, from 0.
        first: Whether it begins its section, so that the heading's question is its question.
        anchor: Of the innermost heading that has one, or empty.
    """

    path: tuple[str, ...]
    text: str
    ordinal: int
    first: bool
    anchor: str = ""


def chunks_of(document: Document, *, most: int = MOST_CHARACTERS) -> Iterator[Chunk]:
    """Cuts a document along its headings, and long sections at paragraphs, lines, sentences or words.

    Args:
        document: As a parser made it.
        most: Characters of a chunk.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    for path, anchor, texts in _sections(document):
        for number, text in enumerate(pack(texts, most)):
            if sum(c.isalnum() for c in text) >= FEWEST_LETTERS:
                yield Chunk(path, text, seen[path], first=not number and not seen[path], anchor=anchor)
                seen[path] += 1


def _sections(document: Document) -> Iterator[tuple[tuple[str, ...], str, list[str]]]:
    """(path, anchor, texts) between one heading and the next."""
    title = one_line(document.title)[:LONGEST_HEADING]
    above: list[tuple[int, str, str]] = [(0, title, "")] if title else []
    texts: list[str] = []
    for block in document.blocks:
        if not block.level and not block.ends:
            texts.append(block.text)
            continue
        if texts:
            yield _path(above), _anchor(above), texts
            texts = []
        level = block.level or ASKED
        above = [entry for entry in above if entry[0] < level]
        name = one_line(block.text)[:LONGEST_HEADING]
        if name and not (len(above) == 1 and above[0][:2] == (0, name)):  # the title once more
            above.append((level, name, block.anchor))
    if texts:
        yield _path(above), _anchor(above), texts


def _path(above: Sequence[tuple[int, str, str]]) -> tuple[str, ...]:
    return tuple(name for _, name, _ in above)


def _anchor(above: Sequence[tuple[int, str, str]]) -> str:
    return next((anchor for _, _, anchor in reversed(above) if anchor), "")


def pack(texts: Sequence[str], most: int) -> list[str]:
    """Joins paragraphs to pieces of at most ``most`` characters, of like length; what is longer alone is cut."""
    pieces = [piece for text in texts for piece in _cut(text, most)]
    total = sum(len(piece) + 2 for piece in pieces)
    wanted = total / max(1, -(-total // most))  # an even share, so that no short rest is left over
    packed: list[str] = []
    for piece in pieces:
        last = packed[-1] if packed else ""
        if packed and len(last) + len(piece) + 2 <= most and len(last) + len(piece) / 2 <= wanted:
            packed[-1] = f"{last}\n\n{piece}"
        else:
            packed.append(piece)
    return packed


def _cut(text: str, most: int) -> list[str]:
    """A text in pieces: at its lines, else at its sentences, else at its words, else anywhere."""
    if len(text) <= most:
        return [text]
    ways: tuple[tuple[str, Callable[[str], list[str]]], ...] = (
        ("\n", lambda t: [line for line in t.split("\n") if line.strip()]),
        (" ", split_sentences),
        (" ", str.split),
    )
    for joint, split in ways:
        parts = split(text)
        if len(parts) > 1:
            return _joined([piece for part in parts for piece in _cut(part, most)], joint, most)
    return [text[at : at + most] for at in range(0, len(text), most)]


def _joined(parts: Sequence[str], joint: str, most: int) -> list[str]:
    out: list[str] = []
    for part in parts:
        between = "" if joint == " " and out and _is_han(out[-1][-1:]) else joint
        if out and len(out[-1]) + len(between) + len(part) <= most:
            out[-1] += between + part
        else:
            out.append(part)
    return out


def _is_han(character: str) -> bool:
    """Whether no blank is written after this character."""
    return _HAN[0] <= character <= _HAN[1] or character in "。！？；，、：）」』”…"
