from __future__ import annotations

import json
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from actions.addresses import ActionAskAddressConfirmed, ActionChangeAddress, ValidateAddressForm, address_in
from actions.complaints import ActionComplaint, ValidateComplaintForm
from actions.forms import ActionFormHelp, ActionStopForm, FormParts, own_words
from actions.orders import ValidateOrderForm
from actions.returns import ActionAskReturnConfirmed, ActionReturn, ValidateReturnForm, corrected_reason
from actions.services.orders import LocalOrders, Order
from actions.shop import the_shop
from bot.sensitive import sensitive_topic
from data.workspace import Workspace
from tests.actions.conftest import MakeShop, a_tracker

DOMAIN = {
    "forms": {
        "order_form": {"required_slots": ["order_number", "email"]},
        "return_form": {"required_slots": ["order_number", "email", "return_reason", "confirmed"]},
        "address_form": {"required_slots": ["order_number", "email", "new_address", "confirmed"]},
        "complaint_form": {"required_slots": ["complaint_text"]},
    }
}
DELIVERED = {"order_number": "NT-104035", "email": "tmoretti83@example.com"}
WAITING = {"order_number": "NT-104028", "email": "yilmaz.hannah@example.com"}


async def validate(form: Any, tracker: Tracker, **extracted: str) -> tuple[list[str], dict[str, Any]]:
    """(responses, slots) after the form extracted these slots."""
    events = [{"event": "slot", "name": name, "value": value} for name, value in extracted.items()]
    tracker.events.extend([{"event": "action", "name": form.form_name()}, *events])
    tracker.slots.update(extracted)
    dispatcher = CollectingDispatcher()
    found = await form.run(dispatcher, tracker, DOMAIN)
    said = [m["response"] or m["text"] for m in dispatcher.messages]
    return said, {e["name"]: e["value"] for e in found}


async def act(action: Any, tracker: Tracker) -> tuple[list[Any], dict[str, Any]]:
    dispatcher = CollectingDispatcher()
    events = action.run(dispatcher, tracker, DOMAIN)
    events = events if isinstance(events, list) else await events
    return dispatcher.messages, {e["name"]: e["value"] for e in events if e["event"] == "slot"}


def registered(shop: Workspace) -> list[Any]:
    path = shop.var / "returns.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_a_yes_counts_only_where_it_was_asked_for(make_shop: MakeShop) -> None:
    make_shop()
    filled = DELIVERED | {"return_reason": "torn"}
    _, slots = await validate(ValidateReturnForm(), a_tracker(intent="affirm", requested_slot="confirmed", **filled))
    assert slots["confirmed"] == "yes"
    for asked, intent in (("return_reason", "affirm"), ("confirmed", "deny"), ("confirmed", "ask"), (None, "affirm")):
        tracker = a_tracker(intent=intent, requested_slot=asked, **filled)
        assert (await validate(ValidateReturnForm(), tracker))[1].get("confirmed") is None, (asked, intent)


@pytest.mark.parametrize("kind", ["order_number", "email"])
async def test_a_yes_with_other_details_is_none(make_shop: MakeShop, kind: str) -> None:
    make_shop()
    tracker = a_tracker(
        intent="affirm",
        requested_slot="confirmed",
        entities={kind: DELIVERED[kind]},
        return_reason="torn",
        **DELIVERED,
    )
    assert "confirmed" not in (await validate(ValidateReturnForm(), tracker))[1]


