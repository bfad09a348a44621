"""Typing errors are read as the known word one error away."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from data.schema import Answer
from retrieval.index import Index
from retrieval.lexical import Lexical
from retrieval.match import Matcher, Query
from retrieval.spelling import Speller, one_error
from retrieval.testing import HashEncoder

KNOWN = {"account": 9, "password": 5, "order": 7, "older": 2, "shoe": 3, "phone": 4}


def frequencies(words: Collection[str]) -> dict[str, int]:
    return {word: KNOWN[word] for word in words if word in KNOWN}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("my acount", "my account"),
        ("my accounnt", "my account"),
        ("pasxword?", "password?"),
        ("psasword", "password"),
        ("oder", "order"),  # of two neighbours the more frequent
        ("shoes and phone", "shoes and phone"),
        ("iphone", "iphone"),
        ("with does will this", "with does will this"),
        ("order@acount.com www.acount.com acount/2 o'acount", "order@acount.com www.acount.com acount/2 o'acount"),
        ("acount7", "acount7"),
        ("帐户 acount", "帐户 account"),
        ("", ""),
        ("shoo", "shoe"),
        ("sho", "sho"),
        ("z" * 100_000, "z" * 100_000),
    ],
)
def test_corrections(written: str, read: str) -> None:
    assert Speller(frequencies).corrected(written) == read


def test_all_words_one_error_away() -> None:
    """Against the distance of Damerau and Levenshtein in its plain recursive form."""

    def distance(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        best = min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))
        if len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0]:
            best = min(best, distance(a[2:], b[2:]) + 1)
        return best

    assert {distance("word", other) for other in set(one_error("word"))} == {0, 1}
    assert {"wod", "wodr", "worda", "waord", "ward", "wor"} <= set(one_error("word"))


def test_frequencies_count_texts() -> None:
    lexical = Lexical.build(["return a shoe", "shoes, shoes!", "a refund"])
    assert lexical.frequencies(["shoe", "refund", "boot"]) == {"shoe": 2, "refund": 1}
    assert Lexical.build(["", ""]).frequencies(["shoe"]) == {}


def test_a_mistyped_question_finds_its_answer() -> None:
    encoder = HashEncoder()
    answers = [Answer("r", "A refund takes five days.", "en"), Answer("s", "We ship daily.", "en")]
    matcher = Matcher(Index.from_parts(answers, [], encoder), encoder)
    right, wrong = matcher.match([Query.of("the refund"), Query.of("the refnud")])
    assert right.words == wrong.words
    assert wrong.lexical == right.lexical > 0
    assert wrong.known_words < right.known_words  # whether a message is in scope is judged by what was written
