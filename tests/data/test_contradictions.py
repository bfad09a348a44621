"""Answers to one question with other numbers, days, prices, or a no for a yes, are listed; the newest wins."""

from __future__ import annotations

import pytest

from data.contradictions import find_contradictions, settle
from data.schema import Answer


def answer(id: str, text: str, when: float, *questions: str, language: str = "en", reusable: bool = True) -> Answer:
    return Answer(id, text, language, last_used=when, questions=questions, reusable=reusable)


@pytest.mark.parametrize(
    ("old", "new", "values"),
    [
        ("We refund within 5 days of the return.", "We refund within 14 days of the return.", ("14 day", "5 day")),
        ("We refund within five days of the return.", "We refund within 7 days of the return.", ("7 day", "5 day")),
        ("The rack costs 90 euros.", "The rack costs €120.", ("120 euro", "90 euro")),
        ("The store is open on Sunday.", "The store is open on Monday.", ("monday weekday", "sunday weekday")),
        ("You can return worn shoes.", "You cannot return worn shoes.", ("no", "yes")),
    ],
)
def test_contradictions_are_found(old: str, new: str, values: tuple[str, ...]) -> None:
    (found,) = find_contradictions([answer("old", old, 1.0, "what about it?"), answer("new", new, 2.0, "tell me more")])
    assert (found.answers, found.newest, found.values) == (("new", "old"), "new", values)


@pytest.mark.parametrize(
    ("old", "new", "values"),
    [
        ("退款一般3天到账。", "退款一般7天到账。", ("7 day", "3 day")),
        ("退款一般三天到账。", "退款一般7天到账。", ("7 day", "3 day")),
        ("门店周日营业。", "门店周一营业。", ("周一 weekday", "周日 weekday")),
        ("羽绒服可以机洗。", "羽绒服不可以机洗。", ("no", "yes")),
    ],
)
def test_contradictions_are_found_in_chinese(old: str, new: str, values: tuple[str, ...]) -> None:
    rows = [answer("old", old, 1.0, language="zh"), answer("new", new, 2.0, language="zh")]
    (found,) = find_contradictions(rows)
    assert (found.newest, found.values) == ("new", values)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("We refund within 5 days of the return.", "We refund within five days of the return."),
        ("退款一般三天到账。", "退款一般3天到账。"),
        ("Delivery takes 3 days.", "The warranty is 2 years."),
        ("You can pay by card.", "We do not ship to islands."),
        ("Delivery takes 3 days.", "Delivery takes 3 days and costs 5 euros."),
    ],
)
def test_what_does_not_contradict(left: str, right: str) -> None:
    assert (
        find_contradictions(
            [answer("a", left, 1.0, "same question here"), answer("b", right, 2.0, "same question here")]
        )
        == []
    )


def test_answers_in_other_words_meet_under_their_question() -> None:
    rows = [
        answer("a", "Delivery takes 3 days within the country.", 1.0, "Hello, how long is delivery?"),
        answer("b", "Delivery takes 6 days within the whole country.", 2.0, "how long is delivery"),
    ]
    (found,) = find_contradictions(rows)
    assert found.newest == "b"


def test_what_is_not_said_again_contradicts_nothing() -> None:
    rows = [answer("a", "It costs 5 euros.", 1.0, reusable=False), answer("b", "It costs 6 euros.", 2.0)]
    assert find_contradictions(rows) == []


def test_the_newest_wins_until_a_person_decides() -> None:
    rows = [answer("old", "Returns take 5 days.", 1.0), answer("new", "Returns take 9 days.", 2.0)]
    old, new = settle(rows, find_contradictions(rows))
    assert (old.reusable, old.superseded_by) == (False, "new")
    assert new == rows[1]
    assert [c.newest for c in find_contradictions([old, new])] == ["new"]  # a settled one stays listed
