"""What customers rated, in the forms in which logs give it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.readers import open_log
from data.readers.ratings import read_rating


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("good", 1.0), ("Bad", 0.0), (5, 1.0), ("1", 0.0), (3, 0.5), ("4/5", 0.8), ("9 out of 10", 0.9), ("80 %", 0.8),
        ("★★★☆☆", 0.5), ("⭐⭐⭐⭐⭐", 1.0), ("4 stars", 0.75), ("5星", 1.0), ("满意", 1.0), ("不满意", 0.0),
        ("offered", None), (7, None), (0, None), ("", None), (None, None), (True, None), ([5], None), ("6/5", None),
        ("3/0", None), (float("nan"), None),
    ],
)  # fmt: skip
def test_ratings(value: object, wanted: float | None) -> None:
    assert read_rating(value) == wanted


@given(st.one_of(st.text(), st.integers(), st.floats(), st.binary()))
def test_any_value_gives_a_share_or_nothing(value: object) -> None:
    found = read_rating(value)
    assert found is None or 0 <= found <= 1


def _written(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document) + "\n", encoding="utf-8")
    return path


def test_help_desks_tell_the_rating(tmp_path: Path) -> None:
    comments = [{"id": 1, "author_id": 10, "body": "Where is it?", "created_at": "2024-03-01T10:00:00Z"}]
    ticket = {"id": 1, "requester_id": 10, "status": "solved", "comments": comments}
    ticket["satisfaction_rating"] = {"score": "bad", "comment": "late"}
    body = {"type": "conversation", "id": "5", "created_at": 1709287200, "state": "closed"}
    body["source"] = {"type": "conversation", "body": "Hello?", "author": {"type": "user", "name": "Anna"}}
    body |= {"conversation_parts": {"conversation_parts": []}, "conversation_rating": {"rating": 4, "remark": None}}
    message = {"id": 1, "conversation_id": 7, "content": "Hi", "message_type": 0, "created_at": 1709287200}
    survey = {"id": 2, "conversation_id": 7, "content": "Please rate", "message_type": 3, "created_at": 1709287300}
    survey |= {"content_type": "input_csat"}
    survey["content_attributes"] = {"submitted_values": {"csat_survey_response": {"rating": 5}}}
    documents = {"z.json": {"tickets": [ticket]}, "i.json": {"conversations": [body]}}
    documents["c.json"] = {"payload": [message, survey]}
    found = {name: next(iter(open_log(_written(tmp_path / name, row)))).satisfaction for name, row in documents.items()}
    assert found == {"z.json": 0.0, "i.json": 0.75, "c.json": 1.0}


@pytest.mark.parametrize(
    "rows",
    [
        [["ticket_id", "sender", "message", "CSAT"], ["1", "customer", "Hi", ""], ["1", "agent", "Hello", "4/5"]],
        [["id", "question", "answer", "rating"], ["1", "Where is it?", "On its way.", "4/5"]],
        [["id", "transcript", "满意度"], ["1", "Customer: Where is it?\nAgent: On its way.", "80%"]],
    ],
    ids=["a message a row", "a question a row", "a conversation a row"],
)
def test_tables_tell_the_rating(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "log.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows)
    assert [c.satisfaction for c in open_log(path)] == [0.8]


def test_our_own_format_refuses_a_rating_that_is_none(tmp_path: Path) -> None:
    row = {"id": "a", "messages": [{"role": "customer", "text": "Hi"}], "satisfaction": 7}
    good = {"id": "b", "messages": [{"role": "customer", "text": "Hi"}], "satisfaction": 0.5}
    path = tmp_path / "log.jsonl"
    lines = [json.dumps(row), *(json.dumps(good | {"id": str(i)}) for i in range(200))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert {c.satisfaction for c in open_log(path)} == {0.5}
