"""The searcher that serves: follows ``var/live.json`` of the workspace and changes versions between two messages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.artifacts import IndexLayout, ModelLayout
from data.errors import InputError
from data.workspace import Live, Workspace

if TYPE_CHECKING:
    from retrieval.search import Searcher

logger = logging.getLogger(__name__)

Open = Callable[[IndexLayout, ModelLayout], "Searcher"]


@dataclass(frozen=True)
class Served:
    """What serves now.

    Attributes:
        searcher: Opened.
        live: Keys of its artefacts.
    """

    searcher: Searcher
    live: Live


def open_searcher(index: IndexLayout, model: ModelLayout) -> Searcher:
    """Opens index and model for serving, and verifies both.

    One thread: a message is too short to share out, threads that wait for each other spin, and there are other workers.
    """
    from retrieval.search import Searcher

    return Searcher.open(index, model, threads=1)


class LiveSearcher:
    """Loads what ``var/live.json`` names, and loads again when that file was replaced.

    Args:
        workspace: Whose model and index.
        opener: Opens the two artefacts; another one in tests.
    """

    def __init__(self, workspace: Workspace, *, opener: Open = open_searcher) -> None:
        self.workspace = workspace
        self._open = opener
        self._served: Served | None = None
        self._seen: tuple[int, int] | None = None

    def load(self) -> None:
        """Loads the live version now.

        Raises:
            InputError: Nothing was learned, or an artefact is not what its manifest says. A bot that understands
                nothing must not start.
        """
        seen = self._stamp()
        self._served = self._opened()
        self._seen = seen

    def current(self) -> Served:
        """What serves from this message on.

        A new version that does not load is reported once and the old one serves on: it was verified when it loaded.

        Raises:
            InputError: See ``load``; only for the first version.
        """
        if self._served is None:
            self.load()
        elif (seen := self._stamp()) != self._seen:
            self._seen = seen
            try:
                self._served = self._opened()
                logger.info("Now serving model %s and index %s.", self._served.live.model, self._served.live.index)
            except (InputError, OSError, ValueError) as error:
                logger.error("The new version was not loaded, the old one serves on: %s", error)
        assert self._served is not None
        return self._served

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = (self.workspace.var / "live.json").stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    def _opened(self) -> Served:
        live = self.workspace.live()
        if self._served is not None and (self._served.live.model, self._served.live.index) == (live.model, live.index):
            return Served(self._served.searcher, live)
        return Served(self._open(self.workspace.live_index(), self.workspace.live_model()), live)
