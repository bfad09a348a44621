from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Tracker

from actions.shop import the_shop
from data.artifacts import Manifest, create
from data.schema import Answer
from data.workspace import Live, Services, Shop, Workspace, WorkspaceSettings, find_workspace, write_settings

ANSWERS = [
    Answer(
        "free", "Shipping is free from 60 on.", "en", support=7, last_used=1_700_000_000.0, questions=("Is it free?",)
    ),
    Answer("slow", "It takes four days.", "en", support=2, questions=("How long does it take?",)),
    Answer("card", "You can pay by card.", "en", questions=("How do I pay?",)),
    Answer("zh", "满60包邮。", "zh", questions=("包邮吗",)),
    Answer("private", "Your order <ORDER_1> is on its way.", "en"),
    Answer("chat", "Hello!", "en", reusable=False),
    Answer("members", "Members pay by invoice.", "en", questions=("May I pay later?",), audience="signed_in"),
    Answer("staff", "Refund code 77.", "en", questions=("How do I refund?",), audience="agents"),
    Answer("old", "The sale ends on Friday.", "en", valid_until=1_700_000_000.0),
    Answer("uk", "We ship from Leeds.", "en", site="uk"),
]

MakeShop = Callable[..., Workspace]


@pytest.fixture
def make_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeShop]:
    """Makes a workspace with an index of answers, and has this process's actions speak for it."""

    def make(*, orders: str = "sample", hours: str = "daily", email: str = "") -> Workspace:
        shop = Shop(name="Little Shop", hours=hours, handoff_email=email)
        write_settings(tmp_path, WorkspaceSettings(shop=shop, services=Services(orders=orders)))
        workspace = find_workspace(str(tmp_path))
        put_index(workspace, "one", ANSWERS)
        workspace.go_live(Live("d", "m", "one", "r"))
        monkeypatch.setenv("CARELINE_WORKSPACE", str(tmp_path))
        the_shop.cache_clear()
        return workspace

    yield make
    the_shop.cache_clear()


def put_index(workspace: Workspace, key: str, answers: list[Answer]) -> None:
    import json

    with create(workspace.folder("index"), Manifest("index", key)) as draft:
        lines = [json.dumps(answer.to_json(), ensure_ascii=False) for answer in answers]
        (draft.folder / "answers.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def a_tracker(
    *hits: tuple[str, float],
    outcome: str = "sure",
    intent: str = "ask",
    channel: str = "careline",
    entities: dict[str, str] | None = None,
    text: str = "...",
    careline: dict[str, Any] | None = None,
    **slots: Any,
) -> Tracker:
    """A tracker whose latest message was understood so."""
    found = {
        "intent": intent,
        "topic": "t",
        "confidence": 0.9,
        "known": 0.9,
        "language": "en",
        "outcome": outcome,
        "model": "m",
        "index": "one",
        "hits": [{"id": key, "score": score} for key, score in hits],
    }
    message = {
        "text": text,
        "intent": {"name": intent},
        "entities": [{"entity": name, "value": value} for name, value in (entities or {}).items()],
        "careline": found | (careline or {}),
    }
    events = [{"event": "user", "input_channel": channel, "text": text}]
    filled = {"language": "en", "lost": 0, "tries": 0, "given": None} | slots
    return Tracker("customer", filled, message, events, False, None, {}, "action_listen")
