from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.gateway.summary import collected, extract, summary_of
from bot.state.entry import Entry


def test_what_says_most_is_kept_in_order() -> None:
    texts = ["hello", "My parcel 48213 has not arrived since Monday. It was a gift!", "ok", "where is it?", "hm"]
    sentences = extract(texts)
    assert sentences[0] == "My parcel 48213 has not arrived since Monday."
    assert "It was a gift!" in sentences
    assert "ok" not in sentences


def test_chinese_is_cut_at_its_own_signs() -> None:
    assert extract(["您好。帐篷的拉链坏了，想换一条新的！谢谢"], limit=1) == ["帐篷的拉链坏了，想换一条新的！"]


@given(st.lists(st.text(max_size=300), max_size=12))
def test_every_sentence_is_the_customers_own(texts: list[str]) -> None:
    sentences = extract(texts)
    assert len(sentences) <= 3
    assert all(any(sentence in text for text in texts) for sentence in sentences)


def test_slots_are_those_of_the_last_turn_and_none_that_are_inner_matters() -> None:
    first = Entry(1, "turn", 0.0, data={"state": {"slots": {"order_number": "1", "email": "a@b.example"}}})
    last = Entry(2, "unsaid", 0.0, data={"state": {"slots": {"order_number": "2", "email": None, "lost": 1}}})
    assert collected([first, last]) == {"order_number": "2"}


def test_nothing_said_is_no_summary() -> None:
    assert summary_of([Entry(1, "state", 0.0, data={"reason": "asked"})]) is None
