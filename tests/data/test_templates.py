"""Wordings that differ in a span or two are one template with named slots; other texts are not."""

from __future__ import annotations

import pytest

from data.templates import Template, find_families, find_template, template_key


@pytest.mark.parametrize(
    ("wordings", "text", "slots"),
    [
        (
            {"Your order <ORDER_1> ships on Monday.": 3, "Your order <ORDER_2> ships on Friday.": 2},
            "Your order {order} ships on {day}.",
            ("order", "day"),
        ),
        (
            {"The ride costs 20 dollars today.": 2, "The ride costs 35 dollars today.": 1},
            "The ride costs {number} dollars today.",
            ("number",),
        ),
        (
            {"It opens at 9:00 and closes at 18:00.": 2, "It opens at 10:00 and closes at 19:00.": 2},
            "It opens at {time} and closes at {time_2}.",
            ("time", "time_2"),
        ),
        ({"Your code is <NUMBER_1>, it works once.": 4}, "Your code is {number}, it works once.", ("number",)),
        (
            {"您的订单<ORDER_1>预计3天送达。": 2, "您的订单<ORDER_2>预计5天送达。": 1},
            "您的订单{order}预计{number}天送达。",
            ("order", "number"),
        ),
        (
            {"The Hilton is open again.": 2, "The Marriott is open again.": 2, "The Ritz is open again.": 1},
            "The {name} is open again.",
            ("name",),
        ),
    ],
)
def test_templates_are_recovered(wordings: dict[str, int], text: str, slots: tuple[str, ...]) -> None:
    found = find_template(wordings)
    assert found is not None
    assert (found.text, found.slots, found.share) == (text, slots, 1.0)


@pytest.mark.parametrize(
    "wordings",
    [
        {},
        {"Delivery takes three days.": 5},
        {"Delivery takes three days.": 5, "We are closed on Sunday and on public holidays.": 5},
        {"5 euros": 1, "6 euros": 1},
        {"您好": 1, "再见": 1},
    ],
)
def test_other_wordings_are_no_template(wordings: dict[str, int]) -> None:
    assert find_template(wordings) is None


def test_a_stray_wording_is_left_out_of_the_share() -> None:
    found = find_template({"The fee is 5 euros a day.": 6, "The fee is 7 euros a day.": 2, "No idea, I must ask.": 2})
    assert found is not None
    assert found.share == 0.8


def test_values_are_read_back_from_a_text() -> None:
    template = Template("Your order {order} ships on {date}.", ("order", "date"), 1.0)
    assert template.values("Your order NT-1 ships on 3 May.") == {"order": "NT-1", "date": "3 May"}
    assert template.values("Your order has left us.") is None


def test_families_join_answers_that_differ_in_numbers_only() -> None:
    texts = [(f"The balance is {n} euros in total.", 1) for n in (12, 34, 99)]
    texts += [("余额一共是12元整。", 2), ("余额一共是88元整。", 1), ("We ship on weekdays.", 4)]
    families = {template.text: members for template, members in find_families(texts)}
    assert set(families) == {"The balance is {number} euros in total.", "余额一共是{number}元整。"}
    assert len(families["The balance is {number} euros in total."]) == 3


def test_keys_keep_what_is_no_number() -> None:
    assert template_key("It costs 5 euros on Monday.") == template_key("It costs 12 euros on Friday.")
    assert template_key("It costs 5 euros.") != template_key("It weighs 5 kilos.")
