"""PDF: running text with its headings, told by the size of their letters; no page numbers, no hidden text."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from data.articles.document import Block, Document, LeftOutError, one_line, paragraph, plain, with_lists

if TYPE_CHECKING:
    from pdfminer.layout import LTChar, LTPage, LTTextLine

MOST_PAGES = 1000

_LARGER = 1.15
"""Letters so many times as large as those of the text are a heading's."""

_LONGEST_HEADING = 160
_MARGIN = 0.1
"""Share of a page's height in which running heads and page numbers stand."""

_BULLET = re.compile(r"^(?:[•‣▪●○◦·■□–—*-]|\(cid:\d+\))\s+")
_NUMBERED = re.compile(r"^\d{1,2}[.)、]\s*\S")
_PAGE = re.compile(
    r"^\W*(?:page|p\.|seite|第)?\s*\d{1,4}\s*(?:(?:of|/|von|页)\s*(?:共\s*)?\d{0,4}\s*页?)?\W*$", re.IGNORECASE
)
_NO_HEADING = re.compile(r"[.;,。；，]\s*$")
_GLUE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]$")
_CID = re.compile(r"\(cid:\d+\)")
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}


@dataclass(frozen=True)
class Line:
    """A line of print.

    Attributes:
        text: As printed.
        size: Of its letters, in points.
        bold: Whether most of it is.
        box: Number of the block of lines it stands in.
        page: From 0.
        height: Where on the page, 0 (bottom) to 1.
    """

    text: str
    size: float
    bold: bool
    box: int
    page: int
    height: float


def read_pdf(path: Path) -> Document:
    """Reads a PDF file.

    Args:
        path: The file.

    Raises:
        LeftOutError: Encrypted, damaged, longer than ``MOST_PAGES``, or pictures of text only.
    """
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.pdfparser import PDFSyntaxError
    from pdfminer.psparser import PSException

    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    try:
        lines, title, hidden = _lines_of(path)
    except LeftOutError:
        raise
    except PDFPasswordIncorrect as error:
        raise LeftOutError("an encrypted PDF; save it without a password") from error
    except (PDFSyntaxError, PSException) as error:
        raise LeftOutError(f"a damaged PDF ({type(error).__name__})") from error
    except Exception as error:  # a damaged file raises anything in the library
        raise LeftOutError(f"a PDF that cannot be read ({type(error).__name__})") from error
    if not any(character.isalnum() for line in lines for character in line.text):
        raise LeftOutError("a PDF without text: pictures of pages, such as a scan; run text recognition on it first")
    blocks = tuple(with_lists(blocks_of(without_margins(lines))))
    first = next((block.text for block in blocks if block.level == 1), "")
    return Document(blocks, first or title, {}, hidden)


def _lines_of(path: Path) -> tuple[list[Line], str, int]:
    from pdfminer.layout import LAParams
    from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError
    from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
    from pdfminer.pdfpage import PDFPage
    from pdfminer.pdfparser import PDFParser

    from data.articles.pdf_device import SeenText

    with path.open("rb") as stream:
        try:
            document = PDFDocument(PDFParser(stream))
        except PDFEncryptionError as error:
            raise LeftOutError("an encrypted PDF; save it without a password") from error
        resources = PDFResourceManager()
        device = SeenText(resources, laparams=LAParams())
        interpreter = PDFPageInterpreter(resources, device)
        lines: list[Line] = []
        for number, page in enumerate(PDFPage.create_pages(document)):
            if number >= MOST_PAGES:
                raise LeftOutError(f"a PDF of more than {MOST_PAGES:,} pages; cut it into its chapters")
            interpreter.process_page(page)
            lines += _of_page(device.get_result(), number, len(lines))
        return lines, _title(document.info), device.hidden


def _title(info: Sequence[Any]) -> str:
    from pdfminer.utils import decode_text

    raw = next((entry["Title"] for entry in info if isinstance(entry.get("Title"), bytes)), b"")
    title = one_line(decode_text(raw))
    return "" if re.search(r"\.\w{2,4}$|^untitled|^microsoft word", title, re.IGNORECASE) else title


def _of_page(page: LTPage, number: int, boxes: int) -> Iterator[Line]:
    from pdfminer.layout import LTTextBox, LTTextLine

    for box, item in enumerate((item for item in page if isinstance(item, LTTextBox)), start=boxes):
        for line in item:
            if isinstance(line, LTTextLine) and (made := _line(line, number, box, page)):
                yield made


