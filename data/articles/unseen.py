"""What of an HTML page nobody sees or nobody needs: scripts, hidden text, navigation.

Hidden text could carry instructions that only a machine reads, so whatever a browser would not show is taken out before
anything is read. Rules of style sheets inside the page are followed; files beside it are not.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from data.courtesy import words

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_DROPPED = words(
    "script style noscript template iframe object embed applet svg math canvas audio video map button select option "
    "input textarea datalist nav footer aside link meta base frame frameset noframes area progress meter"
)
_ROLES = words("navigation banner contentinfo search complementary menu menubar toolbar dialog alertdialog tablist")
_ASIDE = re.compile(
    r"^(?:bread-?crumbs?|cookies?|cookie-\w+|sidebar|pagination|pager|toc|table-of-contents|share|social|share-\w+|"
    r"social-\w+|related|related-\w+|skip-?links?|skip-to-content|article-votes|article-vote|comments?)$"
)
"""Classes and ids of what stands beside a text on a help page."""

_UNREAD = words("sr-only visually-hidden visuallyhidden screen-reader-text screen-reader-only hidden d-none is-hidden")
_SIZE = r"(?:0*\.?0+|[01])(?:px|pt|em|rem|%)?"
_HIDING = re.compile(
    rf"""display:none | visibility:(?:hidden|collapse) | content-visibility:hidden
      | opacity:(?:0*\.?0+|0*\.0\d+|0%)(?:[;!]|$)
      | font-size:{_SIZE}(?:[;!]|$) | font:[^;]*(?<![\d.])[01](?:px|pt)
      | (?:text-indent|left|top|right|bottom|margin-left|margin-top):-\d{{3,}}(?:px|em|rem|pt|%)?
      | clip:rect\((?:0|1)(?:px)?[, ] | clip-path:(?:inset\((?:50|100)% | circle\(0)
      | transform:[^;]*scale\(0(?:[,)]|\.0)
      | (?:max-)?(?:height|width):{_SIZE}(?:[;!]|$)(?=.*overflow:hidden)
      | overflow:hidden.*(?:height|width):{_SIZE}(?:[;!]|$)
      | color:transparent
    """,
    re.VERBOSE,
)
_COLOUR = re.compile(r"(?:^|;)color:([^;!]+)")
_BEHIND = re.compile(r"(?:^|;)background(?:-color)?:([^;!]+)")
_MARK = re.compile("[{};]")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WHITE = words(
    "white #fff #ffffff #ffff #ffffffff rgb(255,255,255) rgba(255,255,255,1) hsl(0,0%,100%) snow ghostwhite #fefefe "
    "#fdfdfd"
)
_MOST_RULES = 200
"""That hide something, of one page."""


def prune(soup: BeautifulSoup) -> int:
    """Takes out of a page what is not its text.

    Args:
        soup: Changed in place.

    Returns:
        Characters of hidden text that went, comments included; scripts, styles and navigation do not count.
    """
    from bs4.element import Comment, PreformattedString

    hidden = 0
    for comment in soup.find_all(string=lambda text: isinstance(text, PreformattedString)):
        hidden += len(comment.strip()) if isinstance(comment, Comment) else 0
        comment.extract()
    sheets = [sheet.get_text() for sheet in soup.find_all("style")]
    for tag in _all(soup):
        if not tag.decomposed and (tag.name in _DROPPED or _is_aside(tag)):
            tag.decompose()
    concealed = {id(tag) for tag in _hidden_by(soup, sheets)}
    for tag in _all(soup):
        if not tag.decomposed and (id(tag) in concealed or is_hidden(tag)):
            hidden += len(tag.get_text(" ", strip=True))
            tag.decompose()
    return hidden


def _all(soup: BeautifulSoup) -> list[Tag]:
    return soup.find_all(True)  # a list: tags are taken out while it is gone through


def _is_aside(tag: Tag) -> bool:
    if tag.name in ("html", "body", "main", "article"):
        return False
    if tag.name == "header":
        return tag.find_parent(["main", "article", "section"]) is None and tag.find("h1") is None
    names = [*_list(tag, "class"), *_list(tag, "id")]
    return bool(_ROLES.intersection(_list(tag, "role"))) or any(_ASIDE.match(name) for name in names)


def _list(tag: Tag, name: str) -> list[str]:
    value = tag.get(name) or ""
    return value.lower().split() if isinstance(value, str) else [str(part).lower() for part in value]


def is_hidden(tag: Tag) -> bool:
    """Whether a tag by itself says that it is not shown: an attribute, a usual class, its own style."""
    if tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or _UNREAD.intersection(_list(tag, "class")):
        return True
    if tag.name == "dialog" and not tag.has_attr("open"):
        return True
    style = _flat(str(tag.get("style") or ""))
    if tag.name == "font" and tag.get("color"):
        style += f";color:{_flat(str(tag['color']))}"
    return bool(style) and (_HIDING.search(style) is not None or _same_colours(tag, style))


def _flat(style: str) -> str:
    return re.sub(r"\s*([:;,()!])\s*", r"\1", style.strip().lower())


def _same_colours(tag: Tag, style: str) -> bool:
    """White on white, or any colour on the same."""
    colour = _COLOUR.search(style)
    if colour is None:
        return False
    front, behind = colour[1].strip(), _behind(tag)
    return front == behind or (front in _WHITE and behind in ("", *_WHITE))


def _behind(tag: Tag) -> str:
    """The background's colour, as far as styles within the page tell; empty for the page's own."""
    for place in (tag, *tag.parents):
        own = _BEHIND.search(_flat(str(place.get("style") or "")))
        colour = own[1].strip() if own else str(place.get("bgcolor") or "").strip().lower()
        if colour and colour not in ("none", "transparent", "inherit", "initial"):
            return colour
        if _list(place, "class"):
            return "unknown"  # a class may colour it
    return ""


def _hidden_by(soup: BeautifulSoup, sheets: list[str]) -> Iterator[Tag]:
    """What rules of the page's own style sheets hide, on every screen; a selector that cannot be read hides nothing."""
    from soupsieve import SelectorSyntaxError

    hiding = [selector for selector, body in _rules("\n".join(sheets)) if _HIDING.search(_flat(body))]
    for selector in hiding[:_MOST_RULES]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield from (tag for tag in soup.select(selector) if tag.name not in ("html", "body"))
        except (SelectorSyntaxError, NotImplementedError, ValueError):
            continue


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """(selector, body) of each rule that stands in no ``@`` rule; in one pass, since a page may bring megabytes."""
    text = _CSS_COMMENT.sub("", sheet)
    selector, start, depth = "", 0, 0
    for mark in _MARK.finditer(text):
        if mark[0] == "{":
            depth += 1
            if depth == 1:
                selector, start = text[start : mark.start()].strip(), mark.end()
        elif mark[0] == "}":
            depth = max(0, depth - 1)
            if not depth:
                if selector and not selector.startswith("@"):
                    yield selector, text[start : mark.start()]
                selector, start = "", mark.end()
        elif not depth:  # the end of an @import
            start = mark.end()
