from __future__ import annotations

from typing import Any

import pytest

from bot.components.judgement import combined, judge
from data.schema import Answer
from retrieval.search import Hit, Intent, Outcome, SearchResult, Thresholds

STATIC = {"greeting", "order_status", "account", "out_of_scope"}


def judged(
    label: str, kind: str = "static", *, confidence: float = 0.9, known: float = 0.9, outcome: Outcome = "lost"
) -> dict[str, Any]:
    topic = label if kind == "topic" else None
    result = SearchResult("...", "en", Intent(label, kind, confidence), topic, known, outcome, ())
    return judge(result, Thresholds(), static=STATIC)


@pytest.mark.parametrize("outcome", ["sure", "unsure", "lost"])
def test_a_question_is_understood_when_there_is_something_to_offer(outcome: Outcome) -> None:
    for label, kind in (("delivery_time", "topic"), ("account", "static")):
        careline = judged(label, kind, outcome=outcome)
        assert careline["understood"] is (outcome != "lost")
        assert careline["outcome"] == outcome
        assert careline["intent"] == ("ask" if kind == "topic" else label)


def test_a_static_intent_needs_no_answer_but_must_be_in_scope() -> None:
    assert judged("greeting")["understood"] is True
    assert judged("greeting", known=0.1)["understood"] is False


def test_what_is_recognised_as_none_of_our_business_is_understood() -> None:
    careline = judged("out_of_scope", known=0.01)
    assert (careline["intent"], careline["understood"]) == ("out_of_scope", True)
    assert judged("out_of_scope", known=0.01, confidence=0.5)["understood"] is False


def test_a_guess_is_asked_as_a_question() -> None:
    assert judged("greeting", confidence=0.2, outcome="sure")["intent"] == "ask"
    assert judged("greeting", confidence=0.2)["understood"] is False


def test_a_help_desks_tag_with_the_name_of_a_static_intent_leads_to_the_same_flow() -> None:
    careline = judged("order_status", "topic")
    assert (careline["intent"], careline["topic"], careline["understood"]) == ("order_status", None, True)


def test_a_message_without_words_is_not_understood() -> None:
    result = SearchResult("👍", "en", None, None, 0.0, "lost", ())
    assert judge(result, Thresholds(), static=STATIC)["understood"] is False


def found(*hits: tuple[str, float], outcome: Outcome = "sure") -> SearchResult:
    rows = tuple(Hit(Answer(key, key, "en"), probability, {}, (), None) for key, probability in hits)
    return SearchResult("...", "en", None, None, 0.9, outcome, rows)


def test_several_requests_that_are_sure_make_the_message_sure() -> None:
    whole = {"intent": "ask", "outcome": "unsure", "understood": False}
    both = combined(whole, ["a?", "b?"], [found(("a", 0.9), ("b", 0.2), ("c", 0.1)), found(("b", 0.8))])
    assert (both["outcome"], both["understood"]) == ("sure", True)
    assert both["requests"] == [
        {"text": "a?", "hits": [{"id": "a", "score": 0.9}, {"id": "b", "score": 0.2}]},
        {"text": "b?", "hits": [{"id": "b", "score": 0.8}]},
    ]


def test_requests_with_one_answer_leave_the_message_whole() -> None:
    whole = {"intent": "ask", "outcome": "sure"}
    same = [found(("a", 0.9)), found(("a", 0.8))]
    near = [found(("a", 0.9)), found(("a", 0.3), outcome="unsure")]
    none = [found(outcome="lost"), found(("b", 0.3), outcome="unsure")]
    for results in (same, near, none):
        assert combined(whole, ["a?", "b?"], results) == whole
    assert combined(whole, ["a?", "how long does it take?"], [found(("a", 0.9)), found(outcome="lost")]) == whole


def test_a_request_without_a_sure_answer_is_not_passed_over() -> None:
    whole = {"intent": "ask", "outcome": "sure"}
    unsure = combined(whole, ["a?", "b?"], [found(("a", 0.9)), found(("b", 0.3), ("c", 0.2), outcome="unsure")])
    assert unsure["requests"] == [{"text": "a?", "hits": [{"id": "a", "score": 0.9}]}]
    assert unsure["open"] == [{"text": "b?", "hits": [{"id": "b", "score": 0.3}, {"id": "c", "score": 0.2}]}]
    lost = combined(whole, ["a?", "b?"], [found(("a", 0.9)), found(("x", 0.01), outcome="lost")])
    assert lost["open"] == [{"text": "b?", "hits": []}]


def test_the_threshold_goes_along() -> None:
    assert judged("delivery_time", "topic", outcome="sure")["least"] == Thresholds().sure
