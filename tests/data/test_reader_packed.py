"""Packed logs, several in one zip, and what is too large, too deep or damaged: bounded, and one clear line."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from data.errors import InputError
from data.readers import Problem, inspect_all, is_lines, jsonstream, open_log, packed, parse_lines, recognise, source
from data.schema import Conversation, Message


def conversation(number: int, text: str = "Where is my parcel?") -> Conversation:
    return Conversation(f"c{number}", (Message("customer", text), Message("agent", "It left yesterday.")))


def log_of(count: int) -> bytes:
    return "".join(json.dumps(conversation(i).to_json()) + "\n" for i in range(count)).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def read(path: Path, **options: object) -> list[Conversation]:
    return list(open_log(path, **options))  # type: ignore[arg-type]


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "gzip in two members": lambda content: gzip.compress(content[:999]) + gzip.compress(content[999:]),
    "zstd": zstd,
    "zstd in two frames": lambda content: zstd(content[:999]) + zstd(content[999:]),
    "zip": lambda content: zipped({"log.jsonl": content}),
}


@pytest.mark.parametrize("name", PACKERS)
def test_every_packing_reads_as_the_plain_file(tmp_path: Path, name: str) -> None:
    content = log_of(500)
    path = put(tmp_path / "log", PACKERS[name](content))
    assert recognise(path) == "careline"
    assert read(path) == [conversation(i) for i in range(500)]


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_file_is_never_taken_for_a_shorter_log(tmp_path: Path, name: str, cut: float) -> None:
    whole = PACKERS[name](log_of(5000))
    with pytest.raises(InputError, match=r"a damaged (gzip|zstd|zip)"):
        read(put(tmp_path / "log", whole[: int(len(whole) * cut)]))


def test_several_logs_in_a_zip_are_read_one_after_the_other(tmp_path: Path) -> None:
    table = b"conversation,role,text\n7,customer,Hi?\n7,agent,Yes.\n"
    content = zipped({"a.jsonl": log_of(2), "sub/b.csv": table, "__MACOSX/a.jsonl": b"x", "notes.pdf": b"%PDF"})
    path = put(tmp_path / "logs.zip", content)
    assert [str(s.path.relative_to(path)) for s in inspect_all(path)] == ["a.jsonl", "sub/b.csv"]
    odd = put(tmp_path / "odd.zip", zipped({"/etc/a\nb.csv": b"colour,height\nred,2\n"}))
    with pytest.raises(InputError, match=r"odd.zip/etc/a\?b.csv line 1: got columns colour, height"):
        read(odd)
    assert [c.id for c in read(path)] == ["c0", "c1", "7"]
    broken = put(tmp_path / "broken.zip", zipped({"a.jsonl": log_of(2), "b.jsonl": log_of(1)[:50]}))
    with pytest.raises(InputError, match=r"broken.zip/b.jsonl line 1: got broken JSON"):
        read(broken)


def test_a_spreadsheet_inside_a_zip(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book, stream = Workbook(), io.BytesIO()
    for row in (["question", "answer"], ["Open?", "9 to 5."]):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(stream)
    (only,) = read(put(tmp_path / "t.zip", zipped({"t.xlsx": stream.getvalue()})))
    assert only.messages[1].text == "9 to 5."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (zipped({"a.jpg": b"\xff\xd8"}), "a zip archive with no logs"),
        (zipped({"a.txt": zipped({"b.txt": b"x" * 100})}), "a damaged XLSX"),
        (gzip.compress(gzip.compress(log_of(1))), "a packed file in a packed file"),
        (zipped({"a.csv": b"", "b.csv": b" \n"}), "a zip of empty files"),
    ],
)
def test_archives_that_hold_no_log(tmp_path: Path, content: bytes, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        read(put(tmp_path / "x", content))


def test_an_encrypted_zip_is_said_to_be_one(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": b"text,intent\nhi,greet\n"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputError, match="an encrypted zip"):
        read(put(tmp_path / "x.zip", bytes(content)))


@pytest.mark.parametrize("name", ["gzip", "zstd", "zip"])
def test_a_bomb_is_refused_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(packed, "FREE_BYTES", 8 << 20)
    start = log_of(1)
    path = put(tmp_path / "bomb", PACKERS[name](start + b" " * (64 << 20)))
    tracemalloc.start()
    with pytest.raises(InputError, match="more than 250 times its size"):
        read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 << 20


def test_a_spreadsheet_bomb_is_refused_before_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "FREE_BYTES", 1 << 20)
    content = zipped({"xl/workbook.xml": b"<x/>", "xl/sharedStrings.xml": b" " * (16 << 20)})
    with pytest.raises(InputError, match="more than 250 times its size"):
        read(put(tmp_path / "x.xlsx", content))


@pytest.mark.parametrize("kind", ["jsonl", "csv", "whatsapp", "mbox", "array"])
def test_a_line_of_ten_megabytes_is_bounded(tmp_path: Path, kind: str) -> None:
    long = "secret " * 1_500_000
    rows = [conversation(i).to_json() for i in range(40)]
    if kind == "jsonl":
        text = log_of(40).decode() + json.dumps(conversation(99, long).to_json()) + "\n"
    elif kind == "array":
        text = json.dumps([*rows, conversation(99, long).to_json()])
    elif kind == "csv":
        text = "conversation,role,text\n" + "".join(f"{i},{r},hi\n" for i in range(40) for r in ("customer", "agent"))
        text += f"99,customer,{long}\n"
    elif kind == "whatsapp":
        text = "".join(f"{d}/02/2024, 21:15 - {n}: hi\n" for d in range(1, 29) for n in ("Anna", "Shop"))
        text += f"28/02/2024, 21:16 - Anna: {long}\n"
    else:
        text = f"From a@b.c Fri Mar 01 10:00:00 2024\nFrom: a@b.c\nTo: h@s.example\nSubject: x\n\nhi\n{long}\n"
    path = put(tmp_path / "log", text.encode())
    problems: list[Problem] = []
    tracemalloc.start()
    log = read(path, on_problem=problems.append)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(log) == {"jsonl": 40, "array": 40, "csv": 40, "whatsapp": 1, "mbox": 1}[kind]
    assert all(len(m.text) <= source.LONGEST_LINE for c in log for m in c.messages)
    assert "secret" not in "".join(p.got for p in problems)
    assert bool(problems) == (kind != "mbox")
    assert peak < 100 << 20


def test_a_log_that_grows_needs_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "LONGEST_RECORD", 200_000)

    def peak_of(count: int) -> int:
        path = put(tmp_path / f"{count}.json", b'{"tickets": [' + b",".join([ticket % i for i in range(count)]) + b"]}")
        tracemalloc.start()
        assert sum(1 for _ in open_log(path)) == count
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    ticket = b'{"id": %d, "requester_id": 1, "comments": [{"author_id": 1, "body": "' + b"where is it? " * 50 + b'"}]}'
    small, large = peak_of(1_000), peak_of(4_000)
    assert large < small * 1.2


def test_deep_nesting_and_strange_numbers_are_broken_records(tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    for text in (
        deep,
        '{"a": ' * 100_000,
        '{"id": 1, "messages": ' + deep + "}",
        '{"messages": [{"role": "customer"}]}',
    ):
        with pytest.raises(InputError) as caught:
            read(put(tmp_path / "x.json", text.encode()), format="careline")
        assert len(str(caught.value)) < 600
    for time in ("NaN", "Infinity", "1" * 400, '"soon"'):
        row = '{"id": "1", "messages": [{"role": "customer", "text": "hi", "time": ' + time + "}]}"
        with pytest.raises(InputError, match="line 1"):
            read(put(tmp_path / "x.json", row.encode()))


def test_half_pairs_and_nul_characters_can_be_written_again(tmp_path: Path) -> None:
    row = '{"id": "1\\ud800", "messages": [{"role": "customer", "text": "hi \\udc00 \\u0000", "author": "\\ud83d"}]}'
    (only,) = read(put(tmp_path / "x.json", row.encode() + b"\n\x00\n"))
    json.dumps(only.to_json(), ensure_ascii=False).encode()
    assert only.messages[0].text.startswith("hi \ufffd")


def test_utf_16_without_a_mark_and_files_full_of_nul(tmp_path: Path) -> None:
    table = "conversation,role,text\n7,customer,Hi? 你好\n7,agent,Yes.\n" * 1
    for encoding in ("utf-16-le", "utf-16-be"):
        (only,) = read(put(tmp_path / "t.csv", table.encode(encoding)))
        assert only.messages[0].text == "Hi? 你好"
    with pytest.raises(InputError, match="a binary file"):
        read(put(tmp_path / "t.csv", b"a,b\n\x00\x00\x00\x00\x00\x00\x00\x01" * 50))


def test_which_json_may_be_shared_by_lines(tmp_path: Path) -> None:
    lines = put(tmp_path / "a", log_of(2))
    array = put(tmp_path / "b", b"[" + log_of(1).strip() + b"]")
    pretty = put(tmp_path / "c", json.dumps(conversation(1).to_json(), indent=1).encode())
    assert [is_lines(inspect_all(path)[0]) for path in (lines, array, pretty)] == [True, False, False]
    found, broken = parse_lines("careline", [(1, log_of(1).decode()), (2, "\n"), (3, "[]"), (4, '{"id": "x"}')])
    assert found == [conversation(0)]
    assert [(line, got) for line, got, _ in broken] == [(3, "JSON list"), (4, "no field 'messages'")]
    assert pickle.loads(pickle.dumps(parse_lines)) is parse_lines
    assert read(array) == [conversation(0)]
    assert read(pretty) == [conversation(1)]