async def test_a_yes_from_an_earlier_form_is_forgotten(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(intent="return_item", requested_slot=None, confirmed="yes", **DELIVERED)
    assert (await validate(ValidateReturnForm(), tracker))[1]["confirmed"] is None


@pytest.mark.parametrize("confirmed", [None, "no", "yes"])
async def test_nothing_is_registered_without_a_yes(make_shop: MakeShop, confirmed: str | None) -> None:
    shop = make_shop()
    for action, filled in (
        (ActionReturn(), DELIVERED | {"return_reason": "torn"}),
        (ActionChangeAddress(), WAITING | {"new_address": "5 Mill Lane, Leeds"}),
    ):
        _, slots = await act(action, a_tracker(confirmed=confirmed, **filled))
        assert slots["confirmed"] is None
    assert len(registered(shop)) == (2 if confirmed == "yes" else 0)


async def test_nothing_is_registered_for_another_address(make_shop: MakeShop) -> None:
    shop = make_shop()
    stranger = DELIVERED | {"email": "stranger@example.com", "return_reason": "torn", "confirmed": "yes"}
    messages, _ = await act(ActionReturn(), a_tracker(**stranger))
    assert registered(shop) == []
    assert "NT-104035" not in json.dumps(messages)
    for ask in (ActionAskReturnConfirmed(), ActionAskAddressConfirmed()):
        assert (await act(ask, a_tracker(new_address="x", **stranger)))[0] == []


async def test_what_will_be_registered_is_shown_first(make_shop: MakeShop) -> None:
    make_shop()
    (message,), _ = await act(ActionAskReturnConfirmed(), a_tracker(return_reason="torn", **DELIVERED))
    assert (message["response"], message["reason"]) == ("utter_confirm_return", "torn")
    assert (message["number"], message["items"]) == ("NT-104035", "Ember down jacket")
    (message,), _ = await act(ActionAskAddressConfirmed(), a_tracker(new_address="5 Mill Lane", **WAITING))
    assert (message["response"], message["address"]) == ("utter_confirm_address", "5 Mill Lane")


@pytest.mark.parametrize(
    ("status", "form", "refused"),
    [
        ("delivered", ValidateReturnForm, False),
        ("shipped", ValidateReturnForm, True),
        ("cancelled", ValidateReturnForm, True),
        ("processing", ValidateAddressForm, False),
        ("shipped", ValidateAddressForm, True),
        ("delivered", ValidateAddressForm, True),
    ],
)
async def test_what_cannot_be_done_ends_the_form_at_once(
    make_shop: MakeShop, status: Any, form: Any, refused: bool
) -> None:
    shop = make_shop()
    order = Order("NT-1", "a@example.com", status)
    the_shop()._orders = LocalOrders([order], returns=shop.var / "returns.jsonl")
    tracker = a_tracker(requested_slot="email", order_number="NT-1", intent="inform")
    _, slots = await validate(form(), tracker, email="a@example.com")
    assert ("requested_slot" in slots and slots["requested_slot"] is None) == refused


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I want to return it because it is too small", "it is too small"),
        ("我要退货，因为太小了", "太小了"),
        ("I want to return it", None),
    ],
)
async def test_a_reason_in_the_first_message_is_not_asked_for_again(
    make_shop: MakeShop, text: str, reason: str | None
) -> None:
    make_shop()
    tracker = a_tracker(text=text, intent="return_item", requested_slot=None, return_reason="of the last return")
    assert (await validate(ValidateReturnForm(), tracker))[1]["return_reason"] == reason


@pytest.mark.parametrize(
    ("text", "intent", "reason"),
    [
        ("no, because it is broken", "deny", "it is broken"),
        ("No, the zip is broken", "nlu_fallback", "the zip is broken"),
        ("不对，原因是坏了", "deny", "坏了"),
        ("the reason is that it leaks", "nlu_fallback", "it leaks"),
        ("no", "deny", None),
        ("no thanks, I'd rather keep it", "deny", None),
        ("it's fine", "affirm", None),
        ("that's wrong", "deny", None),
        ("no, stop", "cancel", None),
        ("不", "deny", None),
    ],
)
def test_a_reason_is_corrected_by_words_that_give_one(text: str, intent: str, reason: str | None) -> None:
    assert corrected_reason(a_tracker(text=text, intent=intent)) == reason


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("5 Mill Lane, Leeds LS1 4AB", "5 Mill Lane, Leeds LS1 4AB"),
        ("it's 5 Mill Lane, Leeds", "5 Mill Lane, Leeds"),
        ("Hauptstraße 7, 45012 Köln.", "Hauptstraße 7, 45012 Köln"),
        ("改成杭州市西湖区文三路100号", "杭州市西湖区文三路100号"),
        ("新地址是上海市浦东新区世纪大道 8 号", "上海市浦东新区世纪大道 8 号"),
        ("somewhere else", None),
        ("45012", None),
        ("杭州", None),
        ("hm", None),
    ],
)
def test_an_address_needs_a_place_and_a_number(text: str, address: str | None) -> None:
    assert address_in(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "change the address of NT-104028 to 5 Mill Lane, Leeds",
        "wrong address, my new address is 5 Mill Lane, Leeds",
        "please send order NT-104028 to 5 Mill Lane, Leeds",
    ],
)
async def test_an_address_in_the_first_message_is_not_asked_for_again(make_shop: MakeShop, text: str) -> None:
    make_shop()
    tracker = a_tracker(text=text, intent="change_address", requested_slot=None)
    assert (await validate(ValidateAddressForm(), tracker))[1]["new_address"] == "5 Mill Lane, Leeds"


