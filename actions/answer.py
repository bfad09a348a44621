"""Answering a question from what agents said before: sure, unsure or lost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.door import checked
from actions.handoff import Events, hand_over, offer_person, shows_text_only
from actions.known import known_values
from actions.mood import presses, tone
from actions.repeats import asked_in_these_words, asks_again
from actions.replies import asked_of, offered, source_lines, source_of, suggestions, why
from actions.shop import the_shop
from retrieval.answers import AnswerBook
from retrieval.compose import Asked, Found, Reply, compose
from retrieval.filters import Where

GIVEN = 20
"""So many ids of given answers are remembered."""


class ActionAnswer(Action):
    """Says the best answer, asks which of three was meant, or admits not to know."""

    def name(self) -> str:
        """See parent."""
        return "action_answer"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        if intent_of(tracker) == "out_of_scope":
            return lose(dispatcher, tracker, response="utter_out_of_scope")
        careline: Mapping[str, Any] = tracker.latest_message.get("careline") or {}
        book = the_shop().answers(careline.get("index"))
        if (picked := await picked_reply(tracker, book)) is not None:
            reason = {"intent": "ask", "confidence": 1.0, "index": the_shop().workspace.live().index}
            return say(dispatcher, tracker, picked, reason=why(reason, book, outcome="picked"))
        outcome = careline.get("outcome", "lost")
        if outcome == "unsure" and (known := known_account_matter(tracker, careline, book)):
            careline, outcome = known, "sure"
        reply = await best_reply(tracker, careline, book) if outcome == "sure" else None
        if reply is not None:
            reason = why(careline, book, outcome="sure", said=reply)
            if asks_again(tracker, said := [part.answer.id for part in reply.parts]) and set(said) <= set(
                given(tracker)
            ):
                return say_again(dispatcher, tracker, reply, reason=reason)
            events = say(dispatcher, tracker, await worded(reply, tracker), reason=reason)
            return [*events, *take_up(dispatcher, tracker, careline, book, said=said)]
        buttons = suggestions(
            careline.get("hits", ()), book, language=language_of(tracker), where=where_of(tracker),
            without=given(tracker),
        )  # fmt: skip
        if outcome in ("sure", "unsure") and buttons:
            custom = {"why": why(careline, book, outcome="unsure")}
            return ask_which(dispatcher, tracker, buttons, custom=custom)
        return lose(dispatcher, tracker, response="utter_wordless" if careline.get("wordless") else "utter_rephrase")


class ActionNotHelped(Action):
    """The customer said that the answer was not it; who is upset about it gets a person at once."""

    def name(self) -> str:
        """See parent."""
        return "action_not_helped"

    @checked
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        if tone(tracker).get("upset"):
            return hand_over(dispatcher, tracker, reason="negative")
        return lose(dispatcher, tracker, response="utter_not_helped")


def language_of(tracker: Tracker) -> str:
    """The conversation's language."""
    return tracker.slots.get("language") or "en"


def intent_of(tracker: Tracker) -> str | None:
    """The latest message's intent."""
    return (tracker.latest_message.get("intent") or {}).get("name")


def where_of(tracker: Tracker) -> Where:
    """What an answer must be for: see ``Where.of_slots``."""
    return Where.of_slots(tracker.slots)


def given(tracker: Tracker) -> list[str]:
    """Ids of the answers given so far, oldest first."""
    return list(tracker.slots.get("given") or [])


async def best_reply(tracker: Tracker, careline: Mapping[str, Any], book: AnswerBook) -> Reply | None:
    """The reply that the message's hits make; None where none of them may be said."""
    text = str(tracker.latest_message.get("text") or "")
    asked = asked_of(careline, book, text=text, language=language_of(tracker), where=where_of(tracker))
    return compose(asked, await known_values(tracker, asked), least=float(careline.get("least") or 0.0))


