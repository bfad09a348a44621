from __future__ import annotations

from typing import Any

import pytest

from bot.components.judgement import judge
from bot.components.several import asks_in_general, corrects, with_several
from data.schema import Answer
from retrieval.search import Hit, Intent, Outcome, SearchResult, Thresholds

STATIC = {"order_status", "return_item", "change_address", "inform", "greeting", "complaint"}

# What the parts of a message are taken for: intent, its confidence, best answer.
KNOWN: dict[str, tuple[str, float, str | None]] = {
    "where is NT-1": ("order_status", 0.9, None),
    "do you ship to Norway?": ("shipping", 0.9, "norway"),
    "how do I pay?": ("payment", 0.9, "pay"),
    "what does a return cost?": ("return_item", 0.9, "return-cost"),
    "can I return what I wore?": ("return_item", 0.9, "worn"),
    "I want to return it.": ("return_item", 0.9, None),
    "NT-1": ("inform", 0.9, None),
    "查一下NT-1": ("order_status", 0.3, None),
    "怎么付款？": ("payment", 0.9, "pay"),
    "do you sell unicorns?": ("payment", 0.1, None),
}


def search(text: str) -> SearchResult:
    key = text.strip(" ,，")
    label, confidence, answer = KNOWN.get(key) or KNOWN.get(key.removesuffix("?")) or ("order_status", 0.6, None)
    kind: Any = "static" if label in STATIC else "topic"
    hits = (
        (Hit(Answer(answer, "...", "en"), 0.9, dict.fromkeys(("dense", "lexical", "near_max", "head"), 0.0), (), None),)
        if answer
        else ()
    )
    outcome: Outcome = "sure" if answer else "lost"
    return SearchResult(text, "en", Intent(label, kind, confidence), label, 0.9, outcome, hits)


def several(text: str, whole: tuple[str, str | None], **asked: Any) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KNOWN, text, (whole[0], 0.8, whole[1]))
        careline = judge(search(text), Thresholds(), static=STATIC)
        return with_several(careline, text, search=search, thresholds=Thresholds(), static=STATIC, **asked)


def asides(careline: dict[str, Any]) -> list[str]:
    return [row["hits"][0]["id"] for row in careline.get("aside", ())]


@pytest.mark.parametrize(
    ("text", "whole", "intent", "beside"),
    [
        ("where is NT-1 and do you ship to Norway?", ("order_status", None), "order_status", ["norway"]),
        ("where is NT-1 and do you ship to Norway?", ("shipping", "norway"), "order_status", ["norway"]),
        ("do you ship to Norway? where is NT-1?", ("shipping", "norway"), "order_status", ["norway"]),
        ("I want to return it. what does a return cost?", ("return_item", None), "return_item", ["return-cost"]),
        ("查一下NT-1，还有怎么付款？", ("payment", "pay"), "inform", ["pay"]),
    ],
)
def test_a_question_beside_a_request_is_kept_with_it(
    text: str, whole: tuple[str, str | None], intent: str, beside: list[str]
) -> None:
    careline = several(text, whole, named="NT-1" in text)
    assert (careline["intent"], asides(careline), careline["understood"]) == (intent, beside, True)


def test_two_questions_are_no_request() -> None:
    careline = several("do you ship to Norway? how do I pay?", ("shipping", "norway"))
    assert (careline["intent"], careline.get("aside")) == ("ask", None)
    assert [row["hits"][0]["id"] for row in careline["requests"]] == ["norway", "pay"]


def test_a_request_without_a_question_that_has_an_answer_stays_as_it_is() -> None:
    careline = several("where is NT-1 and do you sell unicorns?", ("order_status", None), named=True)
    assert (careline["intent"], careline.get("aside")) == ("order_status", None)


@pytest.mark.parametrize(
    ("asked", "text", "whole", "intent"),
    [
        ("email", "what does a return cost?", ("return_item", "return-cost"), "ask"),
        (None, "what does a return cost?", ("return_item", "return-cost"), "ask"),
        ("email", "can I return what I wore?", ("return_item", "worn"), "ask"),
        (None, "can I return what I wore?", ("return_item", "worn"), "return_item"),
        ("email", "where is my order?", ("order_status", "somewhere"), "order_status"),
        ("email", "what does a return cost?", ("return_item", None), "return_item"),
        ("email", "I want to return it", ("return_item", "return-cost"), "return_item"),
    ],
)
def test_a_question_that_looks_like_a_request_is_answered_where_an_answer_is_sure(
    asked: str | None, text: str, whole: tuple[str, str | None], intent: str
) -> None:
    assert several(text, whole, asked=asked)["intent"] == intent


def test_a_detail_with_a_question_fills_the_slot_and_is_answered() -> None:
    careline = several("NT-1, and how do I pay?", ("payment", "pay"), asked="order_number", named=True)
    assert (careline["intent"], asides(careline)) == ("inform", ["pay"])
    careline = several("how do I pay for NT-1?", ("payment", "pay"), asked="order_number", named=True)
    assert (careline["intent"], asides(careline)) == ("inform", ["pay"])


@pytest.mark.parametrize(
    ("text", "general"),
    [
        ("what does a return cost?", True),
        ("how long do I have to wait for my order?", False),
        ("do you pay for returns?", True),
        ("where is my order?", False),
        ("I want to return it", False),
        ("退货要多少钱？", True),
        ("退货运费谁付？", True),
        ("我的订单多久能到？", False),
        ("我要退货", False),
    ],
)
def test_general_questions_are_told_from_requests(text: str, general: bool) -> None:
    assert asks_in_general(text) is general


@pytest.mark.parametrize(
    ("text", "number", "only"),
    [
        ("no, I meant order 4712", "4712", True),
        ("yes, but order NT-104021", "NT-104021", True),
        ("不对，是NT-104022", "NT-104022", True),
        ("sorry, it's 4712 not that one", "4712", True),
        ("where is 4712", "4712", False),
        ("no, I want to return 4712", "4712", False),
        ("我要退4712", "4712", False),
        ("no", "", False),
    ],
)
def test_a_correction_is_told_from_another_request(text: str, number: str, only: bool) -> None:
    start = text.index(number)
    assert corrects(text, [(start, start + len(number))] if number else []) is only
