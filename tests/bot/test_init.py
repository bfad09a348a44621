"""`careline init`: settings from options or questions; existing ones are kept; bad answers write nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.control import Mode
from bot.init import ShopAnswers, make_workspace, parse_origin
from bot.settings import first_mode
from data.errors import InputError
from data.workspace import SETTINGS, find_workspace, read_settings


def test_options_become_settings(tmp_path: Path):
    answers = ShopAnswers(
        name="Berg & Tal",
        languages="en, zh",
        hours="Mon-Sat 10-18",
        email="hi@berg.example",
        origins=["https://berg.example/"],
    )
    make_workspace(tmp_path / "shop", answers, ask=None)
    settings = read_settings(tmp_path / "shop")
    assert settings.shop.name == "Berg & Tal"
    assert settings.shop.languages == ("en", "zh")
    assert settings.shop.handoff_email == "hi@berg.example"
    assert settings.web.origins == ("https://berg.example",)
    assert settings.services.orders == "none"


def test_questions_are_asked_for_what_options_left_open(tmp_path: Path):
    asked: list[str] = []

    def ask(question: str, default: str) -> str:
        asked.append(question)
        return default

    make_workspace(tmp_path / "tea-house", ShopAnswers(languages="zh"), ask=ask)
    assert len(asked) == 4
    assert read_settings(tmp_path / "tea-house").shop.name == "Tea House"
    assert find_workspace(str(tmp_path / "tea-house")).settings.shop.languages == ("zh",)


def test_settings_that_exist_are_kept_unless_forced(tmp_path: Path):
    make_workspace(tmp_path, ShopAnswers(name="First"), ask=None)
    before = (tmp_path / SETTINGS).read_bytes()
    with pytest.raises(InputError, match="--force"):
        make_workspace(tmp_path, ShopAnswers(name="Second"), ask=None)
    assert (tmp_path / SETTINGS).read_bytes() == before
    make_workspace(tmp_path, ShopAnswers(name="Second"), ask=None, force=True)
    assert read_settings(tmp_path).shop.name == "Second"


@pytest.mark.parametrize(
    "answers",
    [
        ShopAnswers(name="  "),
        ShopAnswers(languages="english"),
        ShopAnswers(languages=","),
        ShopAnswers(email="nobody"),
        ShopAnswers(origins=["shop.example"]),
    ],
)
def test_a_bad_answer_writes_nothing(tmp_path: Path, answers: ShopAnswers):
    with pytest.raises(InputError):
        make_workspace(tmp_path / "new", answers, ask=None)
    assert not (tmp_path / "new").exists()


def test_a_file_is_not_a_workspace(tmp_path: Path):
    (tmp_path / "log.csv").write_text("a", encoding="utf-8")
    with pytest.raises(InputError, match="a file"):
        make_workspace(tmp_path / "log.csv", ShopAnswers(), ask=None)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Shop.Example/path?q", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://127.0.0.1:5500", "http://127.0.0.1:5500"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(given: str, origin: str):
    assert parse_origin(given) == origin


@pytest.mark.parametrize(
    "given", ["", "*", "shop.example", "ftp://a", "https://", "https://a:b:c", "https://u:p@a", "https://a..b"]
)
def test_what_is_not_a_site_is_refused(given: str):
    with pytest.raises(InputError):
        parse_origin(given)


def test_a_new_workspace_begins_by_suggesting(tmp_path: Path):
    make_workspace(tmp_path / "new", ShopAnswers(), ask=None)
    assert first_mode(find_workspace(str(tmp_path / "new"))) is Mode.SUGGEST
