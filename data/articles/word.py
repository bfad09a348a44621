"""DOCX: paragraphs, lists and tables in reading order; no comments, deleted or hidden text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.articles.document import Block, Document, LeftOutError, is_question, one_line, paragraph, plain, with_lists
from data.articles.pages import table_lines
from data.readers.packed import MOST_RATIO, unpacks_without_measure

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_HEADING = re.compile(r"(?:heading|标题|überschrift|titre)\s*([1-9])$", re.IGNORECASE)
_TITLE = re.compile(r"^(?:title|标题|titel|titre)$", re.IGNORECASE)
_LIST = re.compile(r"list|列表|liste", re.IGNORECASE)
_RUNS = ".//w:r[not(ancestor::w:del) and not(ancestor::w:moveFrom) and not(ancestor::w:txbxContent)]"
"""Text that stands: what was inserted, linked or in fields too; text boxes are drawn beside it and stored twice."""

_SMALLEST = 2.0
"""Points; smaller letters are not meant to be read."""


def read_word(path: Path) -> Document:
    """Reads a DOCX file.

    Args:
        path: The file; it is read whole into memory, within bounds.

    Raises:
        LeftOutError: Encrypted, damaged, no text, or one that unpacks without measure.
    """
    from docx import Document as open_word
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    _check(path)
    try:
        with path.open("rb") as stream:
            word = open_word(stream)
        reader = _Reader()
        blocks: list[Block] = []
        for item in word.iter_inner_content():
            if isinstance(item, Paragraph):
                blocks += reader.paragraph(item)
            elif isinstance(item, Table):
                blocks += reader.table(item)
        title = one_line(word.core_properties.title or "")
    except Exception as error:  # a damaged file raises anything from KeyError to XMLSyntaxError
        raise LeftOutError(f"a damaged DOCX file ({type(error).__name__})") from error
    first = next((block.text for block in blocks if block.level == 1), "")
    return Document(tuple(with_lists(blocks)), first or title, {}, reader.hidden)


def _check(path: Path) -> None:
    """Refuses what is no DOCX and what would fill the memory, before anything is unpacked."""
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise LeftOutError("an encrypted or old Word file; save it as DOCX without a password")
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            huge = unpacks_without_measure(archive, path)
            encrypted = any(info.flag_bits & 1 for info in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise LeftOutError("a damaged DOCX file (no zip)") from error
    if encrypted:
        raise LeftOutError("an encrypted DOCX file; save it without a password")
    if "word/document.xml" not in names:
        raise LeftOutError("a file named .docx that is no Word document")
    if huge:
        raise LeftOutError(f"a file that unpacks to more than {MOST_RATIO} times its size")


class _Reader:
    """Counts what is hidden while it reads."""

    def __init__(self) -> None:
        self.hidden = 0
        self._levels: dict[str, int] = {}

    def paragraph(self, item: Paragraph) -> Iterator[Block]:
        """The block of a paragraph, if it has text."""
        text, bold = self._text(item)
        if not text:
            return
        style = (item.style.name or "") if item.style is not None else ""
        if level := self._level(item, style):
            yield Block(one_line(text), level)
        elif _LIST.search(style) or item._p.xpath("./w:pPr/w:numPr"):
            yield Block(f"- {one_line(text)}")
        else:
            yield paragraph(text, bold=bold and is_question(text))

    def table(self, table: Table) -> Iterator[Block]:
        """A table as lines; a cell over several columns counts once."""
        rows = []
        for row in table.rows:
            cells = list({id(cell._tc): cell for cell in row.cells}.values())
            rows.append([one_line(" ".join(self._text(item)[0] for item in cell.paragraphs)) for cell in cells])
        if text := plain("\n".join(table_lines([row for row in rows if any(row)]))):
            yield Block(text)

    def _level(self, item: Paragraph, style: str) -> int:
        """Level of a heading, by the style's name or its place in the outline; 0 for text."""
        if style not in self._levels:
            named = _HEADING.match(style)
            outline = item._p.xpath("./w:pPr/w:outlineLvl/@w:val")
            if not outline and item.style is not None:
                outline = item.style.element.xpath("./w:pPr/w:outlineLvl/@w:val")
            number = int(named[1]) if named else int(outline[0]) + 1 if outline else 1 if _TITLE.match(style) else 0
            self._levels[style] = min(number, 6) if number < 10 else 0
        return self._levels[style]

    def _text(self, item: Paragraph) -> tuple[str, bool]:
        """The visible text of a paragraph, and whether all of it is bold."""
        from docx.text.run import Run

        pieces: list[str] = []
        bold = True
        for element in item._p.xpath(_RUNS):
            run = Run(element, item)
            if _is_hidden(run):
                self.hidden += len(run.text.strip())
            elif run.text:
                pieces.append(run.text)
                bold = bold and (bool(run.bold) or not run.text.strip())
        return plain("".join(pieces)), bold


def _is_hidden(run: Any) -> bool:
    """Marked as hidden, too small to read, or white where nothing says what is behind it."""
    font = run.font
    if font.hidden or (font.size is not None and font.size.pt < _SMALLEST):
        return True
    colour = font.color.rgb if font.color is not None else None
    shaded = run._r.xpath(
        "./w:rPr/w:shd | ./w:rPr/w:highlight | ./ancestor::w:p/w:pPr/w:shd | ./ancestor::w:tc/w:tcPr/w:shd"
    )
    return colour is not None and all(part >= 0xFD for part in colour) and not shaded
