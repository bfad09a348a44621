"""HTML of help desks and mails as text: paragraphs become lines, markup goes."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

from data.courtesy import words

_BLOCKS = words("p div br li tr h1 h2 h3 h4 h5 h6 ul ol table section article header footer pre hr")
_UNSEEN = words("style script head title template svg")
_QUOTES = frozenset(("blockquote",))
_TAG = re.compile(r"<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]*)(?P<rest>\s[^<>]{0,2000}|/)?>")
_HARD = re.compile(
    r"<(?:!|\?|/?(?:style|script|head|title|template|svg|blockquote)\b)|=\s*[\"'][^\"'<>]*[<>]", re.IGNORECASE
)
"""What needs a parser: texts that are not shown, comments, and brackets inside attributes."""

_SPACE = re.compile(r"\s+")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|\w+);")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
_LINES = re.compile(r" ?\n ?")
_GAPS = re.compile(r"\n{3,}")
MOST_CHARACTERS = 200_000
"""Of HTML that is read; a longer text is a newsletter's or an attack's."""


def html_to_text(html: str, *, quotes: bool = True) -> str:
    """The text that a person sees.

    Args:
        html: A fragment or a page. A text without markup comes back as it is.
        quotes: Whether quoted text (``blockquote``) is kept.
    """
    if not _TAG.search(html):
        return _tidy(unescape(html)) if _ENTITY.search(html) else html.strip()
    if not _HARD.search(html):  # most messages: a few paragraphs
        return _tidy(unescape(_TAG.sub(_break, _SPACE.sub(" ", html))))
    parser = _Text(quotes=quotes)
    parser.feed(html[:MOST_CHARACTERS])
    parser.close()
    return _tidy("".join(parser.pieces))


def _break(match: re.Match[str]) -> str:
    tag = match["tag"].lower()
    return "\n" if tag in _BLOCKS and not (tag == "br" and match["end"]) else ""


def _tidy(text: str) -> str:
    return _GAPS.sub("\n\n", _LINES.sub("\n", _SPACES.sub(" ", text))).strip()


class _Text(HTMLParser):
    def __init__(self, *, quotes: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._skipped = _UNSEEN if quotes else _UNSEEN | _QUOTES
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See parent."""
        if tag in self._skipped:
            self._unseen.append(tag)
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """See parent."""
        if tag in self._unseen:
            while self._unseen.pop() != tag:
                pass
        elif tag in _BLOCKS and tag != "br":
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """See parent."""
        if not self._unseen:
            self.pieces.append(_SPACE.sub(" ", data))

    def unknown_decl(self, data: str) -> None:
        """See parent."""
