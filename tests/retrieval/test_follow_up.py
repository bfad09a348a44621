"""Short follow-ups are read a second time with the question they lean on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.schema import Answer, Example, Role
from retrieval.follow_up import LEAST, blend, joined, leans
from retrieval.index import Index
from retrieval.match import Matcher, Query
from retrieval.search import Searcher
from retrieval.testing import HashEncoder

TALK: list[tuple[Role, str]] = [
    ("customer", "How do I return my boots?"),
    ("agent", "Register it under your account."),
    ("customer", "and what does it cost?"),
    ("agent", "It is free."),
]


@pytest.mark.parametrize(
    "text",
    [
        "and how long does that take?",
        "and for shoes?",
        "how long?",
        "那退货呢？",
        "要多久？",
        "what about it?",
        "它防水吗？",
    ],
)
def test_what_leans_on_the_talk(text: str) -> None:
    assert leans(text)
    assert joined(text, TALK) == f"{text} How do I return my boots?"


@pytest.mark.parametrize(
    "text",
    [
        "Which of your waterproof hiking boots fit wide feet best in winter?",
        "我上周买的帐篷拉链坏了怎么申请保修",
        "12345",
        "👍",
        "",
    ],
)
def test_what_stands_alone_is_read_once(text: str) -> None:
    assert joined(text, TALK) is None


def test_nothing_asked_before_is_nothing_to_join() -> None:
    assert joined("and for shoes?", []) is None
    assert joined("and for shoes?", [("agent", "Hello!")]) is None
    assert joined("how long?", [("customer", "and for shoes?")]) == "how long? and for shoes?"


def test_blend_by_hand() -> None:
    rows, others = np.array([3, 5]), np.array([5, 9])
    got = blend(rows, np.array([0.6, 0.3]), others, np.array([0.9, 0.1]), share=0.5)
    by_hand = np.sqrt([0.6 * LEAST, 0.3 * 0.9])
    np.testing.assert_allclose(got, np.minimum(0.999, by_hand * 0.9 / by_hand.sum()))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0, 1))
def test_a_blend_is_a_probability_and_one_with_itself_is_itself(values: list[float], share: float) -> None:
    probability = np.clip(np.array(values), LEAST, 0.999)
    rows = np.arange(len(values))
    got = blend(rows, probability, rows, probability, share=share)
    np.testing.assert_allclose(got, probability, atol=1e-9)
    assert blend(rows[:0], probability[:0], rows, probability).shape == (0,)


def test_search_finds_the_answer_of_the_matter_that_was_asked_about_before() -> None:
    said = {
        "boots": ("How do I return my boots?", "Register the return of the boots under your account."),
        "refund": ("How long does the refund of a return take?", "A refund takes five days after a return."),
        "repair": ("How long does a repair take?", "A repair takes two weeks."),
        "delivery": ("How long does delivery take?", "Delivery takes four days."),
    }
    answers = [Answer(key, text, "en") for key, (_, text) in said.items()]
    examples = [Example(key, 1, question, key, "train", "en") for key, (question, _) in said.items()]
    encoder = HashEncoder(dim=128)
    searcher = Searcher(Matcher(Index.from_parts(answers, examples, encoder), encoder))
    turns: list[tuple[Role, str]] = [("customer", "Can you repair my tent?"), ("agent", "Yes, we can.")]
    text = "and how long does it take?"
    (match,) = searcher.matcher.match([Query.of(text, turns=turns)])
    once, twice = searcher.result(match), searcher.search(text, turns=turns)
    assert once.hits[0].id == twice.hits[0].id == "repair"
    assert twice.hits[0].probability > once.hits[0].probability
