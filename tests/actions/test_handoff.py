from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.handoff import hand_over
from actions.session import ActionSessionStart
from actions.shop import the_shop
from data.errors import InputError
from data.hours import hours_in_words, is_open, local_now
from data.workspace import Shop, WorkspaceSettings, find_workspace, write_settings
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
        ("Fri-Sat 18:00-02:00", datetime(2024, 5, 4, 23, 0), True),
        ("Fri-Sat 18:00-02:00", datetime(2024, 5, 5, 1, 59), True),
        ("Fri-Sat 18:00-02:00", datetime(2024, 5, 5, 2, 0), False),
        ("Fri-Sat 18:00-02:00", datetime(2024, 5, 3, 1, 0), False),
        ("Daily 09:00-17:00", MONDAY_NOON, None),
        ("Weekdays 09:00-17:00, Sun 11:00-13:00", SUNDAY_NOON, True),
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


def test_a_holiday_closes_the_shop(make_shop: MakeShop) -> None:
    workspace = make_shop(hours="Mon-Fri 09:00-17:00")
    settings = workspace.settings
    shop = replace(settings.shop, holidays=("05-06",), timezone="Asia/Shanghai")
    write_settings(workspace.root, replace(settings, shop=shop))
    the_shop.cache_clear()
    dispatcher = CollectingDispatcher()
    hand_over(dispatcher, a_tracker(language="zh"), reason="asked", now=MONDAY_NOON)
    assert dispatcher.messages[0]["response"] == "utter_handoff_closed"
    assert dispatcher.messages[0]["shop_hours"] == "周一至周五 9:00–17:00"


@pytest.mark.parametrize(
    ("hours", "chinese"),
    [
        ("Mon-Fri 09:00-17:00", "周一至周五 9:00–17:00"),
        ("Mon-Sun 08:30-24:00", "每天 8:30–24:00"),
        ("Monday - Friday 9:00 – 17:00, Sat 10:00-14:00", "周一至周五 9:00–17:00，周六 10:00–14:00"),
        ("whenever the bell rings", "whenever the bell rings"),
        ("Mon-Fri 09:00-17:00, or by bell", "Mon-Fri 09:00-17:00, or by bell"),
        ("", ""),
    ],
)
def test_hours_are_said_in_chinese_where_they_can_be_read(hours: str, chinese: str) -> None:
    assert hours_in_words(hours, "zh") == chinese
    assert hours_in_words(hours, "en") == hours


@pytest.mark.parametrize(
    "shop",
    [Shop(holidays=("Christmas",)), Shop(holidays=("2026-02-30",)), Shop(timezone="Mars/Base"), Shop(timezone="../x")],
)
def test_holidays_and_zones_that_cannot_be_read_are_refused(tmp_path: Path, shop: Shop) -> None:
    write_settings(tmp_path, WorkspaceSettings(shop=shop))
    with pytest.raises(InputError, match=r"holidays|timezone"):
        find_workspace(str(tmp_path))


def test_the_zone_decides_what_time_it_is() -> None:
    now = datetime.now(timezone.utc)
    shanghai = local_now("Asia/Shanghai")
    assert shanghai.utcoffset() == timedelta(hours=8)
    assert abs(shanghai - now) < timedelta(seconds=5)
