from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from actions.services.database import APPLICATION, Database
from actions.services.errors import ServiceDown
from data.errors import InputError


def pragma(path: Path, name: str) -> object:
    with sqlite3.connect(path) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_file_is_in_wal_mode_and_knows_its_version(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "orders.db"
    Database(path).do(lambda c: None)
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "user_version") == 1
    assert pragma(path, "application_id") == APPLICATION


def test_another_programs_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(InputError, match="another program"):
        Database(path).do(lambda c: None)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    Database(path).do(lambda c: None)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="version 99"):
        Database(path).do(lambda c: None)


async def test_a_file_that_is_no_database_is_a_service_that_is_down(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    path.write_text("this is not a database" * 100)
    with pytest.raises(ServiceDown, match=r"orders\.db"):
        await Database(path).run(lambda c: None)


def test_what_fails_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "orders.db")

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO tries VALUES ('a', 'b', 1)")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        database.do(half)
    assert database.do(lambda c: c.execute("SELECT COUNT(*) FROM tries").fetchone()[0]) == 0


async def test_the_event_loop_goes_on_while_the_file_is_waited_for(tmp_path: Path) -> None:
    """A query that waits for this very loop: it could never end if it held the loop up."""
    database, seen = Database(tmp_path / "orders.db"), threading.Event()

    def waits(connection: sqlite3.Connection) -> bool:
        return seen.wait(20)

    query = asyncio.create_task(database.run(waits))
    await asyncio.sleep(0)  # lets the query begin
    seen.set()
    assert await query
