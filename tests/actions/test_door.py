"""Nothing with an open blank leaves the action server, whatever was found and whatever is known."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

import actions
from actions.answer import ActionAnswer
from actions.door import INSTEAD, checked, keep_whole
from actions.shop import the_shop
from data.schema import Answer
from retrieval.answers import AnswerBook, has_placeholder
from tests.actions.conftest import MakeShop, a_tracker

BLANKS = ["{shop_hours}", "{order_number}", "<NAME_1>", "[ORDER NUMBER]", "{ city }", "$name", "%(a)s", "__x__"]
PIECES = st.lists(st.one_of(st.text(max_size=20), st.sampled_from(BLANKS)), min_size=1, max_size=3).map("".join)


def every_action() -> list[type[Action]]:
    for module in pkgutil.walk_packages(actions.__path__, "actions."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, left = [], list(Action.__subclasses__())
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        found += [kind] if kind.__module__.startswith("actions.") else []
    return found


def test_every_action_goes_through_the_door() -> None:
    found = every_action()
    assert len(found) >= 8
    assert [kind.__name__ for kind in found if not hasattr(kind.run, "__wrapped__")] == []


@pytest.mark.parametrize(
    "message",
    [
        {"text": "Your order <ORDER_1> is here."},
        {"text": "We are there {shop_hours}."},
        {"response": "utter_order_unknown", "number": None},
        {"response": "utter_order_unknown", "number": "{order_number}"},
        {"text": "Which?", "buttons": [{"title": "For <NAME_1>", "payload": "/ask"}]},
    ],
)
def test_a_message_with_a_blank_is_taken_out(message: dict[str, Any]) -> None:
    dispatcher = CollectingDispatcher()
    dispatcher.utter_message(**message)
    keep_whole(dispatcher)
    assert [said["response"] for said in dispatcher.messages] == [INSTEAD]
    dispatcher.utter_message(text="Whole.")
    dispatcher.utter_message(**message)
    keep_whole(dispatcher)
    assert [said["text"] for said in dispatcher.messages] == [None, "Whole."]


async def test_both_kinds_of_run_are_checked() -> None:
    class Broken:
        def name(self) -> str:
            return "action_broken"

        @checked
        def run(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[str]:
            dispatcher.utter_message(text="{x}")
            return ["event"]

        @checked
        async def run_later(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[str]:
            return self.run(dispatcher, tracker)

    dispatcher, tracker = CollectingDispatcher(), a_tracker()
    assert Broken().run(dispatcher, tracker) == await Broken().run_later(dispatcher, tracker) == ["event"]
    assert {message["response"] for message in dispatcher.messages} == {INSTEAD}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    texts=st.lists(PIECES, min_size=1, max_size=4),
    source=st.sampled_from(["log", "curated", "article", "catalogue"]),
    outcome=st.sampled_from(["sure", "unsure"]),
    slots=st.dictionaries(st.sampled_from(["order_number", "product", "site", "email"]), PIECES),
    channel=st.sampled_from(["careline", "cmdline"]),
)
async def test_no_generated_answer_leaves_with_a_blank(
    make_shop: MakeShop,
    monkeypatch: pytest.MonkeyPatch,
    texts: Any,
    source: Any,
    outcome: str,
    slots: Any,
    channel: str,
) -> None:
    make_shop()
    answers = [Answer(f"a#{i}", text, "en", source=source, title=text[:9]) for i, text in enumerate(texts)]
    monkeypatch.setattr(the_shop(), "answers", lambda index: AnswerBook(answers))
    hits = [(answer.id, 0.9) for answer in answers]
    dispatcher = CollectingDispatcher()
    tracker = a_tracker(*hits, outcome=outcome, channel=channel, **slots)
    await ActionAnswer().run(dispatcher, tracker, {})
    assert dispatcher.messages
    for message in dispatcher.messages:
        said = [message["text"] or "", *(button["title"] for button in message["buttons"])]
        assert not any(has_placeholder(text) for text in said), message


async def test_blanks_are_filled_from_the_conversation_and_its_order(make_shop: MakeShop, monkeypatch: Any) -> None:
    make_shop()
    text = "{shop_name}: order {order_number} with {order_items} travels with {order_carrier}."
    answer = Answer("t", text, "en", source="curated")
    monkeypatch.setattr(the_shop(), "answers", lambda index: AnswerBook([answer]))
    shipped = {"order_number": "NT-104021", "email": "samir.clarke@example.com"}
    dispatcher = CollectingDispatcher()
    await ActionAnswer().run(dispatcher, a_tracker(("t", 0.9), **shipped), {})
    (message,) = dispatcher.messages
    assert message["text"].startswith("Little Shop: order NT-104021 with ")
    stranger = CollectingDispatcher()
    await ActionAnswer().run(stranger, a_tracker(("t", 0.9), **shipped | {"email": "eve@example.com"}), {})
    assert [message["response"] for message in stranger.messages] == ["utter_rephrase"]
