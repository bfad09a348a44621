"""`careline orders` as people call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actions.cli import app
from data.errors import InputError

TABLE = "number,email,status,items\nA-1,ada@example.com,shipped,2 x Tent; Peg\nA-2,b@example.com,delivered,Stove\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "careline.toml").write_text('[services]\norders = "sqlite:orders.db"\n')
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path


def call(shop: Path, *words: str) -> Result:
    done = CliRunner().invoke(app, [*words, "--workspace", str(shop)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_a_table_is_imported_listed_shown_and_taken_back(shop: Path) -> None:
    said = call(shop, "import", str(shop / "table.csv")).stdout
    assert said.startswith("Imported table.csv: 2 new, 0 changed, 0 as before.")
    lines = call(shop, "list").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("A-")] == ["A-2", "A-1"]
    row = json.loads(call(shop, "show", "a1", "--json").stdout)
    assert (row["number"], row["items"][0]["quantity"]) == ("A-1", 2)
    assert "2 x Tent; Peg" in call(shop, "show", "A-1").stdout
    assert call(shop, "undo").stdout.startswith("Took back table.csv")
    with pytest.raises(InputError, match="no such order"):
        call(shop, "show", "A-1")
    with pytest.raises(InputError, match="no import to undo"):
        call(shop, "undo")


async def test_what_the_bot_registered_is_listed(shop: Path) -> None:
    from actions.shop import ActionShop
    from data.workspace import find_workspace

    speaker = ActionShop(find_workspace(str(shop)))
    reference = await speaker.tickets().open("complaint", "It leaks.", "ada@example.com", key="k")
    (line,) = call(shop, "requests").stdout.splitlines()
    assert line.startswith(reference)
    assert line.endswith("complaint  ada@example.com  It leaks.")
    assert json.loads(call(shop, "requests", "--json").stdout)["text"] == "It leaks."


def test_a_shop_without_a_file_is_told_how_to_get_one(shop: Path) -> None:
    (shop / "careline.toml").write_text("[services]\norders = 'none'\n")
    with pytest.raises(InputError, match=r'orders = "sqlite:orders\.db"'):
        call(shop, "list")


def test_a_wrong_status_is_named(shop: Path) -> None:
    with pytest.raises(InputError, match="--status: got 'lost'"):
        call(shop, "list", "--status", "lost")
