from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.addresses import ActionChangeAddress
from actions.orders import ActionOrderStatus, ValidateOrderForm
from actions.returns import ActionReturn
from actions.services.orders import SAMPLE_ORDERS, Item, LocalOrders, Order, move_dates, read_orders
from actions.wording import describe, join_items
from data.errors import InputError
from tests.actions.conftest import MakeShop, a_tracker

DOMAIN = {"forms": {"order_form": {"required_slots": ["order_number", "email"]}}}
SHIPPED = {"order_number": "NT-104021", "email": "samir.clarke@example.com"}


async def validate(tracker: Tracker, **slots: str) -> tuple[list[str], dict[str, Any]]:
    """(responses, slots) after the form extracted ``slots``."""
    events = [{"event": "slot", "name": name, "value": value} for name, value in slots.items()]
    tracker.events.extend([{"event": "action", "name": "order_form"}, *events])
    tracker.slots.update(slots)
    dispatcher = CollectingDispatcher()
    found = await ValidateOrderForm().run(dispatcher, tracker, DOMAIN)
    return [m["response"] for m in dispatcher.messages], {e["name"]: e["value"] for e in found}


async def act(action: Any, tracker: Tracker) -> tuple[list[Mapping[str, Any]], dict[str, Any]]:
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, tracker, {})
    return dispatcher.messages, {e["name"]: e["value"] for e in events if e["event"] == "slot"}


def test_the_sample_can_be_read_and_has_every_status() -> None:
    orders = read_orders(SAMPLE_ORDERS)
    assert len({order.number for order in orders}) == len(orders) == 40
    assert {order.status for order in orders} == {"processing", "shipped", "delivered", "cancelled", "returned"}
    assert all(item.name_zh for order in orders for item in order.items)


def test_the_samples_dates_move_with_the_calendar() -> None:
    orders = move_dates(read_orders(SAMPLE_ORDERS), today=date(2030, 1, 1))
    assert max(order.ordered for order in orders if order.ordered) == date(2030, 1, 1)


@pytest.mark.parametrize("written", ["NT-104021", "nt104021", "#NT 104021", "104021"])
async def test_a_number_is_found_however_it_is_written(written: str, tmp_path: Path) -> None:
    order = await LocalOrders.open(SAMPLE_ORDERS, returns=tmp_path / "returns.jsonl").find(written)
    assert order is not None
    assert order.number == "NT-104021"


async def test_a_bare_number_that_two_orders_have_is_none(tmp_path: Path) -> None:
    orders = [Order("A-1000", "a@example.com", "shipped"), Order("B-1000", "b@example.com", "shipped")]
    assert await LocalOrders(orders, returns=tmp_path / "r").find("1000") is None


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", '{"number": "1"}', '{"number": "1", "email": "", "status": "lost"}']
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text('{"number": "1", "email": "a@b.c", "status": "shipped"}\n' + line + "\n")
    with pytest.raises(InputError, match="line 2"):
        read_orders(path)


async def test_a_return_is_registered_once_for_a_reason(tmp_path: Path) -> None:
    service = LocalOrders.open(SAMPLE_ORDERS, returns=tmp_path / "var" / "returns.jsonl")
    order = await service.find("NT-104035")
    assert order is not None
    first = await service.register_return(order, "Too  small", key="1")
    assert await service.register_return(order, "too small", key="2") == first
    assert await service.register_return(order, "broken", key="3") != first
    rows = [json.loads(line) for line in (tmp_path / "var" / "returns.jsonl").read_text().splitlines()]
    assert len(rows) == 2
    assert rows[0]["reference"] == first


async def test_an_unknown_number_is_refused_and_counted(make_shop: MakeShop) -> None:
    make_shop()
    said, slots = await validate(a_tracker(), order_number="NT-1")
    assert said == ["utter_order_unknown"]
    assert slots == {"order_number": None, "tries": 1}


async def test_the_third_wrong_try_ends_the_form(make_shop: MakeShop) -> None:
    make_shop()
    _, slots = await validate(a_tracker(tries=2), order_number="NT-1")
    assert slots["requested_slot"] is None


async def test_a_number_takes_the_shops_spelling(make_shop: MakeShop) -> None:
    make_shop()
    assert await validate(a_tracker(), order_number="104021") == ([], {"order_number": "NT-104021"})


