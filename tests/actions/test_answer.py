from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import GIVEN, ActionAnswer, ActionNotHelped
from actions.replies import TITLE_LENGTH, button_title, source_line, source_of
from actions.shop import the_shop
from data.schema import Answer
from data.workspace import Live
from retrieval.compose import Reply
from retrieval.curate import Curator, Details
from tests.actions.conftest import MakeShop, a_tracker, put_index

HITS = (("free", 0.9), ("slow", 0.4), ("card", 0.3))


def run(tracker: Tracker, action: Any = None) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """(messages, slots that were set, kinds of events)."""
    dispatcher = CollectingDispatcher()
    said = (action or ActionAnswer()).run(dispatcher, tracker, {})
    events = asyncio.run(said) if asyncio.iscoroutine(said) else said
    slots = {event["name"]: event["value"] for event in events if event["event"] == "slot"}
    return dispatcher.messages, slots, [event["event"] for event in events]


def test_sure_gives_the_answer_with_source_and_why(make_shop: MakeShop) -> None:
    make_shop()
    (message,), slots, _ = run(a_tracker(*HITS))
    assert message["text"] == "Shipping is free from 60 on."
    custom = message["custom"]
    assert custom["answer"] == "free"
    assert custom["source"] == {
        "title": "",
        "conversations": 0,
        "support": 7,
        "last_used": 1_700_000_000.0,
        "question": "Is it free?",
        "kind": "log",
        "url": None,
    }
    assert custom["sources"] == [custom["source"]]
    assert custom["why"]["evidence"][0] == {"answer": "free", "text": "Shipping is free from 60 on.", "score": 0.9}
    assert (custom["why"]["model"], custom["why"]["outcome"]) == ("m", "sure")
    assert slots == {"given": ["free"], "lost": 0}


def test_a_terminal_gets_the_source_as_a_line(make_shop: MakeShop) -> None:
    make_shop()
    (message,), _, _ = run(a_tracker(*HITS, channel="cmdline"))
    assert message["text"].splitlines()[1] == "(Source: our team answered so 7 times, last on 2023-11-14.)"
    assert message["custom"] == {}


def test_what_is_personal_or_unfilled_is_never_said(make_shop: MakeShop) -> None:
    make_shop()
    (message,), _, _ = run(a_tracker(("private", 0.99), ("chat", 0.98), ("free", 0.9)))
    assert message["text"] == "Shipping is free from 60 on."
    (message,), slots, _ = run(a_tracker(("private", 0.99), ("chat", 0.98)))
    assert message["response"] == "utter_rephrase"
    assert slots["lost"] == 1


def test_answers_come_in_the_customers_language(make_shop: MakeShop) -> None:
    make_shop()
    (message,), _, _ = run(a_tracker(("free", 0.9), ("zh", 0.8), language="zh"))
    assert message["text"] == "满60包邮。"


def test_unsure_offers_three_and_a_person(make_shop: MakeShop) -> None:
    make_shop()
    (message,), slots, _ = run(a_tracker(*HITS, outcome="unsure"))
    assert message["response"] == "utter_did_you_mean"
    titles = [button["title"] for button in message["buttons"]]
    assert titles == ["Is it free?", "How long does it take?", "How do I pay?", "Talk to a person"]
    payloads = [button["payload"] for button in message["buttons"]]
    assert json.loads(payloads[0].removeprefix("/ask")) == {"answer_id": "free"}
    assert payloads[-1] == "/ask_person"
    assert slots["offer"] == "pick"


def test_a_pressed_button_says_its_answer(make_shop: MakeShop) -> None:
    make_shop()
    (message,), _, _ = run(a_tracker(entities={"answer_id": "slow"}))
    assert message["text"] == "It takes four days."
    (message,), _, _ = run(a_tracker(entities={"answer_id": "private"}))
    assert message["response"] == "utter_rephrase"


@pytest.mark.parametrize("answer_id", ["members", "staff", "old", "uk"])
def test_an_answer_for_others_is_never_said_whoever_names_its_id(make_shop: MakeShop, answer_id: str) -> None:
    make_shop()
    by_hand = a_tracker(entities={"answer_id": answer_id}, site="de")
    found = a_tracker((answer_id, 0.99), site="de")
    offered = a_tracker((answer_id, 0.5), outcome="unsure", site="de")
    several = a_tracker((answer_id, 0.99), site="de")
    several.latest_message["careline"]["requests"] = [{"text": "?", "hits": [{"id": answer_id, "score": 0.99}]}] * 2
    for tracker in (by_hand, found, offered, several):
        (message,), _, _ = run(tracker)
        assert (message["response"], message["buttons"]) == ("utter_rephrase", [])


def test_who_is_signed_in_gets_what_is_for_them_and_no_more(make_shop: MakeShop) -> None:
    make_shop()
    for tracker in (
        a_tracker(("members", 0.9), signed_in=True),
        a_tracker(entities={"answer_id": "members"}, signed_in=True),
    ):
        (message,), _, _ = run(tracker)
        assert message["text"] == "Members pay by invoice."
    for claimed in ("yes", "true", 1):
        (message,), _, _ = run(a_tracker(("members", 0.9), signed_in=claimed))
        assert message["response"] == "utter_rephrase"
    (message,), _, _ = run(a_tracker(("staff", 0.9), signed_in=True))
    assert message["response"] == "utter_rephrase"


