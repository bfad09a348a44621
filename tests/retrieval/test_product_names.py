"""Products that a message names."""

from __future__ import annotations

import random

import pytest

from retrieval.product_names import ProductNames, folded

NAMES = ProductNames(
    [
        "Polaris 2 tent", "Polaris 3 tent", "Solo Ridge tent", "Kestrel 0 sleeping bag", "Kestrel -8 sleeping bag",
        "Swift summer sleeping bag", "Glint 400 headlamp", "Glint Mini headlamp", "Whistle integrated stove", "Aspen",
        "北极星双人帐篷", "北极星三人帐篷", "细雨轻量雨衣", "余烬羽绒服",
    ]
)  # fmt: skip


def named(text: str) -> list[str]:
    return [found.name for found in NAMES.find(text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("is the Polaris 2 waterproof?", ["Polaris 2 tent"]),
        ("POLARIS 3 TENTS", ["Polaris 3 tent"]),
        ("the polaris tent", []),
        ("the tent for 2", []),
        ("my glint mini's battery", ["Glint Mini headlamp"]),
        ("a glint 400 and a kestrel -8", ["Glint 400 headlamp", "Kestrel -8 sleeping bag"]),
        ("my wistle stove", ["Whistle integrated stove"]),
        ("a swift answer", []),
        ("swift sleeping bag or kestrel 0?", ["Swift summer sleeping bag", "Kestrel 0 sleeping bag"]),
        ("an ugly bag", []),
        ("北极星三人帐篷的杆断了", ["北极星三人帐篷"]),
        ("北极星帐篷", []),
        ("细雨雨衣透气吗", ["细雨轻量雨衣"]),
        ("外面下着细雨", []),
        ("羽绒服", []),
        ("", []),
    ],
)
def test_a_name_counts_where_it_can_be_no_other(text: str, wanted: list[str]) -> None:
    assert named(text) == wanted


def test_every_name_is_found_whole_and_at_its_place() -> None:
    for name in NAMES.names:
        if name == "Aspen":
            continue  # five letters alone might be anything
        text = f"what about {name} then" if name.isascii() else f"请问{name}怎么样"
        (found,) = NAMES.find(text)
        assert (found.name, text[found.start : found.end]) == (name, name)


def test_a_shop_without_products_has_none() -> None:
    assert ProductNames([]).find("Polaris 2 tent") == []
    assert ProductNames(["", "  "]).names == ()


def test_plurals_fold() -> None:
    assert [folded(word) for word in ("Boots", "boxes", "dress", "tent's", "bus")] == [
        "boot",
        "box",
        "dress",
        "tent",
        "bus",
    ]


def test_a_big_catalogue_stays_quick() -> None:
    import time

    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnop", k=8)) for _ in range(3000)]
    names = ProductNames(" ".join(draw.sample(words, 3)) for _ in range(10_000))
    started = time.perf_counter()
    for _ in range(20):
        names.find(
            "I would like to know whether the jacket that I ordered yesterday is waterproof and how it is washed"
        )
    assert (time.perf_counter() - started) / 20 < 0.05