@pytest.mark.parametrize("first", ["order_number", "email"])
async def test_number_and_address_must_belong_together_in_either_order(make_shop: MakeShop, first: str) -> None:
    make_shop()
    details = {"order_number": "NT-104021", "email": "other@example.com"}
    second = next(name for name in details if name != first)
    tracker = a_tracker(requested_slot=second, **{first: details[first]})
    said, slots = await validate(tracker, **{second: details[second]})
    assert said == ["utter_order_mismatch"]
    assert slots["email"] is None


async def test_without_an_order_service_the_number_is_taken_and_a_person_goes_on(make_shop: MakeShop) -> None:
    make_shop(orders="none")
    assert await validate(a_tracker()) == ([], {"requested_slot": "order_number"})
    said, found = await validate(a_tracker(), order_number="4711")
    assert (said, found) == ([], {"order_number": "4711", "requested_slot": None})
    for action in (ActionOrderStatus(), ActionReturn(), ActionChangeAddress()):
        messages, slots = await act(action, a_tracker(order_number="4711", return_reason="torn", new_address="here"))
        assert [m["response"] for m in messages] == ["utter_no_orders", "utter_handoff"]
        assert messages[1]["custom"]["handoff"]["reason"] == "rule"
        assert not {"order_number", "return_reason", "new_address"} & set(slots), "a person needs what was collected"


async def test_an_address_of_an_earlier_request_is_dropped_without_a_word(make_shop: MakeShop) -> None:
    make_shop()
    before = {"order_number": "NT-104035", "email": "samir.clarke@example.com"}
    said, slots = await validate(a_tracker(requested_slot=None), **before)
    assert (said, slots) == ([], {"order_number": "NT-104035", "email": None})
    said, slots = await validate(a_tracker(requested_slot=None, entities={"email": before["email"]}), **before)
    assert said == ["utter_order_mismatch"], "once, although both were checked"
    assert slots["tries"] == 1


@pytest.mark.parametrize(("text", "begins_with"), [("and now?", "NT-104021"), ("where is my other order", None)])
async def test_the_order_that_was_spoken_of_is_not_asked_for_again(
    make_shop: MakeShop, text: str, begins_with: str | None
) -> None:
    make_shop()
    tracker = a_tracker(text=text, order_before="NT-104021", requested_slot=None)
    _, slots = await validate(tracker)
    assert slots.get("order_number") == begins_with
    _, slots = await validate(a_tracker(text=text, order_before="NT-104021", requested_slot="order_number"))
    assert "order_number" not in slots, "only at the beginning"


async def test_nothing_is_told_without_the_right_address(make_shop: MakeShop) -> None:
    make_shop()
    for email in (None, "other@example.com"):
        messages, _ = await act(ActionOrderStatus(), a_tracker(order_number="NT-104021", email=email))
        assert "NT-104021" not in json.dumps(messages)


async def test_the_state_of_an_order_is_told_and_its_number_put_aside(make_shop: MakeShop) -> None:
    make_shop()
    (message,), slots = await act(ActionOrderStatus(), a_tracker(**SHIPPED))
    assert (message["response"], message["number"]) == ("utter_order_shipped", "NT-104021")
    assert (slots["order_number"], slots["order_before"]) == (None, "NT-104021")


async def test_a_return_past_its_day_goes_to_a_person(make_shop: MakeShop, tmp_path: Path) -> None:
    from actions.shop import the_shop

    make_shop()
    late = Order("NT-1", "a@example.com", "delivered", returnable_until=date(2020, 1, 31))
    the_shop()._orders = LocalOrders([late], returns=tmp_path / "returns.jsonl")
    messages, _ = await act(ActionReturn(), a_tracker(order_number="NT-1", email="a@example.com", return_reason="old"))
    assert [m["response"] for m in messages] == ["utter_return_late", "utter_offer_person"]
    assert messages[0]["until"] == "31 January 2020"
    assert not (tmp_path / "returns.jsonl").exists()


def test_pieces_of_replies_read_well_in_both_languages() -> None:
    items = (Item("tent", "帐篷"), Item("peg", "地钉", 8))
    assert join_items(items, "en") == "tent, 8 × peg"
    assert join_items(items, "zh") == "帐篷、8 × 地钉"
    assert join_items((), "en") == "your items"
    order = Order("1", "", "shipped", carrier="DPX", tracking="D1", expected=date(2024, 5, 6))
    assert describe(order, "en") == " It travels with DPX, number D1. It should arrive by 6 May 2024."
    assert describe(order, "zh") == "由DPX承运，运单号 D1。预计 2024年5月6日 送达。"
    assert describe(Order("1", "", "cancelled"), "en") == ""
