"""Whatever a log holds, reading it ends: conversations, counted skips, or one line that quotes nothing of it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import InputError
from data.readers import FORMATS, LINE_PARSERS, Problem, open_log, recognise
from data.readers.checks import BROKEN_RECORD, describe
from data.readers.htmltext import html_to_text
from data.readers.jsonstream import rows
from data.readers.mailtext import written
from data.readers.source import Problems, inspect
from data.readers.transcript import read_transcript
from data.readers.whatsapp import looks_like_chat

SECRET = "Zxqvsecret"
"""Part of every text, name and id of the logs below; no message may hold it."""

TEXTS = [f"{SECRET}, where is it? 你好", f"=1+1 {SECRET} \u202eעזרה 😀", f'"{SECRET}", it left\nyesterday; {SECRET}']
quick = settings(max_examples=60, deadline=timedelta(seconds=20), suppress_health_check=list(HealthCheck))


def text(number: int) -> str:
    return TEXTS[number % len(TEXTS)]


def lines(*documents: Any) -> bytes:
    return "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents).encode()


def comma_separated(*table: list[str]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(table)
    return stream.getvalue().encode()


def careline_row(i: int) -> dict[str, Any]:
    said = [{"role": r, "text": text(i), "time": 1.7e9 + i, "author": SECRET} for r in ("customer", "agent")]
    return {"id": f"{SECRET}{i}", "messages": said}


def star_row(i: int) -> dict[str, Any]:
    turns = [
        {"role": "customer", "text": text(i), "t": 1.7e9},
        {"role": "api_result", "api": "a", "item": {"x": SECRET}},
    ]
    return {"id": i, "tasks": [SECRET], "completion": "Complete", "turns": turns}


def tweetsumm_row(i: int) -> dict[str, Any]:
    return {"id": SECRET, "turns": [{"role": "customer", "text": f"{text(i)} 1/2"}, {"role": "agent", "text": text(i)}]}


def zendesk_row(i: int) -> dict[str, Any]:
    comments = [{"id": i, "author_id": 1, "body": text(i), "created_at": "2024-03-01T10:00:00Z", "public": True}]
    return {"id": i, "requester_id": 1, "tags": [SECRET], "status": "open", "comments": comments}


def intercom_row(i: int) -> dict[str, Any]:
    author = {"type": "admin", "name": SECRET}
    parts = [{"part_type": "comment", "body": f"<p>{text(i)}</p>", "created_at": 1.7e9, "author": author}]
    opening = {"body": text(i), "author": {"type": "user", "name": SECRET}}
    return {
        "type": "conversation",
        "id": str(i),
        "source": opening,
        "conversation_parts": {"conversation_parts": parts},
    }


def chatwoot_row(i: int) -> dict[str, Any]:
    said = {"id": i, "content": text(i), "message_type": i % 4, "created_at": 1.7e9, "sender": {"name": SECRET}}
    return {"id": i, "inbox_id": 1, "status": SECRET, "labels": [SECRET], "messages": [said]}


def rasa_row(i: int) -> dict[str, Any]:
    events = [{"event": e, "timestamp": 1.7e9, "text": text(i)} for e in ("session_started", "user", "bot")]
    return {"sender_id": f"{SECRET}{i}", "events": events}


RECORDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "careline": careline_row,
    "star": star_row,
    "tweetsumm": tweetsumm_row,
    "zendesk": zendesk_row,
    "intercom": intercom_row,
    "chatwoot": chatwoot_row,
    "rasa": rasa_row,
}
COUNT = 24


def tweets() -> bytes:
    header = ["tweet_id", "author_id", "inbound", "created_at", "text", "response_tweet_id", "in_response_to_tweet_id"]
    when = "Tue Oct 31 22:10:47 +0000 2017"
    return comma_separated(
        header, *([str(i), SECRET, str(i % 2 == 0), when, text(i), str(i + 1), str(i - 1)] for i in range(COUNT))
    )


def mails() -> bytes:
    form = "From a@b.example Fri Mar 01 10:00:00 2024\nFrom: {0} <{0}@b.example>\nTo: h@s.example\nSubject: {0}\n"
    form += "Message-ID: <{1}@x>\nReferences: <{2}@x>\nContent-Type: {3}; charset=utf-8\n\n{4}\n\n"
    kinds = ("text/plain", "text/html", "multipart/mixed; boundary=x")
    return "".join(form.format(SECRET, i, i - 1, kinds[i % 3], text(i)) for i in range(COUNT)).encode()


def workbook() -> bytes:
    from openpyxl import Workbook

    book, stream = Workbook(), io.BytesIO()
    book.active.append(["conversation", "role", "text"])  # type: ignore[union-attr]
    for i in range(COUNT):
        book.active.append([i, "customer" if i % 2 else "agent", text(i)])  # type: ignore[union-attr]
    book.save(stream)
    return stream.getvalue()


def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    columns = {"role": ["customer", "agent"] * COUNT, "text": [text(i) for i in range(2 * COUNT)]}
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def database() -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".db") as file:
        with sqlite3.connect(file.name) as store:
            store.execute(
                "CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id, type_name, timestamp REAL, data TEXT)"
            )
            for i in range(COUNT):
                for event in rasa_row(i)["events"]:
                    row = (f"{SECRET}{i}", event["event"], 1.7e9, json.dumps(event))
                    store.execute("INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, ?, ?, ?)", row)
        store.close()
        return Path(file.name).read_bytes()


def transcripts() -> bytes:
    cells = [f"Agent: {text(i)}\n[10:0{i % 9}] {SECRET}: {text(i)}\nCustomer: {text(i)}" for i in range(COUNT)]
    return comma_separated(["transcript", "tag"], *([cell, SECRET] for cell in cells))


MAKERS: dict[str, Callable[[], bytes]] = {
    **{name: lambda row=row: lines(*(row(i) for i in range(COUNT))) for name, row in RECORDS.items()},  # type: ignore[misc]
    "zendesk pages": lambda: lines({"tickets": [zendesk_row(i) for i in range(COUNT)], "users": [{"id": 1}]}),
    "intercom array": lambda: json.dumps([intercom_row(i) for i in range(COUNT)], indent=1).encode(),
    "messages": lambda: comma_separated(
        ["id", "role", "text", "time"],
        *([str(i // 3), "customer" if i % 3 else SECRET, text(i), f"2024-03-01 10:{i}"] for i in range(COUNT)),
    ),
    "no ids": lambda: comma_separated(
        ["role", "text"], *(["customer" if i % 2 else "agent", text(i)] for i in range(COUNT))
    ),
    "pairs": lambda: comma_separated(["question", "answer"], *([text(i), text(i)] for i in range(COUNT))),
    "labelled": lambda: comma_separated(["text", "intent"], *([text(i), SECRET] for i in range(COUNT))),
    "transcripts": transcripts,
    "twitter": tweets,
    "nlu": lambda: f"nlu:\n- intent: {SECRET}\n  examples: |\n    - {SECRET} [a](b)\n    - {SECRET} 你好\n".encode(),
    "whatsapp": lambda: "".join(
        f"[{i + 1:02}/03/2024, 10:00:00] {('Shop', SECRET)[i % 2]}: {text(i)}\n" for i in range(COUNT)
    ).encode(),
    "mbox": mails,
    "workbook": workbook,
    "parquet": parquet,
    "database": database,
    "gzip": lambda: gzip.compress(lines(*(careline_row(i) for i in range(COUNT)))),
}


@lru_cache
def seed(name: str) -> bytes:
    return MAKERS[name]()


def survives(
    content: bytes, name: str | None = None, *, strict: bool = False, mapping: str | None = None
) -> int | None:
    """How many conversations were read; None where the log was refused. Anything but that fails the test."""
    problems: list[Problem] = []
    told: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(content)
        try:
            log = list(
                open_log(
                    path,
                    format=name,
                    strict=strict,
                    mapping=mapping,
                    on_problem=problems.append,
                    on_mapping=told.append,
                )
            )
        except InputError as error:
            told.append(str(error))
            log = None
    for line in (*told, *(f"{p.got} {p.expected}" for p in problems)):
        assert SECRET not in line
        assert "\n" not in line
        assert len(line) < 1500
    if log is None:
        return None
    for conversation in log:
        json.dumps(conversation.to_json(), ensure_ascii=False, allow_nan=False).encode()
        assert conversation.messages
    return len(log)


@pytest.mark.parametrize("name", MAKERS)
def test_the_logs_that_are_spoiled_below_can_be_read(name: str) -> None:
    assert survives(seed(name))


garbage = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=30).map(lambda t: t.encode(errors="replace")),
    st.sampled_from(
        ["é".encode("latin-1"), "你好".encode("gb18030"), "你好".encode("utf-16"), b"\x00", b"\xff\xfe", b'"', b"\n"]
    ),
    st.sampled_from(
        [b"[" * 3000, b'{"a":' * 3000, b"=HYPERLINK(1)", "\u202e\u200f\ufeff".encode(), b"\r", b",,,,", b"9" * 5000]
    ),
)


@st.composite
def spoiled(draw: st.DrawFn, name: str) -> bytes:
    """A log with pieces cut out, garbage put in, lines shuffled, or its end missing."""
    content = seed(name)
    for _ in range(draw(st.integers(1, 4))):
        kind, at = draw(st.sampled_from(["cut", "put", "drop", "shuffle", "twice"])), draw(st.integers(0, len(content)))
        if kind == "cut":
            content = content[:at]
        elif kind == "put":
            content = content[:at] + draw(garbage) + content[at:]
        elif kind == "drop":
            content = content[:at] + content[at + draw(st.integers(1, 60)) :]
        elif kind == "shuffle":
            rows = content.split(b"\n")
            draw(st.randoms(use_true_random=False)).shuffle(rows)
            content = b"\n".join(rows)
        else:
            content = content[:at] + content[: len(content) - at]
    return content


@pytest.mark.parametrize("name", MAKERS)
@given(data=st.data(), strict=st.booleans())
@quick
def test_a_spoiled_log_is_read_skipped_or_refused(name: str, data: st.DataObject, strict: bool) -> None:
    survives(data.draw(spoiled(name)), strict=strict)


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@quick
def test_a_log_under_the_name_of_another_format(name: str, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(sorted(MAKERS)))
    survives(data.draw(st.one_of(spoiled(other), garbage)), name)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(SECRET) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "text", "name"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def replaced(row: Any, at: int, value: Any) -> tuple[Any, int]:
    """The row with its ``at``-th value (in depth) replaced, and how many values are left to count."""
    if at == 0:
        return value, -1
    at -= 1
    items = row.items() if isinstance(row, dict) else enumerate(row) if isinstance(row, list) else ()
    for key, item in items:
        new, at = replaced(item, at, value)
        if at < 0:
            copy = dict(row) if isinstance(row, dict) else list(row)
            copy[key] = new
            return copy, -1
    return row, at


@pytest.mark.parametrize("name", RECORDS)
@given(at=st.integers(1, 25), value=anything, missing=st.booleans())
@quick
def test_a_record_with_a_value_of_any_kind(name: str, at: int, value: Any, missing: bool) -> None:
    row, _ = replaced(RECORDS[name](1), at, value)
    if missing and isinstance(row, dict):
        row.pop(sorted(row)[at % len(row)])
    good = [RECORDS[name](i) for i in range(COUNT)]
    survives(lines(*good, row), name)
    if name in LINE_PARSERS:
        words = ""
        try:
            LINE_PARSERS[name](row)
        except BROKEN_RECORD as error:
            words = describe(error)
        assert SECRET not in words


@given(st.lists(anything, max_size=6), st.sampled_from(["\n", ",", " ", "]["]), st.binary(max_size=8))
@quick
def test_json_of_any_kind(values: list[Any], between: str, end: bytes) -> None:
    content = between.join(json.dumps(value) for value in values).encode() + end
    for name in (None, "zendesk", "chatwoot", "careline"):
        survives(content, name)


@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=9), min_size=1), min_size=1, max_size=9
    )
)
@quick
def test_objects_in_lines_arrays_and_pretty_print_are_the_same(objects: list[dict[str, Any]]) -> None:
    forms = [lines(*objects), json.dumps(objects).encode(), json.dumps(objects, indent=2).encode()]
    forms.append("".join(json.dumps(row, indent=1) for row in objects).encode())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        for content in forms:
            path.write_bytes(content)
            problems = Problems(path, strict=True)
            assert [row for _, row in rows(inspect(path), problems)] == objects


@given(st.text(max_size=400), st.text(alphabet="Agent:客服： \n10:02[]()", max_size=200))
@quick
def test_transcripts_and_chats_of_any_text(some: str, alike: str) -> None:
    for value in (some, alike, alike * 50):
        assert all(said.text and said.name for said in read_transcript(value))
        looks_like_chat(value)


@pytest.mark.parametrize(
    "piece",
    ["a ", "aaaa:", "1:", "[10:02 ", "Agent", "<p ", "='", "<a b=", "10/10/2024, 10:10 - a", "> ", "On a\n", ".,"],
)
def test_nothing_takes_long_on_repeated_pieces(piece: str) -> None:
    """Patterns that try many ways would need hours here."""
    content = (piece * 60_000).encode()
    html_to_text(piece * 60_000)
    written(piece * 20_000)
    for name in ("table", "whatsapp", "mbox", "nlu", None):
        survives(content, name)
    survives(comma_separated(["transcript"], *([piece * 3_000] for _ in range(30))))
    survives(comma_separated(["transcript"], *([piece * 3_000] for _ in range(30))), mapping="transcript=transcript")


def test_recognise_names_a_format_that_exists(tmp_path: Path) -> None:
    for name in MAKERS:
        (tmp_path / "log").write_bytes(seed(name))
        assert recognise(tmp_path / "log") in FORMATS
