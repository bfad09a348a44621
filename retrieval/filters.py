"""Who asks, where, when and about what: masks under which FAISS and BM25 search."""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Answer, Audience
from retrieval.columns import AUDIENCES, Rows

if TYPE_CHECKING:
    from retrieval.index import Index

Mask = NDArray[np.bool_]

_MINUTE = 60.0
_KEPT = 8
"""Masks that were used last and are kept: a megabyte each for a million answers."""


@dataclass(frozen=True)
class Where:
    """What an answer must be for to be a candidate.

    Attributes:
        language: Code, or None: that of the message. Other languages are candidates only where there is none in it.
        audience: Who asks. Nobody sees what is for a narrower audience.
        site: Where they ask; answers without a site are for all. Empty: answers of all sites.
        products: What the page is about; answers about other products only are left out. Empty: all.
        tags: Each must be there. Empty: all.
        at: Unix seconds at which the answer must hold, to the minute; None: now.
    """

    language: str | None = None
    audience: Audience = "public"
    site: str = ""
    products: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    at: float | None = None

    def __post_init__(self) -> None:
        if self.audience not in AUDIENCES:
            raise ValueError(f"audience {self.audience!r}; expected one of {', '.join(AUDIENCES)}")
        for name in ("products", "tags"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @classmethod
    def of_slots(cls, slots: Mapping[str, Any]) -> Where:
        """From a conversation's slots ``site``, ``product`` and ``signed_in``, as far as the domain has them.

        ``signed_in`` must be set by the shop's own page through the gateway, never from what a customer writes; without
        it, only what anybody may see is found.
        """
        product = slots.get("product")
        return cls(
            audience="signed_in" if slots.get("signed_in") is True else "public",
            site=str(slots.get("site") or ""),
            products=(str(product),) if product else (),
        )

    def admits(self, answer: Answer) -> bool:
        """Whether one answer may be seen here and now, whatever its language: what the masks say of all.

        For what no search has just found, such as the answer behind a button: it may have been meant for another
        audience, or have run out since.
        """
        at = time.time() if self.at is None else self.at
        return (
            AUDIENCES.index(answer.audience) <= AUDIENCES.index(self.audience)
            and (not self.site or answer.site in ("", self.site))
            and (not (self.products and answer.products) or not set(answer.products).isdisjoint(self.products))
            and set(self.tags) <= set(answer.tags)
            and (answer.valid_from is None or answer.valid_from <= at)
            and (answer.valid_until is None or at < answer.valid_until)
        )


@dataclass(frozen=True, eq=False)
class Allowed:
    """What a filter leaves.

    Attributes:
        answers: (answers,) which may be candidates; None: all.
        visible: (answers,) the same, whatever their language and whether they may be said; None: all.
        logged: (logged,) which texts may speak: those whose answers are visible, or that have none; None: all.
        size: Answers that there were: one that is added while a search runs is none of its candidates.
    """

    answers: Mask | None = None
    visible: Mask | None = None
    logged: Mask | None = None
    size: int = sys.maxsize


class Filters:
    """Masks of an index, kept for the filters that were used last.

    Args:
        index: Whose columns are read. Masks follow its version.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._kept: OrderedDict[tuple[Where, bool, bool], Allowed] = OrderedDict()
        self._version = -1
        self._lock = threading.Lock()

    def allowed(self, where: Where, *, sayable_only: bool = True, language_only: bool = True) -> Allowed:
        """Which rows may be found.

        Args:
            where: With a language, unless ``language_only`` is off.
            sayable_only: Whether answers that the bot may not say, filled or as they are, are left out.
            language_only: Whether answers in another language are left out where there are any in the right one.
        """
        key = (self._timed(where), sayable_only, language_only)
        with self._lock:
            version = self._index.version
            if version != self._version:
                self._kept.clear()
                self._version = version
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = self._made(*key)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(key)
        return kept

    def _timed(self, where: Where) -> Where:
        """The filter with its minute; without one where all answers hold for ever."""
        columns = self._index.columns
        now = time.time() if where.at is None else where.at
        return replace(where, at=now // _MINUTE * _MINUTE if columns.timed else 0.0)

    def _made(self, where: Where, sayable_only: bool, language_only: bool) -> Allowed:
        # what is appended last is read first, so that whatever it stands on is there
        alive = self._index.asked.alive.all()
        rows = self._index.logged_rows[: len(alive)]
        columns, size = self._index.columns, len(self._index)
        visible = self._visible(where, size)
        may = visible & columns.sayable.all()[:size] if sayable_only else visible
        if language_only:
            same = may & (columns.language.all()[:size] == columns.number("language", where.language or ""))
            may = same if same.any() else may
        whole = self._index.version == 0  # a changed index is always bounded by its masks: see ``Index.append``
        if visible.all() and whole:
            return Allowed(None if may.all() else may, size=size)
        heard = np.append(visible, True)[rows]  # a row of -1, which is no answer, reads the last
        return Allowed(may, visible, alive & heard, size)

    def _visible(self, where: Where, size: int) -> Mask:
        columns = self._index.columns
        mask: Mask = columns.alive.all()[:size] & (columns.audience.all()[:size] <= AUDIENCES.index(where.audience))
        if columns.timed and where.at is not None:
            mask &= (columns.since.all()[:size] <= where.at) & (where.at < columns.until.all()[:size])
        if where.site:
            sites = columns.site.all()[:size]
            mask &= (sites == columns.number("site", where.site)) | (sites == columns.number("site", ""))
        if where.products:
            free = ~_marked(columns.products.rows_with_any(), size)
            for product in where.products:
                free |= _marked(columns.products.rows_with(product), size)
            mask &= free
        for tag in where.tags:
            mask &= _marked(columns.tags.rows_with(tag), size)
        return mask


def _marked(rows: Rows, size: int) -> Mask:
    """(size,) True for these rows; a row that is being appended has its labels before it counts."""
    mask = np.zeros(size, dtype=bool)
    mask[rows[rows < size]] = True
    return mask
