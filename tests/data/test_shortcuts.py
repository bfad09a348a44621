"""The short looks that spare a text the long search never hide what that would find."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from data import addresses, names, prose
from data.lexicon import lexicon
from data.readers import open_log

ROOT = Path(__file__).resolve().parents[2]
PIECES = (  # noqa: SIM905 - a list would fill the page
    "Anna Berg Dr. Li O'Brien hello thanks, my name is bo Ul. Av. St Rd 5 12 road Way C/ An der SW1 2AB apt zip Box "
    "live lives corner of arrived at office is side of post code 邮编 AA 34 Anna's I'm US-Bob The2 June van Dear . , ! "
    "- \n ' moved @x /X'Al A. speaking here customer_name= iPhone Will"
).split(" ")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    log = open_log(ROOT / "data" / "samples" / "shop.jsonl")
    said = [message.text for _, conversation in zip(range(60), log, strict=False) for message in conversation.messages]
    draw = random.Random(7)
    made = [" ".join(draw.choices(PIECES, k=draw.randint(1, 7))) for _ in range(3000)]
    return [*said, *made, *(text.replace(" ", "") for text in made[:1500])]


def test_names_and_addresses_pass_the_short_looks(texts: list[str]) -> None:
    known, finder = lexicon(), prose.ProseNames()
    found = [0, 0, 0]
    for text in texts:
        if names._CUE.search(text) and list(names._named_in_latin(text)):
            found[0] += 1
            assert names._may_hold_name(text), text
        if list(finder._in_runs(text, known)):
            found[1] += 1
            assert finder._may_hold(text, known), text
        if addresses._HINT.search(text) and any(c.isdigit() for c in text):
            found[2] += 1
            assert addresses._may_hold(text), text
    assert min(found) > 50


def test_names_are_found_as_one_expression_of_all_their_forms_finds_them(texts: list[str]) -> None:
    finder = names.NameFinder(["Anna Berg", "Li", "bo", "Will", "O'Brien", "X'Al"], ["Li"])
    forms = sorted(finder._forms, key=len, reverse=True)
    letter = names._LETTER.pattern
    whole = re.compile(rf"(?<!{letter})(?:{'|'.join(map(re.escape, forms))})(?!{letter})")
    for text in texts:
        assert [(start, end) for start, end, _ in finder.find(text)] == [m.span() for m in whole.finditer(text)], text


def test_a_chinese_surname_alone_needs_a_title_and_a_full_name_none() -> None:
    finder = names.NameFinder(["王", "王小明"])
    assert [span[:2] for span in finder.find("王先生和王小明，王牌")] == [(0, 1), (4, 7)]
