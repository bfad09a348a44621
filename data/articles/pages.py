"""HTML pages: the main text in reading order, without navigation, scripts and what nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from data.articles.document import (
    ADDRESS,
    ASKED,
    Block,
    Document,
    LeftOutError,
    is_question,
    one_line,
    paragraph,
    plain,
)
from data.articles.unseen import prune
from data.courtesy import words

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_HEADINGS = {f"h{level}": level for level in range(1, 7)} | {"summary": ASKED, "dt": ASKED}
_BLOCKS = words(
    "address article blockquote body caption center dd details dialog div dl fieldset figcaption figure form header "
    "hgroup hr html legend li main p pre section table tbody td tfoot th thead tr ul ol"
)
_MAIN = ("main", "[role=main]", "article", "#main-content", "#content", "#main", ".article-body", ".article")
_LEAST_MAIN = 0.4
"""Share of the page's text that what calls itself the main part must have; else it is a teaser beside the text."""

_DEEPEST = 200
_TITLE_END = re.compile(r"\s+[|–—·»]\s+|\s+-\s+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*$")


def read_page(html: str) -> Document:
    """Reads a page.

    Args:
        html: The whole page or a fragment.

    Raises:
        LeftOutError: It is nested without measure.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "lxml")
    if _is_deep(soup):
        raise LeftOutError("tags that are nested too deeply")
    title, meta = _head(soup)
    hidden = prune(soup)
    main = _main(soup)
    blocks = tuple(_walk(main)) if main is not None else ()
    first = next((block.text for block in blocks if block.level == 1), "")
    return Document(blocks, first or title, meta, hidden)


def _is_deep(soup: BeautifulSoup) -> bool:
    """Whether tags are nested in more than ``_DEEPEST`` others: reading goes down with them."""
    waiting: list[tuple[Tag, int]] = [(soup, 0)]
    while waiting:
        tag, depth = waiting.pop()
        if depth > _DEEPEST:
            return True
        waiting += [(child, depth + 1) for child in tag.find_all(True, recursive=False)]
    return False


def _head(soup: BeautifulSoup) -> tuple[str, dict[str, str]]:
    """Title, language and address of a page."""
    meta: dict[str, str] = {}
    title = one_line(soup.title.get_text()) if soup.title else ""
    root = soup.find("html")
    language = str(root.get("lang") or "") if root else ""
    if _LANGUAGE.match(language):
        meta["page_language"] = language
    link = soup.find("link", rel="canonical")
    if link and ADDRESS.fullmatch(str(link.get("href") or "")):
        meta["url"] = str(link["href"])
    return _TITLE_END.split(title)[0], meta


def _main(soup: BeautifulSoup) -> Tag | None:
    body = soup.body or soup.find("html")
    if body is None:
        return None
    whole = len(body.get_text(" ", strip=True))
    for selector in _MAIN:
        found = soup.select(selector)
        if len(found) == 1 and len(found[0].get_text(" ", strip=True)) >= _LEAST_MAIN * whole:
            return found[0]
    return body


def _walk(tag: Tag) -> Iterator[Block]:
    """The blocks inside a tag; text and inline tags between them are paragraphs."""
    from bs4.element import NavigableString, Tag

    inline: list[str] = []
    for child in tag.children:
        if isinstance(child, NavigableString):
            inline.append(re.sub(r"\s+", " ", child))
        elif not isinstance(child, Tag):
            continue
        elif child.name == "br":
            inline.append("\n")
        elif child.name in _HEADINGS or child.name in _BLOCKS or child.find(_is_block):
            yield from _flushed(inline)
            yield from _block(child)
        else:
            inline.append(_inline(child))
    yield from _flushed(inline)


def _is_block(tag: Tag) -> bool:
    return tag.name in _BLOCKS or tag.name in _HEADINGS


def _flushed(inline: list[str]) -> Iterator[Block]:
    text = plain("".join(inline))
    inline.clear()
    if text:
        yield paragraph(text)


def _block(tag: Tag) -> Iterator[Block]:
    if level := _HEADINGS.get(tag.name):
        if text := one_line(_inline(tag)):
            yield Block(text, level, anchor=_anchor(tag))
    elif tag.name in ("ul", "ol"):
        if text := plain("\n".join(_items(tag))):
            yield Block(text)
    elif tag.name == "table" and _is_data(tag):
        yield from _flushed([_inline(caption) for caption in tag.find_all("caption", recursive=False)])
        if text := plain("\n".join(table_lines(_cells(tag)))):
            yield Block(text)
    elif tag.name == "pre":
        if text := plain(tag.get_text()):
            yield Block(text)
    elif tag.name == "p" and not tag.find(_is_block):
        yield from _paragraph(tag)
    else:
        yield from _walk(tag)
        if tag.name in ("details", "dl"):
            yield Block("", ends=True)


def _anchor(tag: Tag) -> str:
    name = str(tag.get("id") or "")
    return name if re.fullmatch(r"[\w.-]{1,80}", name) else ""


def _paragraph(tag: Tag) -> Iterator[Block]:
    """A paragraph; a bold question at its beginning is one of its own, whether its answer follows in it or after it."""
    text = plain(_inline(tag))
    bold = tag.find(["b", "strong"])
    asked = one_line(_inline(bold)) if bold else ""
    if is_question(asked) and text.startswith(asked):
        yield paragraph(asked, bold=True)
        text = text[len(asked) :].strip()
    if text:
        yield paragraph(text)


def _inline(tag: Tag) -> str:
    """Text of a tag; line breaks are kept, blocks inside it are lines."""
    from bs4.element import NavigableString, Tag

    pieces: list[str] = []
    for child in tag.children:
        if isinstance(child, NavigableString):
            pieces.append(re.sub(r"\s+", " ", child))
        elif isinstance(child, Tag) and child.name == "br":
            pieces.append("\n")
        elif isinstance(child, Tag):
            text = _inline(child)
            pieces.append(f"\n{text}\n" if _is_block(child) else text)
    return "".join(pieces)


def _items(tag: Tag, depth: int = 0) -> Iterator[str]:
    """Lines of a list; nested ones are set in by two blanks, which ``plain`` cuts, and keep their own marks."""
    start = str(tag.get("start") or "1")
    number = int(start) if start.isdigit() and len(start) < 6 else 1
    for item in tag.find_all("li", recursive=False):
        nested = item.find_all(["ul", "ol"], recursive=False)
        for inner in nested:
            inner.extract()
        if text := one_line(_inline(item)):
            mark = f"{number}." if tag.name == "ol" else "-" if not depth else "•"
            yield f"{mark} {text}"
            number += 1
        for inner in nested:
            yield from _items(inner, depth + 1)


def _is_data(table: Tag) -> bool:
    """Whether a table holds values and is not there for the looks."""
    if table.get("role") == "presentation" or table.find(["table", *_HEADINGS]):
        return False
    rows = table.find_all("tr")
    return len(rows) > 1 and any(len(row.find_all(["td", "th"])) > 1 for row in rows)


def _cells(table: Tag) -> list[list[str]]:
    rows = [[one_line(_inline(cell)) for cell in row.find_all(["td", "th"])] for row in table.find_all("tr")]
    return [row for row in rows if any(row)]


def table_lines(rows: list[list[str]]) -> Iterator[str]:
    """A table as lines that can be read alone: each cell after the name of its column.

    Args:
        rows: The first holds the names of the columns, unless the table has two columns without names: then the first
            cell of each row is the name of the second.
    """
    if len(rows) < 2 or max(map(len, rows)) < 3:
        yield from (": ".join(cell for cell in row if cell) for row in rows)
        return
    names = rows[0]
    for row in rows[1:]:
        first, rest = (row or [""])[0], list(zip(names[1:], row[1:], strict=False))
        values = "; ".join(f"{name}: {value}" if name else value for name, value in rest if value)
        yield f"{first}: {values}" if first and values else first or values
