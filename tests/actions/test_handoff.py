from __future__ import annotations

from datetime import datetime

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.handoff import hand_over
from actions.hours import is_open
from actions.session import ActionSessionStart
from actions.shop import the_shop
from tests.actions.conftest import MakeShop, a_tracker

MONDAY_NOON = datetime(2024, 5, 6, 12, 0)
SUNDAY_NOON = datetime(2024, 5, 5, 12, 0)


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        ("Mon-Fri 09:00-17:00", MONDAY_NOON, True),
        ("Mon-Fri 09:00-17:00", SUNDAY_NOON, False),
        ("Mon-Fri 09:00-17:00", MONDAY_NOON.replace(hour=17), False),
        ("Monday - Friday 9:00 – 17:00, Sun 11:00-13:00", SUNDAY_NOON, True),
        ("Sat-Mon 10:00-24:00", SUNDAY_NOON.replace(hour=23, minute=59), True),
        ("Sat-Mon 10:00-24:00", datetime(2024, 5, 7, 12, 0), False),
        ("daily", MONDAY_NOON, None),
        ("", MONDAY_NOON, None),
    ],
)
def test_hours_are_read_as_shops_write_them(hours: str, now: datetime, expected: bool | None) -> None:
    assert is_open(hours, now) is expected


def test_within_hours_a_person_is_promised_here(make_shop: MakeShop) -> None:
    make_shop(hours="Mon-Fri 09:00-17:00", email="help@example.com")
    dispatcher = CollectingDispatcher()
    events = hand_over(dispatcher, a_tracker(), reason="asked", now=MONDAY_NOON)
    (message,) = dispatcher.messages
    assert message["response"] == "utter_handoff"
    assert message["custom"] == {"handoff": {"reason": "asked", "open": True, "email": "help@example.com"}}
    assert events[-1]["event"] == "pause"


def test_outside_hours_it_is_said_when_and_where_to_write(make_shop: MakeShop) -> None:
    make_shop(hours="Mon-Fri 09:00-17:00", email="help@example.com")
    dispatcher = CollectingDispatcher()
    hand_over(dispatcher, a_tracker(), reason="asked", now=SUNDAY_NOON)
    first, second = dispatcher.messages
    assert (first["response"], first["shop_hours"]) == ("utter_handoff_closed", "Mon-Fri 09:00-17:00")
    assert (second["response"], second["address"]) == ("utter_handoff_email", "help@example.com")


def test_hours_that_cannot_be_read_close_no_shop(make_shop: MakeShop) -> None:
    make_shop(hours="whenever the bell rings")
    dispatcher = CollectingDispatcher()
    hand_over(dispatcher, a_tracker(), reason="asked", shop=the_shop(), now=SUNDAY_NOON)
    assert [m["response"] for m in dispatcher.messages] == ["utter_handoff"]


def test_a_session_begins_with_the_shops_name_and_forgets_orders(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(order_number="NT-1", email="a@example.com", given=["free"], language="zh")
    events = ActionSessionStart().run(CollectingDispatcher(), tracker, {})
    slots = {event["name"]: event["value"] for event in events if event["event"] == "slot"}
    assert slots == {"language": "zh", "given": ["free"], "shop_name": "Little Shop", "shop_hours": "daily"}
    assert events[0]["event"] == "session_started"
    assert (events[-1]["event"], events[-1]["name"]) == ("action", "action_listen")


def test_a_session_begins_in_the_language_of_the_widget(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(session_started_metadata={"language": "zh-CN"})
    tracker.events.clear()
    events = ActionSessionStart().run(CollectingDispatcher(), tracker, {})
    assert next(e["value"] for e in events if e.get("name") == "language") == "zh"
