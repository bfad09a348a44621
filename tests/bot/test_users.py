"""Users of the agent page: added, changed, removed, verified; the file is private and whole."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.users import UserBook, add_user, list_users, new_password, remove_user
from data.errors import InputError
from data.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_an_added_user_signs_in_with_the_password_only(workspace: Workspace):
    add_user(workspace, "mia", password="correct horse")
    book = UserBook(workspace)
    user = book.verify("mia", "correct horse")
    assert user is not None
    assert (user.name, user.role) == ("mia", "agent")
    assert book.verify("mia", "correct hors") is None
    assert book.verify("noone", "correct horse") is None


def test_the_file_is_private_and_holds_no_password(workspace: Workspace):
    add_user(workspace, "mia", password="correct horse", role="admin")
    path = workspace.var / "users.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "correct horse" not in path.read_text()
    assert json.loads(path.read_text())[0]["hash"].startswith("$argon2id$")


def test_a_taken_name_is_refused_unless_replaced(workspace: Workspace):
    add_user(workspace, "mia", password="correct horse")
    with pytest.raises(InputError, match="taken"):
        add_user(workspace, "mia", password="another one")
    book = UserBook(workspace)
    assert book.verify("mia", "correct horse")
    add_user(workspace, "mia", password="another one", replace=True)
    assert book.verify("mia", "another one")
    assert not book.verify("mia", "correct horse")


def test_a_removed_user_is_gone_at_once(workspace: Workspace):
    add_user(workspace, "mia", password="correct horse")
    book = UserBook(workspace)
    assert book.find("mia")
    remove_user(workspace, "mia")
    assert book.find("mia") is None
    with pytest.raises(InputError, match="no such user"):
        remove_user(workspace, "mia")


@pytest.mark.parametrize(
    ("name", "password", "role"),
    [
        ("", "long enough", "agent"),
        ("a b", "long enough", "agent"),
        ("mia", "short", "agent"),
        ("mia", "long enough", "boss"),
    ],
)
def test_bad_values_are_refused_and_nothing_is_written(workspace: Workspace, name: str, password: str, role: str):
    with pytest.raises(InputError):
        add_user(workspace, name, password=password, role=role)  # type: ignore[arg-type]
    assert list_users(workspace) == []


def test_writers_do_not_lose_each_others_users(workspace: Workspace):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: add_user(workspace, f"agent{n}", password=new_password()), range(8)))
    assert len(list_users(workspace)) == 8


def test_a_broken_file_is_named(workspace: Workspace):
    workspace.var.mkdir()
    (workspace.var / "users.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"users\.json"):
        list_users(workspace)
