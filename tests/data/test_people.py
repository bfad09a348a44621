"""A person is found again by any of their values, with the workspace's key only."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from data.errors import InputError
from data.people import KEY_FILE, find_person, mark, workspace_key
from data.redact import Redactor
from data.schema import Conversation, Message
from data.shop import facts_of

KEY = b"k" * 32


def redacted_log() -> list[Conversation]:
    log = [
        Conversation(
            "c1", (Message("customer", "My name is Anna Berg, anna.berg@mail.example"), Message("agent", "ok"))
        ),
        Conversation("c2", (Message("customer", "call +44 7700 900175, customer no. K-44871"), Message("agent", "ok"))),
        Conversation("c3", (Message("customer", "我叫王小明，手机13812345678"), Message("agent", "好的"))),
        Conversation("c4", (Message("customer", "where is order NT-58213"), Message("agent", "there"))),
    ]
    redactor = Redactor(facts_of(log, KEY), key=KEY)
    return [redactor.redact(conversation) for conversation in log]


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("anna berg", ["c1"]),
        ("Anna.Berg@mail.example", ["c1"]),
        ("07700 900175", ["c2"]),
        ("K 44871", ["c2"]),
        ("王小明", ["c3"]),
        ("+86 138 1234 5678", ["c3"]),
        ("Tom Vogel", []),
        ("NT-58213", []),
    ],
)
def test_every_row_of_a_person_is_found(value: str, where: list[str]) -> None:
    assert list(find_person(redacted_log(), value, KEY)) == where
    assert list(find_person(redacted_log(), value, b"x" * 32)) == []


def test_marks_are_written_and_read_with_the_conversation() -> None:
    first, *_, last = redacted_log()
    assert first.people == tuple(sorted((mark(KEY, "EMAIL", "anna.berg@mail.example"), mark(KEY, "NAME", "anna berg"))))
    assert last.people == ()
    assert Conversation.from_json(first.to_json()) == first


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    key = workspace_key(tmp_path / "var")
    assert workspace_key(tmp_path / "var") == key
    assert len(set(key)) > 8
    assert stat.S_IMODE((tmp_path / "var" / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == [KEY_FILE]


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(InputError, match="5 bytes"):
        workspace_key(tmp_path)


def test_a_names_mark_is_told_from_others() -> None:
    from data.leaks import NAME_MARK

    assert mark(b"k" * 32, "NAME", "anna").startswith(NAME_MARK)
    assert not any(mark(b"k" * 32, "EMAIL", f"{i}@a.example").startswith(NAME_MARK) for i in range(200))