def _line(line: LTTextLine, number: int, box: int, page: LTPage) -> Line | None:
    from pdfminer.layout import LTChar

    letters = [item for item in line if isinstance(item, LTChar) and item.get_text().strip()]
    text = one_line(_CID.sub("", _listed(line.get_text())).translate(_LIGATURES))
    if not letters or not text:
        return None
    bold = sum(_is_bold(letter) for letter in letters) * 2 > len(letters)
    middle = (line.y0 + line.y1) / 2
    return Line(
        text, float(median(letter.size for letter in letters)), bold, box, number, middle / max(page.height, 1.0)
    )


def _listed(text: str) -> str:
    """A bullet of any font as a dash; one that the font names by number only is a bullet at the line's beginning."""
    return _BULLET.sub("- ", text.strip())


def _is_bold(letter: LTChar) -> bool:
    return any(word in letter.fontname.lower() for word in ("bold", "black", "heavy", "semibold", "heiti"))


def without_margins(lines: Sequence[Line]) -> list[Line]:
    """Leaves out page numbers, and running heads: lines at the margin that come again on half of the pages."""
    pages = len({line.page for line in lines})
    margin = [line for line in lines if not _MARGIN < line.height < 1 - _MARGIN]
    often = Counter(key for key, _ in {(_key(line), line.page) for line in margin})
    edge = set(map(id, margin))
    return [
        line
        for line in lines
        if id(line) not in edge
        or not (_PAGE.match(line.text) or (pages > 2 and often[_key(line)] >= max(3, pages / 2)))
    ]


def _key(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text)


def blocks_of(lines: Sequence[Line]) -> Iterator[Block]:
    """Headings and paragraphs of the lines of all pages."""
    levels = _levels(lines)
    paragraphs: list[str] = []
    before: Line | None = None
    heading: Block | None = None
    for line in lines:
        level = levels(line)
        joined = before is not None and before.box == line.box
        if level and heading is not None and heading.level == level and joined:
            heading = Block(_join(heading.text, line.text), level)
        elif level:
            yield from _text(paragraphs, heading)
            heading, paragraphs = Block(line.text, level), []
        elif joined and paragraphs and not _starts_item(line.text) and levels(before or line) == 0:
            paragraphs[-1] = _join(paragraphs[-1], line.text)
        else:
            paragraphs.append(line.text)
        before = line
    yield from _text(paragraphs, heading)


def _text(paragraphs: Sequence[str], heading: Block | None) -> Iterator[Block]:
    if heading is not None:
        yield heading
    yield from (paragraph(text) for part in paragraphs if (text := plain(part)))


def _starts_item(text: str) -> bool:
    return text.startswith("- ") or _NUMBERED.match(text) is not None


def _join(left: str, right: str) -> str:
    """Two lines of a paragraph as one; a word that was divided is whole again."""
    if left.endswith("-") and left[-2:-1].isalpha() and right[:1].islower():
        return left[:-1] + right
    return left + right if _GLUE.search(left) and _GLUE.search(right[:1]) else f"{left} {right}"


def _levels(lines: Sequence[Line]) -> Callable[[Line], int]:
    """A function from a line to its level as a heading, or 0."""
    letters: Counter[float] = Counter()
    for line in lines:
        letters[_rounded(line)] += len(line.text)
    body = letters.most_common(1)[0][0] if letters else 0.0
    bold = sum(len(line.text) for line in lines if line.bold and _rounded(line) == body)
    marks = bold * 2 < letters[body]  # where all is bold, bold marks nothing
    larger = [line for line in lines if line.size >= body * _LARGER and len(line.text) <= _LONGEST_HEADING]
    sizes = sorted({_rounded(line) for line in larger}, reverse=True)
    level = {size: min(place, 5) for place, size in enumerate(sizes, start=1)}
    mixed = {line.box for line in lines if not line.bold}

    def of(line: Line) -> int:
        if line.size >= body * _LARGER and len(line.text) <= _LONGEST_HEADING:
            return level[_rounded(line)] if any(c.isalnum() for c in line.text) else 0
        alone = line.box not in mixed or not line.text.startswith("- ")
        short = len(line.text) <= _LONGEST_HEADING / 2 and not _NO_HEADING.search(line.text)
        return min(len(sizes) + 1, 6) if line.bold and marks and short and alone else 0

    return of


def _rounded(line: Line) -> float:
    return round(line.size * 2) / 2
