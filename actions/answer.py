"""Answering a question from what agents said before: sure, unsure or lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.handoff import Events, hand_over, offer_person, shows_text_only
from actions.replies import source_line, source_of, suggestions, why
from actions.shop import the_shop
from data.schema import Answer
from retrieval.answers import AnswerBook

GIVEN = 20
"""So many ids of given answers are remembered."""


class ActionAnswer(Action):
    """Says the best answer, asks which of three was meant, or admits not to know."""

    def name(self) -> str:
        """See parent."""
        return "action_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        if intent_of(tracker) == "out_of_scope":
            return lose(dispatcher, tracker, response="utter_out_of_scope")
        careline: Mapping[str, Any] = tracker.latest_message.get("careline") or {}
        book = the_shop().answers(careline.get("index"))
        picked = book.sayable(next(tracker.get_latest_entity_values("answer_id"), None) or "")
        if picked is not None:
            reason = {"intent": "ask", "confidence": 1.0, "index": the_shop().workspace.live().index}
            return say(dispatcher, tracker, picked, reason=why(reason, book, outcome="picked"))
        outcome = careline.get("outcome", "lost")
        best = _best(careline, book, language=language_of(tracker))
        if outcome == "sure" and best is not None and best.id not in given(tracker):
            return say(dispatcher, tracker, best, reason=why(careline, book, outcome="sure"))
        if outcome == "sure" and best is not None:
            return say_again(dispatcher, tracker, best, reason=why(careline, book, outcome="sure"))
        buttons = suggestions(careline.get("hits", ()), book, language=language_of(tracker), without=given(tracker))
        if outcome in ("sure", "unsure") and buttons:
            custom = {"why": why(careline, book, outcome="unsure")}
            return ask_which(dispatcher, tracker, buttons, custom=custom)
        return lose(dispatcher, tracker)


class ActionNotHelped(Action):
    """The customer said that the answer was not it."""

    def name(self) -> str:
        """See parent."""
        return "action_not_helped"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        return lose(dispatcher, tracker, response="utter_not_helped")


def language_of(tracker: Tracker) -> str:
    """The conversation's language."""
    return tracker.slots.get("language") or "en"


def intent_of(tracker: Tracker) -> str | None:
    """The latest message's intent."""
    return (tracker.latest_message.get("intent") or {}).get("name")


def given(tracker: Tracker) -> list[str]:
    """Ids of the answers given so far, oldest first."""
    return list(tracker.slots.get("given") or [])


def _best(careline: Mapping[str, Any], book: AnswerBook, *, language: str) -> Answer | None:
    """The first hit that may be said in the customer's language."""
    answers = (book.sayable(hit["id"]) for hit in careline.get("hits", ()))
    return next((answer for answer in answers if answer is not None and answer.language == language), None)


def say(dispatcher: CollectingDispatcher, tracker: Tracker, answer: Answer, *, reason: dict[str, Any]) -> Events:
    """Gives an answer with its source; remembers that it was given."""
    if shows_text_only(tracker):
        dispatcher.utter_message(text=f"{answer.text}\n{source_line(answer, language_of(tracker))}")
    else:
        custom = {"answer": answer.id, "source": source_of(answer), "why": reason}
        dispatcher.utter_message(text=answer.text, json_message=custom)
    remembered = [key for key in given(tracker) if key != answer.id] + [answer.id]
    return [SlotSet("given", remembered[-GIVEN:]), SlotSet("lost", 0)]


def say_again(dispatcher: CollectingDispatcher, tracker: Tracker, answer: Answer, *, reason: dict[str, Any]) -> Events:
    """The same answer fits again: says so, and offers a person, since it did not settle the matter the first time."""
    dispatcher.utter_message(response="utter_said_before")
    return [*say(dispatcher, tracker, answer, reason=reason), *offer_person(dispatcher)]


def ask_which(
    dispatcher: CollectingDispatcher, tracker: Tracker, buttons: list[dict[str, str]], *, custom: dict[str, Any]
) -> Events:
    """Asks which of the best questions was meant."""
    shown = {} if shows_text_only(tracker) else custom
    dispatcher.utter_message(response="utter_did_you_mean", buttons=buttons, json_message=shown)
    return [SlotSet("offer", "pick")]


def lose(dispatcher: CollectingDispatcher, tracker: Tracker, *, response: str = "utter_rephrase") -> Events:
    """Asks once to rephrase, then hands over."""
    times = int(tracker.slots.get("lost") or 0)
    if times >= 1:
        return hand_over(dispatcher, tracker, reason="lost")
    dispatcher.utter_message(response=response)
    return [SlotSet("lost", times + 1)]