def test_a_button_pressed_after_its_answer_went_to_the_agents_says_nothing_of_it(make_shop: MakeShop) -> None:
    workspace = make_shop()
    (message,), _, _ = run(a_tracker(("slow", 0.5), outcome="unsure"))
    pressed = json.loads(message["buttons"][0]["payload"].removeprefix("/ask"))
    Curator.open(workspace).change("slow", details=Details(audience="agents"))
    (message,), _, _ = run(a_tracker(entities=pressed))
    assert message["response"] == "utter_rephrase"


def asked(text: str, answer: str) -> dict[str, Any]:
    careline = {"outcome": "sure", "hits": [{"id": answer, "score": 0.9}]}
    return {"event": "user", "text": text, "parse_data": {"careline": careline}}


@pytest.mark.parametrize(
    ("text", "intent", "said"),
    [
        ("how long does it take", "account", "It takes four days."),
        ("how long does it take to unlock an account?", "account", None),
        ("how long does it take", "ask", None),
    ],
)
def test_an_account_matter_in_an_agents_customers_words_is_answered(
    make_shop: MakeShop, text: str, intent: str, said: str | None
) -> None:
    make_shop()
    hits = (("card", 0.3), ("slow", 0.2))
    messages, _, _ = run(a_tracker(*hits, outcome="unsure", intent=intent, text=text))
    assert (messages[0]["text"], messages[0]["response"]) == (said, None if said else "utter_did_you_mean")


AGAIN = ["utter_said_before", None, "utter_offer_person"]


@pytest.mark.parametrize(
    ("before", "text", "said"),
    [
        ([("what does shipping cost?", "free")], "What does shipping cost", AGAIN),
        ([("what does shipping cost?", "free")], "and how much for a tent to Norway?", [None]),
        ([("what does shipping cost?", "free"), ("is postage included?", "free")], "so is it 4.90 to Norway?", AGAIN),
        ([("what does shipping cost?", "slow")], "what does shipping cost?", [None]),
        ([("运费多少钱？", "free")], "运费是多少钱", AGAIN),
        ([("运费多少钱？", "free")], "寄到国外呢？", [None]),
    ],
)
def test_said_before_is_said_where_the_question_is_the_same_or_the_third(
    make_shop: MakeShop, before: list[tuple[str, str]], text: str, said: list[str | None]
) -> None:
    make_shop()
    tracker = a_tracker(*HITS, text=text, given=["free", "slow"])
    tracker.events[:0] = [asked(*row) for row in before]
    messages, slots, _ = run(tracker)
    assert [m["response"] for m in messages] == said
    assert (slots.get("offer") == "person") == (said == AGAIN)


def test_the_second_question_of_a_message_is_taken_up(make_shop: MakeShop) -> None:
    make_shop()
    rows = [{"text": "how long does it take?", "hits": [{"id": "slow", "score": 0.3}]}]
    requests = [{"text": "what does it cost?", "hits": [{"id": "free", "score": 0.9}]}]
    messages, slots, _ = run(a_tracker(*HITS, careline={"requests": requests, "open": rows}))
    assert [m["response"] for m in messages] == [None, "utter_other_question"]
    assert [b["title"] for b in messages[1]["buttons"]] == ["How long does it take?", "Talk to a person"]
    assert slots["offer"] == "pick"
    rows = [{"text": "do you sell {unicorns}?", "hits": []}]
    messages, slots, _ = run(a_tracker(*HITS, careline={"requests": requests, "open": rows}))
    assert [m["response"] for m in messages] == [None, "utter_other_question_lost", "utter_offer_person"]
    assert "{" not in messages[1]["question"]


def test_lost_asks_once_and_then_hands_over(make_shop: MakeShop) -> None:
    make_shop()
    (message,), slots, kinds = run(a_tracker(outcome="lost", intent="nlu_fallback"))
    assert (message["response"], slots["lost"], kinds) == ("utter_rephrase", 1, ["slot"])
    (message,), slots, kinds = run(a_tracker(outcome="lost", intent="nlu_fallback", lost=1))
    assert message["custom"]["handoff"]["reason"] == "lost"
    assert slots["lost"] == 0
    assert kinds[-1] == "pause"


def test_what_is_no_shops_business_is_said_to_be_so(make_shop: MakeShop) -> None:
    make_shop()
    (message,), _, _ = run(a_tracker(*HITS, outcome="sure", intent="out_of_scope"))
    assert message["response"] == "utter_out_of_scope"


def test_an_answer_that_did_not_help_counts_as_lost(make_shop: MakeShop) -> None:
    make_shop()
    (message,), slots, _ = run(a_tracker(intent="deny"), ActionNotHelped())
    assert (message["response"], slots["lost"]) == ("utter_not_helped", 1)


