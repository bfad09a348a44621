"""Addresses of many countries are found whole; directions, dates and quantities are none."""

from __future__ import annotations

import time

import faker
import pytest

from data.addresses import _HINT, _may_hold, addresses
from data.patterns import find_structured


def found(text: str) -> list[str]:
    return [text[s.start : s.end] for s in find_structured(text) if s.kind == "ADDRESS"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("I live at 12 High Street, Leeds LS1 4AP now", "12 High Street, Leeds LS1 4AP"),
        ("Ship it to Koskikatu 25, 00100 Helsinki.", "Koskikatu 25, 00100 Helsinki"),
        ("sie wohnt Lindenstraße 7a, 10115 Berlin", "Lindenstraße 7a, 10115 Berlin"),
        ("It is PSC 6293, Box 8158\nAPO AP 04336", "PSC 6293, Box 8158\nAPO AP 04336"),
        (
            "my address is Rua Igreja 25 Apt. 236\nBraga\nPortugal 30971",
            "Rua Igreja 25 Apt. 236\nBraga\nPortugal 30971",
        ),
        ("we meet at the corner of Dalbraut 99 and Hill Road", "the corner of Dalbraut 99 and Hill Road"),
        ("deliver to 90 rue de lyon please", "90 rue de lyon"),
        ("P.O. Box 77 is ours", "P.O. Box 77"),
        ("My zip code is 35350.", "35350"),
        ("请寄到杭州市余杭区文一西路969号3栋502室，谢谢", "杭州市余杭区文一西路969号3栋502室"),
        ("地址：上海市徐汇区翠湖苑12-3-501", "上海市徐汇区翠湖苑12-3-501"),
        ("我住在阳光花园8号楼2单元301", "阳光花园8号楼2单元301"),
    ],
)
def test_addresses_are_found_whole(text: str, address: str) -> None:
    assert found(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "Walk 2 blocks east on Forbes Avenue, towards Murray.",
        "In Spring 2024 we moved, during 1984 too",
        "I ordered 2 Garmin Forerunner 45 and 3 Merino Socks",
        "The 4 hour drive was fine, room 12 was not",
        "退货需要7天，运费12元，地址在哪里",
        "我在路上，5分钟到",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert found(text) == []


def test_long_lines_do_not_hang() -> None:
    started = time.process_time()
    for text in ("Aa " * 20000, "12 " * 20000 + "Street", "路" * 20000 + "5号", "1 A\n" * 10000):
        list(addresses(text))
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "locale", ["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "sv_SE", "pl_PL", "pt_BR"]
)
def test_the_quick_look_overlooks_nothing(locale: str) -> None:
    faker.Faker.seed(7)
    maker = faker.Faker(locale)
    for _ in range(150):
        text = f"please send it to {maker.address()}, thanks"
        assert not _HINT.search(text) or _may_hold(text), text
