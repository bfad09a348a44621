"""Texts become comparable: widths, stickers, cards, scripts, signatures, what machines wrote."""

from __future__ import annotations

import time

import pytest

from data.automatic import find_macros, is_automatic
from data.courtesy import is_small_talk, strip_courtesies, strip_signature
from data.dedupe import answer_key
from data.normalise import fold_chinese, normalise_text
from data.reuse import refusal_of


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("订单号：ＮＴ１０４２３３，谢谢！", "订单号：NT104233，谢谢！"),
        ("打８折　包邮（满９９元）", "打8折 包邮（满99元）"),
        ("好的[微笑][玫瑰]马上拍", "好的 马上拍"),
        ("[呲牙]", ""),
        ("收到/:^_^", "收到"),
        ("看这里 <img src='a.png' width=3> 坏了", "看这里 [图片] 坏了"),
        ("[商品链接]有货吗", "[商品]有货吗"),
        ("[圖片]", "[图片]"),
        ("Look [Smile] at [image]", "Look at [图片]"),
        ("see section [2] and [TODO]", "see section [2] and [TODO]"),
        ("请填写[姓名]", "请填写[姓名]"),
        ("plain text stays", "plain text stays"),
    ],
)
def test_widths_stickers_and_cards(text: str, clean: str) -> None:
    assert normalise_text(text) == clean
    assert normalise_text(clean) == clean


def test_scripts_are_folded_for_keys_only() -> None:
    assert fold_chinese("退貨請在七天內提出") == "退货请在七天内提出"
    assert answer_key("退貨請在七天內提出！") == answer_key("退货请在7天内提出。".replace("7", "七"))
    assert normalise_text("退貨請在七天內提出") == "退貨請在七天內提出"
    assert fold_chinese("plain") == "plain"
    assert is_small_talk("謝謝，辛苦了")


def test_numbers_beside_chinese_characters_are_tokens_of_their_own() -> None:
    assert answer_key("3天送达") == "3 天 送 达"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Please restart it. *HFG", "Please restart it."),
        ("Please restart it /KT", "Please restart it"),
        ("Please restart it. -JB", "Please restart it."),
        ("Please restart it! ~ Olly", "Please restart it!"),
        ("Please restart it. Natalie", "Please restart it."),
        ("It is open on Friday. Thanks", "It is open on Friday. Thanks"),
        ("Hold the rack.\nKind regards,\nEmma Quist\nNorthwind Trail", "Hold the rack."),
        ("Hold the rack.\n-- \nNorthwind Trail\nHarbour Street", "Hold the rack."),
        ("It is broken.\nSent from my iPhone", "It is broken."),
        ("东西坏了。\n发自我的iPhone", "东西坏了。"),
        ("Is it and/or", "Is it and/or"),
        ("Use the A-B", "Use the A-B"),
    ],
)
def test_signatures_are_taken_off(text: str, bare: str) -> None:
    assert strip_signature(text) == bare


@pytest.mark.parametrize(
    "text", ["\n" * 20000, " " * 20000 + "x", "\n-- \n" * 4000, "*A " * 9000, "thanks, " * 5000, "<img " * 9000]
)
def test_cleaning_is_linear_in_hostile_texts(text: str) -> None:
    started = time.process_time()
    strip_courtesies(text)
    normalise_text(text)
    refusal_of(text)
    assert time.process_time() - started < 2


def test_courtesies_and_signature_together() -> None:
    assert strip_courtesies("Hi there! Please restart the router. Hope that helps! /KT") == "Please restart the router."


@pytest.mark.parametrize(
    "text",
    [
        "I am out of office until Monday, with limited access to email.",
        "This is an automated message, please do not reply.",
        "Thank you, we have received your request and will answer soon.",
        "您好，这是自动回复，我们会在上班后联系您。",
        "系統提示：會話已結束",
    ],
)
def test_automatic_replies(text: str) -> None:
    assert is_automatic(text)
    assert refusal_of(text, support=50) is not None


@pytest.mark.parametrize(
    "text", ["The office is on the second floor.", "The doors close automatically at ten.", "门会自动关上。"]
)
def test_not_automatic(text: str) -> None:
    assert not is_automatic(text)


def test_macros_are_long_and_said_to_the_letter() -> None:
    long = "You can return everything within thirty days as long as the label is still on it."
    zh = "退货请在签收后七天内申请，包装要保持完整，不影响二次销售。"
    assert find_macros({long: 9, zh: 5, long + " Bye": 2, "Thank you very much!": 40}) == {long, zh}
