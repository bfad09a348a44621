from __future__ import annotations

import pytest

from bot.mentions import detect_language, find_mentions, only_details


def found(text: str, **options: str) -> dict[str, str]:
    return {mention.kind: mention.value for mention in find_mentions(text, **options)}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("where is NT-104021?", "NT-104021"),
        ("order #1009 please", "1009"),
        ("nt104021", "NT104021"),
        ("订单48213到哪了", "48213"),
        ("it is 55210, thanks", "55210"),
    ],
)
def test_order_numbers_are_found_however_they_are_written(text: str, number: str) -> None:
    assert found(text)["order_number"] == number


@pytest.mark.parametrize("text", ["I bought it in 2023", "it costs 12.95", "three of them", "mail x1234@example.com"])
def test_years_prices_and_addresses_are_no_order_numbers(text: str) -> None:
    assert "order_number" not in found(text)


def test_when_it_was_asked_for_a_number_may_look_like_a_year_or_hold_blanks() -> None:
    assert found("2023", asked="order_number")["order_number"] == "2023"
    assert found("10 42 7", asked="order_number")["order_number"] == "10427"


def test_addresses_are_found_in_lower_case_with_their_place() -> None:
    text = "邮箱是Jane.Doe@Example.com。"
    mention = next(m for m in find_mentions(text) if m.kind == "email")
    assert mention.value == "jane.doe@example.com"
    assert text[mention.start : mention.end] == "Jane.Doe@Example.com"


@pytest.mark.parametrize(
    ("text", "before", "language"),
    [
        ("where is my order", None, "en"),
        ("where is my order", "zh", "en"),
        ("我的订单呢", "en", "zh"),
        ("ok", "zh", None),
        ("ok", "en", "en"),
        ("104021", "zh", None),
        ("jane@example.com", "zh", None),
        ("", None, None),
    ],
)
def test_a_language_changes_only_for_a_reason(text: str, before: str | None, language: str | None) -> None:
    rest = "" if "@" in text else text
    assert detect_language(rest, before) == language
    assert found(text, **({"language": before} if before else {})).get("language") == language


@pytest.mark.parametrize(
    "text", ["NT-104021", "my order number is NT-104021", "it's jane@example.com", "订单号是48213"]
)
def test_a_message_of_details_alone_is_recognised(text: str) -> None:
    assert only_details(text)


@pytest.mark.parametrize("text", ["where is NT-104021", "cancel 48213", "", "hello"])
def test_a_message_that_says_more_is_not(text: str) -> None:
    assert not only_details(text)


def test_an_address_abroad_does_not_change_the_language() -> None:
    def language(text: str, asked: str | None) -> list[str]:
        return [m.value for m in find_mentions(text, asked=asked, language="zh") if m.kind == "language"]

    assert language("12 Hill Road, London NW1 4AB", "new_address") == []
    assert language("寄到 12 Hill Road, London", "new_address") == ["zh"]
    assert language("can I talk to a person", "new_address") == ["en"]
    assert language("my 2 boots are too small", "return_reason") == ["en"]


@pytest.mark.parametrize(
    "text",
    [
        "not 104035, 104036", "it is 104036, not 104035", "no, not order 104035 but 104036",
        "不是104035，是104036", "是104036，不是104035", "不对，104035错了，是104036",
    ],
)  # fmt: skip
def test_the_order_that_is_meant_stands_first(text: str) -> None:
    numbers = [m.value for m in find_mentions(text) if m.kind == "order_number"]
    assert numbers == ["104036", "104035"]
