"""Product feeds in XML, as made for Google Merchant and the like: RSS 2.0, Atom, or a list of products.

Entities of the file's own and references to other files are refused (defusedxml): they can fill the memory or read what
is nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.articles.document import LeftOutError

ITEMS = frozenset(("item", "entry", "product", "offer"))


def read_feed(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the fields, and the products as rows.

    Args:
        path: The feed.

    Raises:
        LeftOutError: No XML, broken, entities of its own, or no product in it.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError

    try:
        items = list(_items(path))
    except DefusedXmlException as error:
        raise LeftOutError("XML with entities or references of its own, which are not followed") from error
    except ParseError as error:
        line, column = error.position
        raise LeftOutError(f"broken XML at line {line}, column {column}") from error
    except (ValueError, LookupError) as error:
        raise LeftOutError("XML in an unknown encoding") from error
    if not items:
        raise LeftOutError(f"XML without products; expected elements {', '.join(sorted(ITEMS))}")
    header = list(dict.fromkeys(name for item in items for name in item))
    return header, [(number, [item.get(name, "") for name in header]) for number, item in enumerate(items, start=1)]


def _items(path: Path) -> Iterator[dict[str, str]]:
    from defusedxml.ElementTree import iterparse

    with path.open("rb") as stream:
        for _, element in iterparse(stream, events=("end",)):
            if _name(element) in ITEMS and len(element):
                yield dict(_fields(element))
                element.clear()


def _fields(element: Any) -> Iterator[tuple[str, str]]:
    """Name to text; a name that comes again is a list, and Google's ``product_detail`` is an attribute of its own."""
    found: dict[str, list[str]] = {}
    for child in element:
        name = _name(child)
        inner = {_name(part): (part.text or "").strip() for part in child}
        if name == "product_detail" and inner.get("attribute_name"):
            found.setdefault(inner["attribute_name"], []).append(inner.get("attribute_value", ""))
        elif name == "link" and not (child.text or "").strip():
            found.setdefault(name, []).append(child.get("href", ""))
        elif not len(child):
            found.setdefault(name, []).append((child.text or "").strip())
    for name, values in found.items():
        yield name, " / ".join(value for value in values if value) if name != "link" else values[0]


def _name(element: Any) -> str:
    """A tag without its name space."""
    return str(element.tag).rsplit("}", 1)[-1].lower()
