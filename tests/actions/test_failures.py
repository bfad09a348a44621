"""A service that fails: told honestly, handed over with what was collected, and no action has to think of it."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.door import checked
from actions.orders import ActionOrderStatus, ValidateOrderForm
from actions.services.errors import ServiceDown, ServiceError, ServiceRefused
from actions.services.orders import Order
from actions.shop import the_shop
from tests.actions.conftest import MakeShop, a_tracker

DOMAIN = {"forms": {"order_form": {"required_slots": ["order_number", "email"]}}}


class Failing:
    """An order service that only fails."""

    def __init__(self, error: ServiceError) -> None:
        self.error = error

    async def find(self, number: str) -> Order | None:
        raise self.error

    async def register_return(self, order: Order, reason: str, *, key: str) -> str:
        raise self.error

    async def change_address(self, order: Order, address: str, *, key: str) -> str:
        raise self.error

    async def example(self) -> str:
        return "NT-000000"


async def run(action: Any, tracker: Tracker) -> tuple[list[str], list[dict[str, Any]]]:
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, tracker, DOMAIN)
    return [message["response"] for message in dispatcher.messages], events


def failing_shop(make_shop: MakeShop, error: ServiceError) -> None:
    make_shop()
    the_shop()._orders = Failing(error)


async def test_a_service_that_is_down_is_told_and_a_person_takes_over(make_shop: MakeShop) -> None:
    failing_shop(make_shop, ServiceDown("away"))
    tracker = a_tracker(order_number="NT-1", email="a@example.com")
    dispatcher = CollectingDispatcher()
    events = await ActionOrderStatus().run(dispatcher, tracker, {})
    assert [message["response"] for message in dispatcher.messages] == ["utter_service_down", "utter_handoff"]
    assert dispatcher.messages[1]["custom"]["handoff"]["reason"] == "service"
    assert events[-1]["event"] == "pause"
    cleared = {event["name"] for event in events if event["event"] == "slot"}
    assert not cleared & {"order_number", "email"}, "the person must see what was collected"


async def test_a_form_ends_when_the_service_is_down_and_keeps_what_was_collected(make_shop: MakeShop) -> None:
    failing_shop(make_shop, ServiceDown("away"))
    tracker = a_tracker()
    tracker.active_loop = {"name": "order_form"}
    slot = {"event": "slot", "name": "order_number", "value": "NT-1"}
    tracker.events.extend([{"event": "action", "name": "order_form"}, slot])
    tracker.slots["order_number"] = "NT-1"
    said, events = await run(ValidateOrderForm(), tracker)
    assert said == ["utter_service_down", "utter_handoff"]
    assert {"event": "active_loop", "timestamp": None, "name": None} in events
    assert events[-1]["event"] == "pause"
    assert not [e for e in events if e["event"] == "slot" and e["name"] == "order_number"]


async def test_what_may_have_been_registered_is_not_denied(make_shop: MakeShop) -> None:
    make_shop()
    said, _ = await run(Raising(ServiceDown("cut", unsure=True)), a_tracker())
    assert said == ["utter_service_unsure", "utter_handoff"]


async def test_after_a_refusal_a_person_is_offered(make_shop: MakeShop) -> None:
    make_shop()
    said, events = await run(Raising(ServiceRefused("too late")), a_tracker())
    assert said == ["utter_service_refused", "utter_offer_person"]
    assert [event["name"] for event in events] == ["offer"]


async def test_other_errors_are_no_services_and_stay_errors(make_shop: MakeShop) -> None:
    make_shop()
    with pytest.raises(KeyError):
        await run(Raising(KeyError("a bug")), a_tracker())


class Raising(Action):
    """Raises what it was given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def name(self) -> str:
        return "action_that_raises"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Any:
        raise self.error or AssertionError
