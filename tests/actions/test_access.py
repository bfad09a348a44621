"""Who may hear of an order: the signed-in customer of the gateway, or who knows number and address; guessing ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.access import Verdict, check, customer_of, own_order
from actions.answer import ActionAnswer
from actions.orders import ActionOrderStatus, ValidateOrderForm
from actions.services.database import Database
from actions.services.guesses import MOST, SECONDS, Guesses
from actions.services.orders import LocalOrders, Order
from actions.shop import the_shop
from data.identity import Customer, claim
from data.schema import Answer
from retrieval.answers import AnswerBook
from tests.actions.conftest import MakeShop, a_tracker

DOMAIN = {"forms": {"order_form": {"required_slots": ["order_number", "email"]}}}
SECRET = b"s" * 32
SAMIR = Customer("17", "samir.clarke@example.com")
TOLD = ["utter_too_many_guesses", "utter_offer_person"]
OWN, OTHER = "NT-104021", "NT-104028"


@pytest.fixture
def shop(make_shop: MakeShop) -> None:
    workspace = make_shop()
    (workspace.var / "secret").write_bytes(SECRET)


def signed_in(customer: Customer = SAMIR, *, conversation: str = "customer", **slots: Any) -> Tracker:
    """A tracker whose latest message the gateway vouches for."""
    return with_claim(claim(customer, conversation=conversation, secret=SECRET), **slots)


def with_claim(said: object, **slots: Any) -> Tracker:
    tracker = a_tracker(**slots)
    tracker.latest_message["metadata"] = {"language": "en", "customer": said}
    return tracker


async def status(tracker: Tracker) -> list[str]:
    dispatcher = CollectingDispatcher()
    await ActionOrderStatus().run(dispatcher, tracker, {})
    return [message["response"] for message in dispatcher.messages]


async def form(tracker: Tracker, **slots: str) -> tuple[list[str], dict[str, Any]]:
    rows = [{"event": "slot", "name": name, "value": value} for name, value in slots.items()]
    tracker.events.extend([{"event": "action", "name": "order_form"}, *rows])
    tracker.slots.update(slots)
    dispatcher = CollectingDispatcher()
    events = await ValidateOrderForm().run(dispatcher, tracker, DOMAIN)
    return [m["response"] for m in dispatcher.messages], {e["name"]: e["value"] for e in events}


@pytest.mark.usefixtures("shop")
async def test_a_signed_in_customer_is_asked_for_no_address_and_told_of_an_own_order() -> None:
    said, slots = await form(signed_in(), order_number=OWN)
    assert (said, slots) == ([], {"order_number": OWN, "requested_slot": None})
    assert await status(signed_in(order_number=OWN)) == ["utter_order_shipped"]


@pytest.mark.usefixtures("shop")
async def test_a_signed_in_customer_is_told_of_no_other_order_whatever_the_slots_say() -> None:
    other = await the_shop().orders().find(OTHER)  # type: ignore[union-attr]
    assert other is not None
    tracker = signed_in(order_number=OTHER, email=other.email)
    assert await status(tracker) == ["utter_too_many_tries", "utter_offer_person"]
    said, slots = await form(signed_in(), order_number=OTHER)
    assert said == ["utter_order_foreign"]
    assert slots["order_number"] is None


async def test_the_shops_own_id_decides_where_the_order_has_one(make_shop: MakeShop) -> None:
    workspace = make_shop()
    (workspace.var / "secret").write_bytes(SECRET)
    rows = [
        Order("A-1", "old@example.com", "shipped", customer="17"),
        Order("A-2", SAMIR.email, "shipped", customer="18"),
    ]
    the_shop()._orders = LocalOrders(rows, returns=workspace.var / "returns.jsonl")
    assert await own_order(signed_in(order_number="A-1")) == rows[0]
    assert await own_order(signed_in(order_number="A-2")) is None


FORGED = [
    {"id": "17", "email": SAMIR.email, "name": ""},
    {"id": "17", "email": SAMIR.email, "name": "", "proof": ""},
    {"id": "17", "email": SAMIR.email, "name": "", "proof": "0" * 64},
    {**claim(SAMIR, conversation="customer", secret=SECRET), "email": "yilmaz.hannah@example.com"},
    {**claim(SAMIR, conversation="customer", secret=SECRET), "admin": "yes"},
    claim(SAMIR, conversation="another conversation", secret=SECRET),
    claim(SAMIR, conversation="customer", secret=b"guessed"),
    claim(Customer("", SAMIR.email), conversation="customer", secret=SECRET),
    "samir.clarke@example.com",
    ["17"],
    None,
    {"id": 17, "email": None, "name": "", "proof": 5},
]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("forged", FORGED, ids=str)
async def test_a_made_up_claim_is_none(forged: object) -> None:
    tracker = with_claim(forged, order_number=OWN)
    assert customer_of(tracker) is None
    assert await own_order(tracker) is None
    assert OWN not in json.dumps(await status(tracker))


@pytest.mark.usefixtures("shop")
async def test_slots_and_entities_that_say_customer_prove_nothing() -> None:
    said = claim(SAMIR, conversation="customer", secret=SECRET)
    tracker = a_tracker(entities={"customer": json.dumps(said)}, order_number=OWN, customer=said)
    tracker.slots["session_started_metadata"] = {"customer": said}
    assert customer_of(tracker) is None
    assert await own_order(tracker) is None


async def test_without_a_secret_nobody_is_verified(make_shop: MakeShop) -> None:
    make_shop()
    assert customer_of(with_claim(claim(SAMIR, conversation="customer", secret=b""))) is None


@pytest.mark.usefixtures("shop")
async def test_guessing_an_address_ends_and_the_right_one_is_not_told_either() -> None:
    for number in range(MOST):
        tracker = a_tracker(order_number=OWN)
        assert (await check(tracker, OWN, f"guess{number}@example.com")).verdict is Verdict.FOREIGN
    assert (await check(a_tracker(), OWN, SAMIR.email)).verdict is Verdict.BLOCKED
    said, slots = await form(a_tracker(order_number=OWN), email=SAMIR.email)
    assert said == []
    assert slots == {"email": SAMIR.email, "requested_slot": None}
    assert await status(a_tracker(order_number=OWN, email=SAMIR.email)) == TOLD


@pytest.mark.usefixtures("shop")
async def test_a_new_conversation_does_not_begin_the_count_anew() -> None:
    for number in range(MOST):
        tracker = a_tracker()
        tracker.sender_id = f"conversation {number}"
        await check(tracker, OWN, f"guess{number}@example.com")
    fresh = a_tracker()
    fresh.sender_id = "fresh"
    assert (await check(fresh, OWN, "last@example.com")).verdict is Verdict.BLOCKED
    said, slots = await form(fresh, order_number=OWN)
    assert (said, slots) == ([], {"order_number": OWN, "requested_slot": None})
    assert await status(fresh) == TOLD, "the reason is told, not that there is no such order"
    assert (await check(fresh, OTHER, None)).verdict is Verdict.OPEN, "other orders are not blocked"


@pytest.mark.usefixtures("shop")
async def test_trying_one_address_on_many_orders_ends_too() -> None:
    orders = ["NT-104028", "NT-104035", "NT-104042", "NT-104199", "NT-104233"]
    for place, number in enumerate(orders):
        tracker = a_tracker()
        tracker.sender_id = f"conversation {place}"
        assert (await check(tracker, number, "eve@example.com")).verdict is Verdict.FOREIGN
    fresh = a_tracker()
    fresh.sender_id = "fresh"
    assert (await check(fresh, OWN, "Eve@Example.com ")).verdict is Verdict.BLOCKED


@pytest.mark.usefixtures("shop")
async def test_the_same_wrong_details_again_are_one_try() -> None:
    for _ in range(3 * MOST):
        assert (await check(a_tracker(), OWN, "typo@example.com")).verdict is Verdict.FOREIGN
    assert (await check(a_tracker(), OWN, SAMIR.email)).verdict is Verdict.OWN


@pytest.mark.usefixtures("shop")
async def test_answers_with_an_orders_facts_are_no_way_round_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    book = AnswerBook([Answer("t", "It holds {order_items}.", "en", source="curated")])
    monkeypatch.setattr(the_shop(), "answers", lambda index: book)
    for number in range(MOST):
        tracker = a_tracker(("t", 0.9), order_number=OWN, email=f"guess{number}@example.com")
        await ActionAnswer().run(CollectingDispatcher(), tracker, {})
    dispatcher = CollectingDispatcher()
    await ActionAnswer().run(dispatcher, a_tracker(("t", 0.9), order_number=OWN, email=SAMIR.email), {})
    assert "daypack" not in json.dumps(dispatcher.messages)


async def test_after_an_hour_one_may_try_again_and_another_process_counts_the_same(make_shop: MakeShop) -> None:
    path, now = make_shop().var / "tries.db", [1_700_000_000.0]
    guesses = Guesses(Database(path), clock=lambda: now[0])
    for number in range(MOST):
        await guesses.count(["order:A1"], f"{number}")
    assert await Guesses(Database(path), clock=lambda: now[0]).blocked(["order:A1"])
    assert not await guesses.blocked(["order:A2"])
    now[0] += SECONDS + 1
    assert not await guesses.blocked(["order:A1"])


@pytest.mark.usefixtures("shop")
async def test_no_address_is_kept_in_readable_form() -> None:
    await check(a_tracker(), OWN, "reader@example.com")
    the_shop()._database.close()
    assert b"reader" not in (the_shop().workspace.var / "services.db").read_bytes()
