"""The searcher that serves follows the journal and takes a compacted index over without anybody waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

import retrieval.living as living
from bot.components.live import LiveSearcher, open_index
from data.artifacts import IndexLayout, ModelLayout
from data.workspace import Workspace
from retrieval.compact import compact
from retrieval.curate import Curator
from retrieval.living import LivingIndex

QUESTION, TEXT = "Do you lend out kayaks?", "Kayaks can be borrowed for a week."


def said(searcher: LiveSearcher, question: str = QUESTION) -> str:
    hits = searcher.current().searcher.search(question).hits
    return hits[0].answer.text if hits else ""


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it never came true"
        time.sleep(0.01)


def test_what_people_change_is_said_from_the_next_message_on(shop: Workspace) -> None:
    searcher, curator = LiveSearcher(shop), Curator.open(shop)
    first = searcher.current()
    added = curator.add(QUESTION, TEXT).answer
    assert said(searcher) == TEXT
    curator.change(added.id, text="Kayaks are for sale only.")
    assert said(searcher) == "Kayaks are for sale only."
    curator.remove(added.id)
    assert "Kayaks" not in said(searcher)
    assert searcher.current() is first, "nothing was opened again"


def test_a_compacted_index_is_opened_beside_the_one_that_serves(shop: Workspace) -> None:
    gate, opened = threading.Event(), []

    def slowly(workspace: Workspace, index: IndexLayout, model: ModelLayout) -> LivingIndex:
        if opened:
            assert gate.wait(60)
        opened.append(index.folder.name)
        return open_index(workspace, index, model)

    searcher, curator = LiveSearcher(shop, opener=slowly), Curator.open(shop)
    first = searcher.current()
    curator.add(QUESTION, TEXT)
    assert compact(shop) is not None
    assert searcher.current() is first
    assert said(searcher) == TEXT
    curator.add("Do you lend out paddles?", "Paddles come with the kayak.")
    assert said(searcher, "Do you lend out paddles?") == "Paddles come with the kayak."
    gate.set()
    wait_for(lambda: searcher.current() is not first)
    now = searcher.current()
    assert now.live == shop.live()
    assert (said(searcher), now.index.late) == (TEXT, 1)
    assert said(searcher, "Do you lend out paddles?") == "Paddles come with the kayak."


@pytest.mark.slow
def test_a_long_journal_is_compacted_by_itself(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(living, "LONG", 2)
    searcher, curator, before = LiveSearcher(shop), Curator.open(shop), shop.live()
    for number in range(3):
        curator.add(f"{QUESTION} {number}", f"{TEXT} {number}")
    searcher.current()
    wait_for(lambda: shop.live() != before, 180)
    wait_for(lambda: searcher.current().live == shop.live())
    wait_for(lambda: searcher.current().index.late == 0 and searcher._compaction is None)
    assert said(searcher, f"{QUESTION} 2") == f"{TEXT} 2"


def test_a_journal_that_was_put_back_is_read_anew(shop: Workspace) -> None:
    searcher, curator = LiveSearcher(shop), Curator.open(shop)
    curator.add("Do you lend out paddles?", "Paddles come with the kayak.")
    kept = shop.changes.read_bytes()
    curator.add(QUESTION, TEXT)
    assert said(searcher) == TEXT
    shop.changes.write_bytes(kept)
    assert said(searcher) != TEXT
    assert said(searcher, "Do you lend out paddles?") == "Paddles come with the kayak."


def test_a_lost_journal_is_reported_once_and_the_index_serves_on(
    shop: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    opened: list[IndexLayout] = []

    def count(workspace: Workspace, index: IndexLayout, model: ModelLayout) -> LivingIndex:
        opened.append(index)
        return open_index(workspace, index, model)

    curator = Curator.open(shop)
    curator.add(QUESTION, TEXT)
    compact(shop)
    searcher = LiveSearcher(shop, opener=count)
    assert said(searcher) == TEXT
    kept = shop.changes.read_bytes()
    shop.changes.unlink()
    assert [said(searcher) for _ in range(3)] == [TEXT] * 3
    assert len(opened) == 2, "tried once, and not with every message"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    shop.changes.write_bytes(kept)
    curator.add("Do you lend out paddles?", "Paddles come with the kayak.")
    assert said(searcher, "Do you lend out paddles?") == "Paddles come with the kayak."
