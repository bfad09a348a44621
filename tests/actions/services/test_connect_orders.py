"""docs/how-to/connect-orders.md, word by word: its table is imported by its commands, its settings are taken."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from actions.services.breaker import FAILURES, REST_SECONDS
from actions.services.client import _AGAIN, TRIES
from actions.services.guesses import MOST, SECONDS
from actions.services.orders import STATUSES
from actions.services.sqlite import KEPT
from actions.services.table import CHINESE, COLUMNS, STATUSES_ZH
from data.workspace import PROJECT, read_settings

PAGE = (PROJECT / "docs/how-to/connect-orders.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def run(words: list[str], folder: Path) -> str:
    command = [sys.executable, "-W", "ignore", str(PROJECT / "careline.py"), *words[1:]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_file_of_orders_works_as_the_page_says(tmp_path: Path) -> None:
    (table,), commands = blocks("csv"), blocks("bash")[0].splitlines()
    (tmp_path / "careline.toml").write_text(blocks("toml")[0])
    (tmp_path / "orders.csv").write_text(table)
    said = [run(shlex.split(line), tmp_path) for line in commands]
    assert said[0].startswith("Imported orders.csv: 2 new")
    assert [line.split()[0] for line in said[1].splitlines()] == ["A-1001"]
    assert "2 x Solo Ridge tent; Peg" in said[2]
    assert said[3].startswith("Took back orders.csv")
    assert said[4] == said[0]
    order = json.loads(run(["careline", "orders", "show", "A-1002", "--json"], tmp_path))
    assert order["returnable_until"] == "2027-01-04"


def test_the_settings_of_the_page_are_taken(tmp_path: Path) -> None:
    for text in blocks("toml"):
        (tmp_path / "careline.toml").write_text(text)
        assert read_settings(tmp_path).services.orders == tomli.loads(text)["services"]["orders"]


def test_the_page_names_every_column_and_state() -> None:
    for name in (*COLUMNS, *STATUSES):
        assert f"`{name}`" in PAGE, name
    assert all(name in PAGE for name in CHINESE)
    assert {STATUSES_ZH[name] for name in re.findall("|".join(STATUSES_ZH), PAGE)} == set(STATUSES)


def test_the_page_says_the_numbers_of_the_code() -> None:
    words = {3: "three", 5: "five"}
    assert f"{words[TRIES]} times at most" in PAGE
    assert f"fails {words[FAILURES]} times in a row | is not asked for {REST_SECONDS:.0f} seconds" in PAGE
    assert f"The last {KEPT}\nimports" in PAGE
    assert f"After {words[MOST]} different wrong details in\nan hour" in PAGE
    assert SECONDS == 3600
    assert ", ".join(map(str, sorted(_AGAIN))) in PAGE
