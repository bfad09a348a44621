from __future__ import annotations

import uuid

from actions.keys import key_of
from tests.actions.conftest import a_tracker


def test_the_same_message_and_arguments_have_the_same_key_and_nothing_else_has() -> None:
    tracker = a_tracker()
    tracker.latest_message["message_id"] = "c:7"
    key = key_of(tracker, "action_return", "A-1", "too small")
    assert key == key_of(tracker, "action_return", "A-1", "too small")
    others = {
        key_of(tracker, "action_return", "A-1", "broken"),
        key_of(tracker, "action_return", "A-1too small"),
        key_of(tracker, "action_complaint", "A-1", "too small"),
    }
    tracker.latest_message["message_id"] = "c:9"
    others.add(key_of(tracker, "action_return", "A-1", "too small"))
    assert len(others) == 4
    assert key not in others


def test_a_key_is_a_uuid_that_says_nothing() -> None:
    key = key_of(a_tracker(), "action_return", "A-1", "a secret")
    assert str(uuid.UUID(key)) == key
    assert "secret" not in key
