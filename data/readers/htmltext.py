"""HTML of help desks and mails as text: paragraphs become lines, markup goes."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from data.courtesy import words

_BLOCKS = words("p div br li tr h1 h2 h3 h4 h5 h6 ul ol table section article header footer pre hr")
_UNSEEN = words("style script head title template svg")
_QUOTES = frozenset(("blockquote",))
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")
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
        return _tidy(_unescape(html)) if _ENTITY.search(html) else html.strip()
    parser = _Text(quotes=quotes)
    parser.feed(html[:MOST_CHARACTERS])
    parser.close()
    return _tidy("".join(parser.pieces))


def _unescape(text: str) -> str:
    from html import unescape

    return unescape(text)


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
            self.pieces.append(re.sub(r"\s+", " ", data))

    def unknown_decl(self, data: str) -> None:
        """See parent."""
