"""What is said to another customer claims no action, promises no money and names no one case; in both languages."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from data.reuse import CANNED, is_offensive, refusal, refusal_of
from tests.data.shards import groups_of

FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.mark.parametrize(
    "text",
    [
        "Standard delivery takes two to four working days.",
        "We refund within 5 working days of receiving the return.",
        "If it has not been opened, you can return it within 30 days.",
        "Please restart the router and wait two minutes.",
        "Could you try clearing the cache of your browser? That usually helps.",
        "You can change the delivery address until we have packed the order.",
        "We can only deliver within Europe, I'm afraid.",
        "Please don't share your card number in a public message.",
        "一般三到五天送达，偏远地区多两天。",
        "退貨請在收到商品後七天內提出，並保持包裝完整。",
        "如果收到的商品和描述不符，我们会全额退款。",
    ],
)
def test_what_can_be_said_again(text: str) -> None:
    assert refusal_of(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Your parcel <TRACKING_1> left us.", "holds personal data"),
        ("We can't reach you on 0712***5.", "holds personal data"),
        ("What is your order number, please?", "a question to the customer"),
        ("How many guests do you plan on having", "a question to the customer"),
        ("Please send me your order number and the colour.", "asks the customer for something"),
        ("You're welcome, have a lovely day!", "only courtesies"),
        ("We're sorry to hear that and hope to do better.", "only courtesies"),
        ("It depends.", "too short"),
        ("Start date and name", "too short"),
        ("I've cancelled the ticket and the money is on its way.", "says what somebody did"),
        ("We have passed your comments to the depot.", "says what somebody did"),
        ("A colleague will call you about the roof rack.", "says what somebody will do"),
        ("Let me check that with the warehouse before you order.", "says what somebody will do"),
        ("We will refund you the postage.", "about money for one customer"),
        ("As a goodwill gesture you get ten euros back.", "about money for one customer"),
        ("The ride will cost 20 dollars.", "about money for one customer"),
        ("The parcel arrives tomorrow at 5 pm.", "holds only at one moment"),
        ("As discussed, the lower rack fits better.", "about one customer's case"),
        ("Your order has left the warehouse.", "about one customer's case"),
        ("We have two rooms with a balcony available.", "was looked up for one customer"),
        ("You can read about the size chart here:", "points at a link that is missing, or is cut off"),
        ("If you want to mount the rack, check the screws, Brian.", "names somebody"),
        ("Lucca sells pizza and burgers to everyone there.", "said too rarely to be sure"),
        ("We only do when you purchase it from us.", "understood only with what it replies to"),
        ("Yes, you can do it in both of our stores.", "understood only with what it replies to"),
        ("我这就帮您催一下仓库，请放心。", "says what somebody will do"),
        ("已经帮您取消了，款项会原路退回。", "says what somebody did"),
        ("差价二十元会退给您。", "about money for one customer"),
        ("快递员明天上午把货送到。", "holds only at one moment"),
        ("請問您的訂單編號是多少？", "a question to the customer"),
        ("亲，您的包裹目前在杭州中转站。", "holds only at one moment"),
    ],
)
def test_what_cannot_be_said_again(text: str, why: str) -> None:
    assert refusal_of(text) == why


def test_chinese_sentences_of_our_own() -> None:
    """Rules were chosen on every second sentence; this asks all of them, so a change that loses ground shows."""
    with (FIXTURES / "reuse_zh.tsv").open(newline="", encoding="utf-8") as rows:
        judged = [(text, label == "1") for label, text in csv.reader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert len(judged) >= 120
    passed = [right for text, right in judged if refusal_of(text) is None]
    assert sum(passed) / len(passed) >= 0.94
    assert sum(passed) / sum(right for _, right in judged) >= 0.85


@pytest.mark.parametrize(
    "text",
    [
        "You must be stupid if you cannot read the manual.",
        "Those immigrants should stay away from our shop.",
        "We don't serve foreigners in this store, you know.",
        "外地人都这么没素质，别来买了。",
        "您有病吧，傻逼。",
    ],
)
def test_offensive_sentences_are_never_said_however_often(text: str) -> None:
    assert is_offensive(text)
    assert refusal_of(text, support=100) is not None


@pytest.mark.parametrize(
    "text",
    [
        "The Chinese restaurant next door serves until ten.",
        "Men's jackets run small, women's are true to size.",
        "Our knives are made of idiot-proof steel.",
        "女款的尺码偏小，建议选大一码。",
        "外国护照也可以登记入住。",
    ],
)
def test_plain_sentences_are_not_offensive(text: str) -> None:
    assert not is_offensive(text)


def test_what_agents_say_again_and_again_needs_less_doubt() -> None:
    text = "There is a car park behind the shop; the first hour costs nothing."
    assert refusal_of(text) is not None
    assert refusal_of(text, support=CANNED) is None
    assert refusal_of("I'll call you back this afternoon.", support=CANNED) is not None
    assert refusal_of("您稍等，我看一下系统。", support=CANNED) is not None


def test_countries_and_lists_of_things_are_nobody() -> None:
    for text in (
        "We deliver to all EU countries and to Norway, Switzerland and the UK. Parcels take 3 to 6 working days.",
        "Jackets, boots and packs come in women's and men's versions.",
    ):
        assert refusal_of(text, support=CANNED) is None
    for text in ("Give it to Martin, Petra is away.", "Jonas, boots come in two widths."):
        assert refusal_of(text, support=CANNED) == "names somebody"


def test_a_list_of_questions_and_answers_was_written_to_be_said_again() -> None:
    (group,) = groups_of("The gift card has a chip on its back side.")
    assert refusal(group) is not None
    assert refusal(group, listed=True) is None


def test_a_template_filled_with_data_is_held_back() -> None:
    (group,) = groups_of(*(f"The balance of the account is {i * 371} dollars." for i in range(6)), label="balance")
    assert refusal(group) == "a template filled with data"
