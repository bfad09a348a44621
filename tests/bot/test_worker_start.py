"""What a worker reads of a message, and what it refuses to start with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import worker as worker_module
from bot.state.entry import Entry
from bot.worker import rasa_text
from data.errors import InputError


def test_stores_replaced_by_rasa_are_refused() -> None:
    from rasa.core.agent import Agent

    from bot.rasa_door import check_stores

    with pytest.raises(InputError, match="got InMemoryTrackerStore; expected LogTrackerStore"):
        check_stores(Agent())


@pytest.mark.parametrize(
    ("text", "payload", "read"),
    [
        ("hello", None, "hello"),
        ("/restart", None, "restart"),
        (" //x", None, "x"),
        ("/", None, "∕"),
        ("Yes", "/yes", "/yes"),
    ],
)
def test_customers_words_are_never_commands(text: str, payload: str | None, read: str) -> None:
    data = {"payload": payload} if payload else {}
    assert rasa_text(Entry(1, "customer", 0.0, text=text, data=data)) == read


def test_refuses_to_start_without_model_or_redis(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARELINE_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", redis_url)
    assert worker_module.main([]) == 2
    assert "nothing learned yet" in capsys.readouterr().err
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "live.json").write_text(json.dumps(dict.fromkeys(("dataset", "model", "index", "rasa"), "k")))
    assert worker_module.main([]) == 2
    assert "expected a Rasa model" in capsys.readouterr().err
    monkeypatch.setattr("bot.state.store.PATIENCE_SECONDS", 0.1)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    assert worker_module.main([]) == 2
    assert "expected a running server" in capsys.readouterr().err
