"""Names in free prose are found by what stands in and beside them; products, towns and streets are not names."""

from __future__ import annotations

import time

import pytest

from data.lexicon import lexicon
from data.names import NameFinder
from data.prose import ProseNames
from data.redact import Redactor
from data.schema import Conversation, Message

PROSE = ProseNames()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I spoke with Laura Carvalho yesterday", ["Laura Carvalho"]),
        ("The parcel was signed by Oskar", ["Oskar"]),
        ("Please change it to Bekbolat Musliyevich", ["Bekbolat Musliyevich"]),
        ("It is under my partner's name John A. Leiva", ["John A. Leiva"]),
        ("Kónya and Becker founded it", ["Kónya", "Becker"]),
        ("don't go to town, Roy!", ["Roy"]),
        ("everyone calls me oskar", ["oskar"]),
        ("June Dickerson has paid", ["June Dickerson"]),
        ("says Hannah McConnan in a mail", ["Hannah McConnan"]),
        ("the account of eva larsen is locked", ["eva larsen"]),
        ("Order for Anna: was Anna's Garmin sent?", ["Anna", "Anna"]),
    ],
)
def test_people_are_found(text: str, names: list[str]) -> None:
    assert list(PROSE.find(text)) == names


@pytest.mark.parametrize(
    "text",
    [
        "Thanks so much! Where is my order? I need it on Monday.",
        "Does the Thermal Jacket fit into the Big Bag?",
        "Do you deliver to Norway or New York?",
        "I booked a hotel in San Francisco",
        "The Lucid Technologies office is closed",
        "OK. Yes, please. Can I pay with Visa or Mastercard?",
        "WHAT ??? I DON'T KNOW WHAT TO PRESS NEXT!!!",
        "In May I will be there, and in August too",
        "",
    ],
)
def test_what_is_written_large_and_is_nobody(text: str) -> None:
    assert list(PROSE.find(text)) == []


def test_a_log_tells_its_own_streets_and_products_from_names() -> None:
    told = "Our shop is at the corner with Murray and sells Sunny lamps."
    log = [Conversation(f"c{i}", (Message("customer", "where?"), Message("agent", told))) for i in range(12)]
    named = [
        Conversation(f"n{i}", (Message("customer", "My name is Alexis."), Message("agent", "I see, Alexis is a guest")))
        for i in range(12)
    ]
    redactor = Redactor.of(log + named)
    assert redactor.redact(log[0]).messages[1].text == told
    assert redactor.redact(named[0]).messages[1].text == "I see, <NAME_1> is a guest"


def test_names_from_prose_count_with_a_capital_only() -> None:
    log = [Conversation("c", (Message("customer", "I met Norton there"), Message("agent", "norton is a program")))]
    assert Redactor.of(log).redact(log[0]).messages[1].text == "norton is a program"


def test_odd_capitals_are_replaced_as_written() -> None:
    assert [found[:2] for found in NameFinder(["Ann McConnan"]).find("so McConnan, MCCONNAN")] == [(3, 11), (13, 21)]


def test_the_lexicon_holds_what_the_rules_rely_on() -> None:
    known = lexicon()
    assert {"anna", "oskar", "maciej"} <= known.first
    assert {"smith", "novák"} <= known.last
    assert {"norway", "france"} <= known.lands <= known.places
    assert not any(ord(c) >= 0x2E80 for word in known.first for c in word)


@pytest.mark.parametrize(
    "piece", ["a b ", "Aa ", "1", "12 ", "Anna Berg, ", "a@", "王小", "1 Aa\n", "a.", "12 Street ", "password "]
)
def test_long_lines_cost_no_more_than_their_length(piece: str) -> None:
    """A quadratic rule would take minutes for these hundred thousand characters; seconds are the tagger's."""
    redactor = Redactor.of([])
    started = time.process_time()
    redactor.redact(Conversation("c", (Message("customer", piece * (100_000 // len(piece))),)))
    assert time.process_time() - started < 15
