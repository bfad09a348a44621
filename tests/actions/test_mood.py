"""What an upset customer hears beside the answer, and which small talk is which."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.mood import attended, presses
from actions.small_talk import reply_to
from data.workspace import PROJECT

UPSET = {"upset": True, "very": False, "urgent": False}
PERSON = {"event": "slot", "timestamp": None, "name": "offer", "value": "person"}


def a_tracker(
    tone: dict[str, bool] | None, *, mood: str = "calm", intent: str = "ask", loop: str = "", asked: str = ""
) -> Tracker:
    message: dict[str, Any] = {"intent": {"name": intent}, "entities": [], "careline": {"tone": tone} if tone else {}}
    slots = {"mood": mood, "requested_slot": asked or None}
    return Tracker("x", slots, message, [], False, None, {"name": loop} if loop else {}, None)


def said(
    tracker: Tracker, *, action: str = "action_answer", events: list[dict[str, Any]] | None = None, **first: Any
) -> tuple[list[str], list[dict[str, Any]]]:
    dispatcher = CollectingDispatcher()
    dispatcher.utter_message(**(first or {"text": "the answer"}))
    made = attended(dispatcher, tracker, list(events or []), action=action)
    return [m["response"] or m["text"] for m in dispatcher.messages], made


def moods(events: list[dict[str, Any]]) -> list[Any]:
    return [event["value"] for event in events if event.get("name") == "mood"]


def test_regret_stands_before_the_answer_and_the_offer_after_it() -> None:
    texts, events = said(a_tracker(UPSET))
    assert texts == ["utter_upset", "the answer", "utter_offer_person"]
    assert moods(events) == ["upset"]
    assert {"name": "offer", "value": "person"}.items() <= events[-1].items()


def test_nothing_is_said_twice_and_two_calm_messages_end_the_mood() -> None:
    assert said(a_tracker(UPSET, mood="upset")) == (["the answer"], said(a_tracker(UPSET, mood="upset"))[1])
    assert said(a_tracker(UPSET, mood="calming"))[0] == ["the answer"]
    calm = {"upset": False}
    assert moods(said(a_tracker(calm, mood="upset"))[1]) == ["calming"]
    assert moods(said(a_tracker(calm, mood="calming"))[1]) == ["calm"]
    assert said(a_tracker(calm)) == (["the answer"], [])
    assert said(a_tracker(None)) == (["the answer"], [])


def test_a_form_hears_it_as_words_and_its_validation_sets_no_slot_while_one_is_asked_for() -> None:
    assert said(a_tracker(UPSET, loop="order_form"))[0] == ["utter_upset", "utter_person_any_time", "the answer"]
    begun = said(a_tracker(UPSET, loop="order_form"), action="validate_order_form")
    assert moods(begun[1]) == ["upset"]
    asked = a_tracker(UPSET, loop="order_form", asked="email")
    assert said(asked, action="validate_order_form") == (["the answer"], [])
    filled = [{"event": "slot", "name": "email", "value": "x@example.com"}]
    assert said(asked, action="validate_order_form", events=filled)[0][0] == "utter_upset"


def test_who_is_handed_over_or_offered_a_person_anyway_hears_no_second_offer() -> None:
    assert said(a_tracker(UPSET), events=[{"event": "pause"}])[0] == ["utter_upset", "the answer"]
    assert said(a_tracker(UPSET), response="utter_offer_person")[0] == ["utter_upset", "utter_offer_person"]
    buttons = [{"title": "Talk to a person", "payload": "/ask_person"}]
    assert said(a_tracker(UPSET), text="which?", buttons=buttons)[0] == ["utter_upset", "which?"]
    for intent in ("complaint", "ask_person"):
        texts, events = said(a_tracker(UPSET, intent=intent))
        assert texts == ["the answer"]
        assert moods(events) == ["upset"]


@pytest.mark.parametrize(
    ("tone", "mood", "wanted"),
    [
        ({"upset": False, "very": False, "urgent": False}, "upset", False),
        ({"upset": True, "very": False, "urgent": False}, "calm", False),
        ({"upset": True, "very": False, "urgent": False}, "upset", True),
        ({"upset": True, "very": True, "urgent": False}, "calm", True),
        ({"upset": False, "very": False, "urgent": True}, "calm", True),
        (None, "calm", False),
    ],
)
def test_who_is_not_asked_again(tone: dict[str, bool] | None, mood: str, wanted: bool) -> None:
    assert presses(a_tracker(tone, mood=mood)) == wanted


def test_small_talk_has_a_reply_in_the_domain_whatever_it_is() -> None:
    domain = yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))["responses"]
    for language in ("en", "zh"):
        nlu = yaml.safe_load((PROJECT / "data" / "rasa" / f"nlu_{language}.yml").read_text(encoding="utf-8"))["nlu"]
        (block,) = [block for block in nlu if block["intent"] == "small_talk"]
        replies = {reply_to(line.removeprefix("- ")) for line in block["examples"].splitlines()}
        assert replies <= set(domain)
        assert replies >= {"utter_here", "utter_how_are_you", "utter_compliment", "utter_no_harm", "utter_small_talk"}


def test_a_new_session_says_nothing_about_the_mood_of_the_one_before() -> None:
    for mood in ("calm", "upset", "calming"):
        for tone in (UPSET, None):
            found, events = said(a_tracker(tone, mood=mood), action="action_session_start")
            assert (found, events) == (["the answer"], []), (mood, tone)
