"""Markdown, by way of HTML: what is hidden or a script in one is so in the other."""

from __future__ import annotations

import re
from dataclasses import replace

from data.articles.document import Document, LeftOutError
from data.articles.pages import read_page

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_MOST_FRONT = 20_000


def read_markdown(text: str) -> Document:
    """Reads CommonMark with tables and strikethrough; a YAML head between ``---`` lines says more about it.

    Args:
        text: The file.

    Raises:
        LeftOutError: A head that is no YAML, or text that is nested without measure.
    """
    from markdown_it import MarkdownIt

    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    front = _FRONT.match(text)
    meta = _meta(front[1]) if front else {}
    body = text[front.end() :] if front else text
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = _any_link  # type: ignore[method-assign]
    try:
        html = parser.render(body)
    except RecursionError as error:
        raise LeftOutError("marks that are nested too deeply") from error
    document = read_page(f"<body>{html}</body>")
    return replace(document, title=meta.pop("title", "") or document.title, meta=meta)


def _meta(text: str) -> dict[str, str]:
    """The head as texts; a list becomes one text with commas."""
    import yaml

    try:
        row = yaml.safe_load(text) if len(text) <= _MOST_FRONT and not _refers(text) else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise LeftOutError("a head between --- lines that is no YAML") from error
    if not isinstance(row, dict):
        raise LeftOutError("a head between --- lines that is no YAML with names and values")
    flat = {str(key).strip().lower(): value for key, value in row.items() if value is not None}
    return {
        key: ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in flat.items()
        if not isinstance(value, dict)
    }


def _refers(text: str) -> bool:
    """Whether a head names a part of itself: a few such lines can stand for more text than fits into memory."""
    import yaml

    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))


def _any_link(url: str) -> bool:
    """Every link is read as one: its target is dropped, so none is dangerous, and its marks must not stay."""
    return True
