"""The demo shop's help pages and catalogue do not contradict its log; the reference page tells the code's limits."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from data.articles import chunks, folder, pdf
from data.articles.intake import read_source
from data.articles.options import Options
from data.articles.tables import PRODUCT_FIELDS, QUESTION_FIELDS
from data.samples.people import read_items
from data.samples.phrasebook import FOLDER, read_topics

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "article-formats.md").read_text(encoding="utf-8")


def test_prices_and_names_are_those_of_the_shop() -> None:
    items = {item.name: item for item in read_items()}
    with (FOLDER / "catalogue.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            item = items[row["title"]]
            assert (row["name_zh"], row["price_en"]) == (item.name_zh, f"{item.price:g} EUR")
    made = read_source(FOLDER / "catalogue.csv", Options("catalogue"))
    assert not made.left_out
    assert {answer.language for answer in made.answers} == {"en", "zh"}
    assert not any("€" in answer.text for answer in made.answers if answer.language == "zh")


@pytest.mark.parametrize(
    ("language", "part", "question"),
    [
        ("en", "delivery_time.standard", "How long does delivery take?"),
        ("en", "delivery_cost.standard", "Delivery charges by service?"),
        ("en", "delivery_cost.express_cost", "Delivery charges by service?"),
        ("en", "delivery_cost.bulky", "Delivery charges by service?"),
        ("en", "delivery_cost.click_collect", "Delivery charges by service?"),
        ("en", "international_shipping.countries", "Which countries do you deliver to?"),
        ("en", "international_shipping.norway_swiss_uk", "Which countries do you deliver to?"),
        ("en", "tent_choice.waterproof", "Why is my tent wet inside in the morning?"),
        ("en", "tent_choice.pitching", "How long does pitching take?"),
        ("zh", "delivery_time.standard", "普通快递多久能到？"),
        ("zh", "delivery_cost.standard", "运费一览？"),
        ("zh", "delivery_time.pickup", "快递可以放驿站吗？"),
    ],
)
def test_help_pages_state_the_facts_of_the_log(language: str, part: str, question: str) -> None:
    made = read_source(FOLDER / "help", Options("help"))
    text = next(answer.text for answer in made.answers if question in answer.questions)
    facts = next(p.lines["="] for topic in read_topics(language) for p in topic.parts if p.key == part)
    assert facts
    assert all(re.search(fact, text) for fact in facts), (facts, text)


def test_the_reference_page_names_limits_endings_and_fields() -> None:
    for number in (
        f"{chunks.MOST_CHARACTERS:,} characters",
        f"{pdf.MOST_PAGES:,} pages",
        f"{folder.MOST_FILES:,} files",
    ):
        assert number in PAGE
    for size in folder.LARGEST.values():
        assert f"{size // folder.MEGABYTE:,} MB" in PAGE
    for ending in folder.READ:
        assert f"`{ending}`" in PAGE
    for name in {*QUESTION_FIELDS, *PRODUCT_FIELDS} - {"name"}:
        assert f"`{name}`" in PAGE, name


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_of_the_reference_page_can_be_imported(tmp_path: Path, number: int) -> None:
    (tmp_path / "a.csv").write_text(re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)[number], encoding="utf-8")
    made = read_source(tmp_path / "a.csv", Options("x"))
    assert not made.left_out
    assert len(made.answers) == (1, 10)[number]
