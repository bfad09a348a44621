"""The searcher that serves: follows ``var/live.json`` and the journal of the workspace, between two messages."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.artifacts import IndexLayout, ModelLayout
from data.workspace import PROJECT, Live, Workspace
from retrieval.journal import Stamp, stamp_of

if TYPE_CHECKING:
    from retrieval.living import LivingIndex
    from retrieval.search import Searcher

logger = logging.getLogger(__name__)

Open = Callable[[Workspace, IndexLayout, ModelLayout], "LivingIndex"]

COMPACT_AGAIN = 600.0
"""Seconds after which a compaction is tried again; it may have met a full disk."""


@dataclass(frozen=True)
class Served:
    """What serves now.

    Attributes:
        searcher: Opened.
        live: Keys of its artefacts.
        index: The searcher's, as it follows the journal.
    """

    searcher: Searcher
    live: Live
    index: LivingIndex


def open_index(workspace: Workspace, index: IndexLayout, model: ModelLayout) -> LivingIndex:
    """Opens index and model for serving, verifies both, and applies what people changed since.

    One thread: a message is too short to share out, threads that wait for each other spin, and there are other workers.
    """
    from retrieval.living import LivingIndex

    store = workspace.settings.index.store
    return LivingIndex.open(index, model, journal=workspace.changes, vectors=workspace.vectors, threads=1, store=store)


class LiveSearcher:
    """Loads what ``var/live.json`` names, loads again when that file was replaced, and follows the journal.

    Args:
        workspace: Whose model and index.
        opener: Opens the two artefacts; another one in tests.
    """

    def __init__(self, workspace: Workspace, *, opener: Open = open_index) -> None:
        self.workspace = workspace
        self._open = opener
        self._served: Served | None = None
        self._seen: tuple[int, int] | None = None
        self._opening: Future[Served] | None = None
        self._compaction: subprocess.Popen[bytes] | None = None
        self._compacted_at = -COMPACT_AGAIN
        self._reopened_for: tuple[Stamp | None] | None = None

    def load(self) -> None:
        """Loads the live version now.

        Raises:
            InputError: Nothing was learned, or an artefact is not what its manifest says. A bot that understands
                nothing must not start.
        """
        seen = self._stamp()
        self._served = self._opened(self.workspace.live())
        self._seen = seen

    def current(self) -> Served:
        """What serves from this message on, with all that people changed until now.

        A new version that does not load is reported once and the old one serves on: it was verified when it loaded.

        Raises:
            InputError: See ``load``; only for the first version.
        """
        if self._served is None:
            self.load()
        elif (seen := self._stamp()) != self._seen:
            self._seen = seen
            self._attempt(self._switch)
        if self._opening is not None and self._opening.done():
            self._attempt(self._take_opened)
        assert self._served is not None
        self._served.index.refresh()
        if self._served.index.stale and (journal := (stamp_of(self.workspace.changes),)) != self._reopened_for:
            self._reopened_for = journal  # one that cannot be opened is tried once, and not with every message
            self._attempt(self._reopen)
        self._compact_when_long(self._served.index)
        return self._served

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - FAISS and ONNX Runtime raise exceptions of their own
            logger.error("The new version was not loaded, the old one serves on: %s", error)

    def _switch(self) -> None:
        """To another version; where that says what is served anyway, it is opened beside, and nobody waits for it."""
        from retrieval.compact import is_compaction

        self._opening = None
        live, old = self.workspace.live(), self._served
        if old is not None and is_compaction(self.workspace, live, old.live):
            pool = ThreadPoolExecutor(1, thread_name_prefix="open-index")
            self._opening = pool.submit(self._opened, live)
            pool.shutdown(wait=False)
        else:
            self._take(self._opened(live))

    def _take_opened(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            self._take(opening.result())

    def _reopen(self) -> None:
        """The journal is another one than was read: what was applied from the old one must go."""
        self._served, old = None, self._served
        try:
            self._take(self._opened(self.workspace.live()))
        finally:
            self._served = self._served or old

    def _take(self, served: Served) -> None:
        self._served = served
        logger.info("Now serving model %s and index %s.", served.live.model, served.live.index)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = (self.workspace.var / "live.json").stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    def _opened(self, live: Live) -> Served:
        if self._served is not None and (self._served.live.model, self._served.live.index) == (live.model, live.index):
            return Served(self._served.searcher, live, self._served.index)
        index = IndexLayout(self.workspace.folder("index") / live.index)
        opened = self._open(self.workspace, index, ModelLayout(self.workspace.folder("model") / live.model))
        return Served(opened.searcher, live, opened)

    def _compact_when_long(self, index: LivingIndex) -> None:
        """Starts a compaction as a process of its own, which yields to everything else; one at a time per workspace."""
        if self._compaction is not None and self._compaction.poll() is not None:
            self._compaction = None
        now = time.monotonic()
        if not index.is_long or self._opening or self._compaction or now - self._compacted_at < COMPACT_AGAIN:
            return
        self._compacted_at = now
        command = [sys.executable, str(PROJECT / "careline.py"), "index", "compact", "--gently"]
        self._compaction = subprocess.Popen(
            [*command, "--workspace", str(self.workspace.root)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