async def test_half_an_address_gets_help_and_is_asked_for_again(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(text="at my mother's", requested_slot="new_address", intent="nlu_fallback", **WAITING)
    said, slots = await validate(ValidateAddressForm(), tracker)
    assert said == ["utter_help_new_address"]
    assert slots["new_address"] is None


async def test_an_address_is_corrected_before_the_yes(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(
        text="no, 7 Mill Lane, Leeds", requested_slot="confirmed", intent="deny", new_address="5 Mill", **WAITING
    )
    assert (await validate(ValidateAddressForm(), tracker))[1]["new_address"] == "7 Mill Lane, Leeds"


async def test_a_question_beside_a_detail_is_answered_and_the_form_goes_on(make_shop: MakeShop) -> None:
    make_shop()
    aside = {"aside": [{"text": "how long does it take?", "hits": [{"id": "slow", "score": 0.9}]}]}
    tracker = a_tracker(intent="inform", requested_slot="order_number", careline=aside)
    said, slots = await validate(ValidateOrderForm(), tracker, order_number="NT-104021")
    assert said == ["It takes four days."]
    assert (slots["order_number"], slots["given"]) == ("NT-104021", ["slow"])


def test_a_question_beside_a_reason_is_no_part_of_it() -> None:
    aside = {"aside": [{"text": "how do I pay?", "hits": []}]}
    text = "it is {torn}. how do I pay? and do you sell tents?"
    assert own_words(a_tracker(text=text, careline=aside)) == "it is torn"
    assert own_words(a_tracker(text="how do I pay?")) == ""
    assert own_words(a_tracker(text="/affirm", intent="affirm")) == ""


async def test_another_request_with_an_order_of_its_own_leaves_the_form(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(intent="return_item", requested_slot="email")
    with pytest.raises(ActionExecutionRejection):
        await validate(ValidateOrderForm(), tracker, order_number="NT-104035")
    for asked, intent in ((None, "return_item"), ("email", "order_status"), ("email", "inform")):
        await validate(ValidateOrderForm(), a_tracker(intent=intent, requested_slot=asked), order_number="NT-104035")


@pytest.mark.parametrize(("asked", "said"), [("email", "utter_cancelled"), ("confirmed", "utter_not_registered")])
async def test_who_stops_is_told_what_that_means_and_nothing_lingers(asked: str, said: str) -> None:
    messages, slots = await act(ActionStopForm(), a_tracker(requested_slot=asked, return_reason="torn"))
    assert [m["response"] for m in messages] == [said]
    assert slots == {"return_reason": None}


async def test_an_order_of_a_form_that_was_stopped_may_be_the_next_ones_or_not(make_shop: MakeShop) -> None:
    make_shop()
    stopped = a_tracker(requested_slot="confirmed", return_reason="torn", **DELIVERED)
    _, slots = await act(ActionStopForm(), stopped)
    assert (slots["order_number"], slots["order_before"]) == (None, "NT-104035")
    for text, taken in (("i want to return it", "NT-104035"), ("i want to return another order", None)):
        tracker = a_tracker(text=text, intent="return_item", order_before=slots["order_before"], requested_slot=None)
        assert (await validate(ValidateReturnForm(), tracker))[1].get("order_number") == taken


async def test_help_has_an_example_with_and_without_an_order_service(make_shop: MakeShop) -> None:
    make_shop()
    assert (await act(ActionFormHelp(), a_tracker(requested_slot="order_number")))[0][0]["example"] == "NT-000000"
    make_shop(orders="none")
    assert (await act(ActionFormHelp(), a_tracker(requested_slot="order_number")))[0][0]["example"] == "10000"
    assert (await act(ActionFormHelp(), a_tracker(requested_slot=None)))[0] == []


STORY = "the driver threw my parcel over the fence, it broke, and nobody answers my calls"


@pytest.mark.parametrize(
    ("asked", "intent", "text", "outcome", "taken"),
    [
        (None, "complaint", "I want to complain", "unsure", None),
        (None, "complaint", STORY, "unsure", STORY),
        ("complaint_text", "complaint", "this is ridiculous", "lost", None),
        ("complaint_text", "complaint", "the driver was very rude to me", "lost", "the driver was very rude to me"),
        ("complaint_text", "nlu_fallback", "it broke", "lost", "it broke"),
        (
            "complaint_text",
            "order_status",
            "where is my order, three weeks!",
            "lost",
            "where is my order, three weeks!",
        ),
        ("complaint_text", "ask", "how long does it take?", "sure", None),
        ("complaint_text", "cancel", "forget it", "lost", None),
        ("complaint_text", "ask_person", "a person please", "lost", None),
    ],
)
async def test_a_complaint_is_any_words_but_those_that_mean_something_else(
    make_shop: MakeShop, asked: str | None, intent: str, text: str, outcome: str, taken: str | None
) -> None:
    make_shop()
    tracker = a_tracker(text=text, intent=intent, outcome=outcome, requested_slot=asked)
    assert (await validate(ValidateComplaintForm(), tracker))[1].get("complaint_text") == taken


async def test_a_complaint_becomes_a_ticket_with_order_and_contact(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(complaint_text=STORY, order_before="NT-104035", email="a@example.com")
    messages, slots = await act(ActionComplaint(), tracker)
    assert [m["response"] for m in messages] == ["utter_complaint_done", "utter_offer_person"]
    (ticket,) = the_shop().tickets().newest(5)  # type: ignore[attr-defined]
    assert (ticket.kind, ticket.contact) == ("complaint", "a@example.com")
    assert ticket.text == f"{STORY}\n(NT-104035)"
    assert messages[0]["reference"] == ticket.reference
    assert (slots["complaint_text"], slots["offer"]) == (None, "person")


def test_what_forms_share_is_no_action() -> None:
    from rasa_sdk import Action

    assert not issubclass(FormParts, Action)


@pytest.mark.parametrize("text", ["yes, but it is for another order", "好的，但是寄到别处", "ok except the jacket"])
async def test_a_yes_with_a_but_is_none(make_shop: MakeShop, text: str) -> None:
    make_shop()
    tracker = a_tracker(text=text, intent="affirm", requested_slot="confirmed", return_reason="torn", **DELIVERED)
    assert (await validate(ValidateReturnForm(), tracker))[1].get("confirmed") is None


async def test_a_yes_that_was_said_before_the_question_is_none(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(text="yes", intent="affirm", requested_slot="confirmed", return_reason="torn", **DELIVERED)
    tracker.latest_message["metadata"] = {"late": True}
    assert (await validate(ValidateReturnForm(), tracker))[1].get("confirmed") is None
    tracker.latest_message["metadata"] = {"late": False}
    assert (await validate(ValidateReturnForm(), tracker))[1]["confirmed"] == "yes"


@pytest.mark.parametrize(
    ("text", "confirmed"),
    [
        ("yes please", "yes"),
        ("yes, 5 Mill Lane, Leeds is right", "yes"),
        ("yes, send it to 12 Hill Road, York", None),
        ("actually yes, to 12 Hill Road, York", None),
        ("对，寄到北京市海淀区中关村大街1号", None),
    ],
)
async def test_a_yes_with_another_address_is_none(make_shop: MakeShop, text: str, confirmed: str | None) -> None:
    make_shop()
    filled = WAITING | {"new_address": "5 Mill Lane, Leeds"}
    tracker = a_tracker(text=text, intent="affirm", requested_slot="confirmed", **filled)
    assert (await validate(ValidateAddressForm(), tracker))[1].get("confirmed") == confirmed


@pytest.mark.parametrize("told", ["the reason is {email}", "no, it is __broken__", "the reason is $AUD " + "x" * 900])
async def test_a_corrected_reason_can_be_shown(make_shop: MakeShop, told: str) -> None:
    make_shop()
    tracker = a_tracker(text=told, intent="inform", requested_slot="confirmed", return_reason="torn", **DELIVERED)
    _, slots = await validate(ValidateReturnForm(), tracker)
    assert 0 < len(slots["return_reason"]) <= 500
    (message,), _ = await act(
        ActionAskReturnConfirmed(), a_tracker(**DELIVERED, **{"return_reason": slots["return_reason"]})
    )
    assert message["response"] == "utter_confirm_return"


async def test_a_form_ends_where_its_order_may_not_be_shown_any_more(make_shop: MakeShop) -> None:
    make_shop()
    stranger = DELIVERED | {"email": "stranger@example.com", "return_reason": "torn", "new_address": "x"}
    for ask in (ActionAskReturnConfirmed(), ActionAskAddressConfirmed()):
        messages, slots = await act(ask, a_tracker(requested_slot="confirmed", **stranger))
        assert (messages, slots) == ([], {"requested_slot": None}), "what follows the form says why"


@pytest.mark.parametrize(
    "text",
    [
        "your courier drove into my daughter this morning, she is bleeding and we are on the way to the hospital now",
        "你们的快递员今天早上撞了我的孩子，孩子的腿流血了，我们现在正在去医院的路上，你们准备怎么处理这件事情",
    ],
)
async def test_what_is_a_persons_matter_is_no_text_of_a_complaint(make_shop: MakeShop, text: str) -> None:
    make_shop()
    said = {"sensitive": sensitive_topic(text)}
    assert said["sensitive"] == "injury"
    tracker = a_tracker(text=text, intent="ask_person", requested_slot="complaint_text", careline=said)
    assert "complaint_text" not in (await validate(ValidateComplaintForm(), tracker))[1]
