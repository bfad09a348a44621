"""The names of the shop's products, as its catalogue has them now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.components.details import REPEATED
from retrieval.product_names import ProductNames

if TYPE_CHECKING:
    from retrieval.index import Index

MOST = 20_000
"""Names at most; a shop with more has names that stand for each other."""


class LiveProducts:
    """Follows the index that serves."""

    def __init__(self) -> None:
        self._index: Index | None = None
        self._read = 0
        self._names: dict[str, None] = {}
        self._made = ProductNames(())

    def names(self, index: Index) -> ProductNames:
        """The names in an index; what was added since the last call is read, what was retired stays known."""
        if index is not self._index:
            self._index, self._read, self._names = index, 0, {}
            self._made = ProductNames(())
        if (size := len(index.answers)) > self._read:
            rows = index.columns.products.rows_with_any()
            for row in rows[rows >= self._read].tolist():
                answer = index.answers[row]
                if answer.source == "catalogue" and answer.title and len(self._names) < MOST:
                    self._names[answer.title] = None
            self._read = size
            if len(self._names) != len(self._made.names):
                self._made = ProductNames(self._names)
        return self._made


def with_products(
    entities: list[dict[str, Any]], text: str, names: ProductNames, *, extractor: str
) -> list[dict[str, Any]]:
    """A message's entities with the products it names; an order number in a product's name is none."""
    found = names.find(text)
    if not found:
        return entities
    kept = [
        entity
        for entity in entities
        if entity["entity"] not in ("order_number", "amount", "date")
        or all(entity["end"] <= product.start or entity["start"] >= product.end for product in found)
    ]
    for place, product in enumerate(found):
        entity = {"entity": "product", "value": product.name, "start": product.start, "end": product.end}
        kept.append(entity | {"extractor": extractor} | ({"role": REPEATED} if place else {}))
    return kept
