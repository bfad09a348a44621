"""Planted personal data stands in no file of a workspace after a real import."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.planted import leaks


@pytest.mark.slow
def test_planted_values_stand_nowhere(tmp_path: Path) -> None:
    planted, leaked = leaks(tmp_path, people=60, seed=5)
    assert planted == 300
    assert leaked == []


@pytest.mark.slow
def test_the_search_would_find_a_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same search with redaction switched off: the test above can fail."""
    from data.redact import Redactor

    monkeypatch.setattr(Redactor, "find", lambda self, conversation: [[] for _ in conversation.messages])
    planted, leaked = leaks(tmp_path, people=20, seed=5)
    assert len({value for value, _ in leaked}) > planted / 2