def test_the_memory_of_given_answers_is_bounded(make_shop: MakeShop) -> None:
    make_shop()
    _, slots, _ = run(a_tracker(*HITS, given=[f"a{i}" for i in range(50)]))
    assert len(slots["given"]) == GIVEN
    assert slots["given"][-1] == "free"


def test_what_people_change_is_said_from_the_next_reply_on(make_shop: MakeShop) -> None:
    workspace = make_shop()
    run(a_tracker(*HITS))
    curator = Curator.open(workspace)
    curator.change("free", text="Shipping is free from 80 on.")
    (message,), _, _ = run(a_tracker(*HITS))
    assert message["text"] == "Shipping is free from 80 on."
    curator.remove("free")
    (message,), _, _ = run(a_tracker(*HITS))
    assert message["text"] == "It takes four days."
    added = curator.add("How do I pay?", "By card or by invoice.").answer
    (message,), _, _ = run(a_tracker((added.id, 0.9)))
    assert message["text"] == "By card or by invoice."


def test_a_message_understood_before_a_switch_is_answered_from_its_own_index(make_shop: MakeShop) -> None:
    workspace = make_shop()
    run(a_tracker(*HITS))
    put_index(workspace, "two", [Answer("free", "Shipping is never free.", "en")])
    workspace.go_live(Live("d", "m", "two", "r"))
    (message,), _, _ = run(a_tracker(*HITS))
    assert message["text"] == "Shipping is free from 60 on."
    tracker = a_tracker(*HITS)
    tracker.latest_message["careline"]["index"] = "two"
    (message,), _, _ = run(tracker)
    assert message["text"] == "Shipping is never free."


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        (Answer("1", "Yes.", "en", title="Shipping", questions=("Is it free of charge?",)), "Shipping"),
        (
            Answer("1", "Yes.", "en", questions=("And outside of Europe, too?", "How long is the warranty on tents?")),
            "How long is the warranty on tents?",
        ),
        (Answer("1", "好的。", "zh", questions=("手机号13800000412", "那多少钱", "退款要几天到账")), "退款要几天到账"),
        (Answer("1", "We ship  it at once.", "en", questions=("and?",)), "We ship it at once."),
        (Answer("1", "word " * 40, "en"), "word " * 14 + "…"),
    ],
)
def test_a_button_says_in_a_few_words_what_it_stands_for(answer: Answer, title: str) -> None:
    got = button_title(answer)
    assert got == title or (len(got) <= TITLE_LENGTH and got.endswith("…") and title.endswith("…"))


def test_several_requests_get_one_reply_with_a_source_each(make_shop: MakeShop) -> None:
    make_shop()
    tracker = a_tracker(*HITS)
    tracker.latest_message["careline"]["requests"] = [
        {"text": "Is it free?", "hits": [{"id": "free", "score": 0.9}]},
        {"text": "How do I pay?", "hits": [{"id": "card", "score": 0.8}]},
    ]
    (message,), slots, _ = run(tracker)
    assert message["text"] == "Shipping is free from 60 on. [1]\nYou can pay by card. [2]"
    assert [source["question"] for source in message["custom"]["sources"]] == ["Is it free?", "How do I pay?"]
    assert [row["answer"] for row in message["custom"]["why"]["evidence"]][:2] == ["free", "card"]
    assert slots["given"] == ["free", "card"]
    tracker.events[0]["input_channel"] = "cmdline"
    (message,), _, _ = run(tracker)
    assert message["text"].splitlines()[2:] == [
        "[1] (Source: our team answered so 7 times, last on 2023-11-14.)",
        "[2] (Source: our team answered so once.)",
    ]


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Answer("a", "x", "en", source="article", title="Care"), "(Source: help article: Care)"),
        (Answer("a", "x", "zh", source="curated"), "（来源：客服团队撰写）"),
        (
            Answer("a", "x", "en", source="catalogue", url="https://s.example/t"),
            "(Source: product catalogue https://s.example/t)",
        ),
    ],
)
def test_a_terminal_names_other_kinds_of_sources(answer: Answer, line: str) -> None:
    assert source_line(answer, answer.language) == line


def test_only_web_addresses_are_shown_as_sources() -> None:
    assert source_of(Answer("a", "x", "en", url="https://s.example"))["url"] == "https://s.example"
    assert source_of(Answer("a", "x", "en", url="javascript:alert(1)"))["url"] is None


class Shouting:
    """Words every reply in capitals."""

    async def rephrase(self, reply: Reply, *, question: str, language: str) -> Reply:
        return Reply(reply.text.upper() + question + language, reply.parts)


def test_a_configured_model_words_the_reply_and_its_sources_stay(
    make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop()
    assert the_shop().rephraser() is None
    monkeypatch.setattr(the_shop(), "rephraser", Shouting)
    (message,), _, _ = run(a_tracker(*HITS))
    assert message["text"] == "SHIPPING IS FREE FROM 60 ON....en"
    assert message["custom"]["sources"][0]["support"] == 7
