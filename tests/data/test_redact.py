"""Planted personal data never survives; what the shop tells everybody stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.names import author_names, spoken_names
from data.national_ids import is_resident_id
from data.patterns import find_structured, is_iban, is_luhn
from data.redact import Redactor
from data.schema import Conversation, Message

DIGITS = "0123456789"
FRAMES = (
    "{}",
    "It is {}.",
    "hi, please use {} thanks",
    "You can reach me at {}, ok?",
    "我的是{}，谢谢",
    "請用{}",
    "({}) or later",
)


def said(*texts: str, author: str | None = None) -> Conversation:
    return Conversation(
        "c1",
        tuple(
            Message("customer" if i % 2 == 0 else "agent", t, author=author if i % 2 == 0 else None)
            for i, t in enumerate(texts)
        ),
    )


def redacted(*texts: str, author: str | None = None, keep: tuple[str, ...] = ()) -> list[str]:
    log = [said(*texts, author=author)]
    return [m.text for m in Redactor.of(log, keep=keep).redact(log[0]).messages]


def luhn_completed(body: str) -> str:
    return next(body + d for d in DIGITS if is_luhn(body + d))


def iban_completed(body: str) -> str:
    return next(f"DE{check:02d}{body}" for check in range(2, 99) if is_iban(f"DE{check:02d}{body}"))


def resident_completed(body: str) -> str:
    return next(body + d for d in "0123456789X" if is_resident_id(body + d))


def spaced(value: str, every: int, mark: str) -> str:
    return mark.join(value[i : i + every] for i in range(0, len(value), every))


LETTERS = "abcdefghijklmnopqrstuvwxyz"
EMAILS = st.builds(
    "{}.{}@{}.{}".format,
    st.text(LETTERS, min_size=2, max_size=8),
    st.text(LETTERS + DIGITS, min_size=1, max_size=6),
    st.text(LETTERS, min_size=2, max_size=10),
    st.sampled_from(["com", "co.uk", "de", "cn"]),
)
MOBILES = st.builds("1{}{}".format, st.sampled_from("3456789"), st.text(DIGITS, min_size=9, max_size=9))
INTERNATIONAL = st.builds(
    "+44 7{} {}".format, st.text(DIGITS, min_size=3, max_size=3), st.text(DIGITS, min_size=6, max_size=6)
)
CARDS = st.builds(
    lambda body, mark: spaced(luhn_completed("4" + body), 4, mark),
    st.text(DIGITS, min_size=14, max_size=14),
    st.sampled_from(["", " ", "-"]),
)
IBANS = st.builds(
    lambda body, mark: spaced(iban_completed(body), 4, mark),
    st.text(DIGITS, min_size=18, max_size=18),
    st.sampled_from(["", " "]),
)
RESIDENTS = st.builds(
    lambda place, year, serial: resident_completed(f"{place}{year}0{serial}"),
    st.sampled_from(["110105", "440301"]),
    st.integers(1950, 2009),
    st.sampled_from(["112123", "930001", "228999"]),
)
ADDRESSES = st.builds(
    "{}.{}.{}.{}".format, st.integers(11, 255), st.integers(0, 255), st.integers(0, 255), st.integers(1, 255)
)
ORDERS = st.builds("order no. NT-{}".format, st.text(DIGITS, min_size=5, max_size=7))


KINDS = {
    "email": EMAILS,
    "mobile": MOBILES,
    "international": INTERNATIONAL,
    "card": CARDS,
    "iban": IBANS,
    "resident": RESIDENTS,
    "address": ADDRESSES,
    "order": ORDERS,
}
OTHERS = st.lists(
    st.sampled_from(["ok", "Thanks!", "A size 42 please.", "请稍等", "It costs 59.90 euros."]), max_size=3
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_planted_values_never_survive(kind: str, data: st.DataObject) -> None:
    value, frame, others = data.draw(KINDS[kind]), data.draw(st.sampled_from(FRAMES)), data.draw(OTHERS)
    texts = redacted(frame.format(value), *others, frame.format(value))
    secret = re.sub(r"\D", "", value) if not any(c.isalpha() for c in value) else value.removeprefix("order no. ")
    joined = " ".join(texts)
    assert secret not in joined
    assert secret not in re.sub(r"[^\w]", "", re.sub(r"<[A-Z]+_\d+>", "", joined))
    assert re.search(r"<[A-Z]+_1>", joined)


FIRST = st.sampled_from(["Anna", "Oscar", "Priya", "Mei", "Sébastien", "Jonas"])
LAST = st.sampled_from(["Vogel", "Okafor", "Lindqvist", "Tanaka", "Clarke"])


INTRODUCED = (
    "Hi {f}, how can I help?",
    "My name is {f} {l}.",
    "Kind regards, {f} {l}",
    "Thanks, {f}!",
    "Dear Mr. {l}, sorry.",
    "This is {f} {l} speaking",
)


@settings(max_examples=60, deadline=None)
@given(first=FIRST, last=LAST, frame=st.sampled_from(INTRODUCED))
def test_introduced_names_go_everywhere(first: str, last: str, frame: str) -> None:
    name = last if "{f}" not in frame else first
    texts = redacted(frame.format(f=first, l=last), "ok", f"I said it: {name} has paid.")
    assert name not in " ".join(texts)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("你好，我叫王小明，想退货", "王小明"),
        ("您好，我是客服小林，很高兴为您服务", "小林"),
        ("收件人：欧阳娜娜", "欧阳娜娜"),
        ("张先生您好", "张先生"),
    ],
)
def test_chinese_names(text: str, name: str) -> None:
    assert name not in redacted(text)[0]


def test_a_surname_that_is_a_word_is_a_name_only_before_a_title() -> None:
    first, _, third = redacted("高先生您好", "好", "价格太高了")
    assert first == "<NAME_1>先生您好"
    assert third == "价格太高了"


def test_authors_are_names_and_ids_are_not() -> None:
    assert author_names("Anna Berg") == {"Anna Berg", "Anna", "Berg"}
    for author in ("agent", "Support Team", "user-123", "a@b.com", "客服", None):
        assert author_names(author) == set()
    assert redacted("ask berg", "ok", author="Anna Berg")[0] == "ask <NAME_1>"


@pytest.mark.parametrize(
    "text", ["Thanks so much!", "I'm sorry to hear that", "Hi there, how are you?", "OK, I'll wait.", "Hello Team,"]
)
def test_courtesies_hold_no_names(text: str) -> None:
    assert spoken_names(text) == set()


def test_placeholders_are_stable_and_typed_within_a_conversation() -> None:
    texts = redacted("order NT-58213, mail a.b@c.de", "NT-58213?", "yes #NT58213 and +44 7700 900175", "07700900175 ok")
    assert texts == [
        "order <ORDER_1>, mail <EMAIL_1>",
        "<ORDER_1>?",
        "yes <ORDER_1> and <PHONE_1>",
        "<PHONE_1> ok",
    ]


def test_what_agents_tell_everybody_stays() -> None:
    told = "Write to help@shop.example or call +44 1632 960120."
    asked = (Message("customer", "How do I reach you?"), Message("agent", told))
    log = [Conversation(f"c{i}", asked) for i in range(3)]
    log.append(said("mine is anna@mail.example", "Thanks, noted anna@mail.example."))
    redactor = Redactor.of(log)
    assert redactor.redact(log[0]).messages[1].text == log[0].messages[1].text
    assert [m.text for m in redactor.redact(log[3]).messages] == ["mine is <EMAIL_1>", "Thanks, noted <EMAIL_1>."]


def test_settings_can_keep_values() -> None:
    assert redacted("call 020 7946 0050", keep=("+44 20 7946 0050",)) == ["call 020 7946 0050"]
    assert redacted("Hi Anna,", "ok", keep=("anna",)) == ["Hi Anna,", "ok"]


@pytest.mark.parametrize(
    "text",
    [
        "Open 10:00-18:00, from 2024-05-13 till 13.06.2025",
        "It costs $120000 or 1000000 km",
        "iOS 11.1.2, version 10.0.0.1, size 42-44",
        "Walk 2 blocks east on Forbes Avenue, towards Murray.",
        "within 30 days, 3 of 12 pieces, 55 x 40 x 20 cm",
        "退货需要7天，运费12元，满199元包邮",
    ],
)
def test_what_looks_like_data_but_is_none(text: str) -> None:
    assert find_structured(text) == []


def test_authors_and_telling_ids_are_taken_out() -> None:
    log = [Conversation("+44 7700 900175", (Message("customer", "hi", author="Anna"), Message("agent", "hello")))]
    out = Redactor.of(log).redact(log[0])
    assert "7700" not in out.id
    assert out.messages[0].author is None


def test_an_answer_to_the_question_for_a_name_is_one() -> None:
    texts = redacted("hello", "Could I get your name, please?", "alexis wong", "Thanks! So alexis, it is booked.")
    assert "alexis" not in " ".join(texts).lower()
    assert redacted("hello", "What is your name?", "why?", "why not")[2:] == ["why?", "why not"]
    assert redacted("您好", "请问您怎么称呼？", "王小明", "好的")[2] == "<NAME_1>"