def known_account_matter(tracker: Tracker, careline: Mapping[str, Any], book: AnswerBook) -> Mapping[str, Any] | None:
    """The message's object with one hit: what agents answered when an account's matter was put in these words.

    Matters of accounts are few, and asked in few words ("I forgot my password"): among answers that are all about
    passwords none is sure by itself.
    """
    text = str(tracker.latest_message.get("text") or "")
    for hit in careline.get("hits", ())[:3] if intent_of(tracker) == "account" else ():
        answer = book.get(hit["id"])
        if answer is not None and asked_in_these_words(text, answer.questions):
            return {**careline, "hits": [hit], "least": 0.0}
    return None


async def picked_reply(tracker: Tracker, book: AnswerBook) -> Reply | None:
    """The answer behind a button that was pressed."""
    answer = offered(book, next(tracker.get_latest_entity_values("answer_id"), None) or "", where_of(tracker))
    if answer is None:
        return None
    question = answer.questions[0] if answer.questions else answer.title or ""
    asked = [Asked(question, (Found(answer),))]
    return compose(asked, await known_values(tracker, asked))


async def worded(reply: Reply, tracker: Tracker) -> Reply:
    """The reply in a language model's words, where the shop configured one and its words are supported."""
    rephraser = the_shop().rephraser()
    if rephraser is None:
        return reply
    question = str(tracker.latest_message.get("text") or "")
    return await rephraser.rephrase(reply, question=question, language=language_of(tracker))


def say(dispatcher: CollectingDispatcher, tracker: Tracker, reply: Reply, *, reason: dict[str, Any]) -> Events:
    """Gives a reply with its sources; remembers which answers were given."""
    answers = [part.answer for part in reply.parts]
    if shows_text_only(tracker):
        dispatcher.utter_message(text="\n".join([reply.text, *source_lines(answers, language_of(tracker))]))
    else:
        sources = [source_of(answer) for answer in answers]
        custom = {"answer": answers[0].id, "source": sources[0], "sources": sources, "why": reason}
        dispatcher.utter_message(text=reply.text, json_message=custom)
    new = [answer.id for answer in answers]
    remembered = [key for key in given(tracker) if key not in new] + new
    return [SlotSet("given", remembered[-GIVEN:]), SlotSet("lost", 0)]


def say_again(dispatcher: CollectingDispatcher, tracker: Tracker, reply: Reply, *, reason: dict[str, Any]) -> Events:
    """The same answer fits again: says so, and offers a person, since it did not settle the matter the first time."""
    dispatcher.utter_message(response="utter_said_before")
    return [*say(dispatcher, tracker, reply, reason=reason), *offer_person(dispatcher)]


def ask_which(
    dispatcher: CollectingDispatcher, tracker: Tracker, buttons: list[dict[str, str]], *, custom: dict[str, Any]
) -> Events:
    """Asks which of the best questions was meant."""
    shown = {} if shows_text_only(tracker) else custom
    dispatcher.utter_message(response="utter_did_you_mean", buttons=buttons, json_message=shown)
    return [SlotSet("offer", "pick")]


def take_up(
    dispatcher: CollectingDispatcher,
    tracker: Tracker,
    careline: Mapping[str, Any],
    book: AnswerBook,
    *,
    said: Sequence[str],
) -> Events:
    """What the message asks besides, without a sure answer: offers what comes near, or says that nothing is known."""
    row = next(iter(careline.get("open") or ()), None)
    if row is None:
        return []
    question = re.sub(r"[{}<>\[\]]", " ", str(row["text"]))
    without = [*given(tracker), *said]
    buttons = suggestions(
        row["hits"], book, language=language_of(tracker), where=where_of(tracker), without=without
    )  # fmt: skip
    if not buttons:
        dispatcher.utter_message(response="utter_other_question_lost", question=question)
        return offer_person(dispatcher)
    dispatcher.utter_message(response="utter_other_question", question=question, buttons=buttons)
    return [SlotSet("offer", "pick")]


def lose(dispatcher: CollectingDispatcher, tracker: Tracker, *, response: str = "utter_rephrase") -> Events:
    """Asks once to rephrase, then hands over; at once where the customer is in a hurry or very upset."""
    times = int(tracker.slots.get("lost") or 0)
    if times >= 1 or presses(tracker):
        return hand_over(dispatcher, tracker, reason="negative" if tone(tracker).get("very") else "lost")
    dispatcher.utter_message(response=response)
    return [SlotSet("lost", times + 1)]
