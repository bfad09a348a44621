"""Logs of every format become the same conversations; what is wrong with a file is one clear line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from data.errors import InputError
from data.readers import Problem, open_log, recognise
from data.readers.star import render_result
from data.readers.times import choose_parser
from data.schema import Conversation, Message

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
STAR = SHARED / "star.jsonl.gz"
TWEETSUMM = SHARED / "tweetsumm_train_valid.jsonl.gz"


def conversation(number: int, *, text: str = "Where is my parcel?") -> Conversation:
    messages = (
        Message("customer", text, time=1700000000.0 + number, author="Anna Berg"),
        Message("agent", "It left yesterday.", time=1700000060.0 + number, author="Tom"),
    )
    return Conversation(f"c{number}", messages, language="en", topic="delivery")


def jsonl(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def table(path: Path, header: list[str], rows: list[list[str]], *, encoding: str = "utf-8", mark: str = ",") -> Path:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=mark)
    writer.writerows([header, *rows])
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def read(path: Path, **options: object) -> list[Conversation]:
    return list(open_log(path, **options))  # type: ignore[arg-type]


def test_own_format_reads_back_what_was_written(tmp_path: Path) -> None:
    log = [conversation(i) for i in range(3)]
    path = jsonl(tmp_path / "log.jsonl", [c.to_json() for c in log])
    assert recognise(path) == "careline"
    assert read(path) == log


def test_gzip_is_read_directly(tmp_path: Path) -> None:
    plain = jsonl(tmp_path / "log.jsonl", [conversation(1).to_json()])
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(packed) == read(plain)


def test_star_keeps_templates_results_and_completion(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "tasks": ["weather"],
        "completion": "Complete",
        "turns": [
            {"role": "customer", "text": "How warm is it?", "t": 1589375697},
            {"role": "api_query", "api": "weather", "constraints": [{"City": "Oslo"}]},
            {"role": "api_result", "api": "weather", "item": {"APIName": "weather", "City": "Oslo", "id": 3}},
            {"role": "agent", "text": "7 degrees.", "t": 1589375700, "label": "inform", "options": ["inform"]},
            {"role": "customer", "event": "complete"},
        ],
    }
    broken_off = row | {"id": 8, "completion": "EarlyDisconnectDuringDialogue", "tasks": ["a", "b"]}
    silent = row | {"id": 9, "turns": []}
    first, second = read(jsonl(tmp_path / "star.jsonl", [row, broken_off, silent]))
    assert [(m.role, m.text, m.label) for m in first.messages] == [
        ("customer", "How warm is it?", None),
        ("system", "City=Oslo", None),
        ("agent", "7 degrees.", "inform"),
    ]
    assert (first.topic, first.complete) == ("weather", True)
    assert (second.topic, second.complete) == (None, False)


def test_an_empty_result_is_said_to_be_one() -> None:
    assert render_result("weather", None) == "weather: nothing found"


def test_tweets_that_continue_each_other_are_one_message(tmp_path: Path) -> None:
    turns = [
        {"role": "customer", "text": "@shop help"},
        {"role": "agent", "text": "@1 2/2 then restart it."},
        {"role": "agent", "text": "@1 1/2 Update first,"},
    ]
    (only,) = read(jsonl(tmp_path / "t.jsonl", [{"id": "x", "turns": turns, "summaries": []}]))
    assert [m.text for m in only.messages] == ["@shop help", "@1 Update first, then restart it."]


MESSAGES = [
    ["t1", "customer", "Hello, where is it?", "03/02/2024 10:00"],
    ["t2", "customer", "Do you ship to Norway?", "28/02/2024 11:00"],
    ["t1", "agent", "On its way, line one\nline two", "03/02/2024 10:05"],
    ["t2", "agent", "Yes, we do.", "28/02/2024 11:05"],
]


@pytest.mark.parametrize(
    ("header", "encoding", "mark"),
    [
        (["ticket_id", "sender", "body", "created_at"], "utf-8", ","),
        (["Conversation ID", "From", "Message", "Date"], "utf-8-sig", ";"),
        (["会话编号", "发送方", "消息内容", "发送时间"], "gb18030", "\t"),
        (["会话编号", "发送方", "消息内容", "发送时间"], "utf-16", ","),
    ],
)
def test_tables_of_messages(tmp_path: Path, header: list[str], encoding: str, mark: str) -> None:
    rows = [
        [r[0], {"customer": "顾客", "agent": "客服"}[r[1]] if "发送方" in header else r[1], *r[2:]] for r in MESSAGES
    ]
    said: list[str] = []
    first, second = read(table(tmp_path / "t.csv", header, rows, encoding=encoding, mark=mark), on_mapping=said.append)
    assert [m.role for m in first.messages] == ["customer", "agent"]
    assert first.messages[1].text == "On its way, line one\nline two"
    assert first.started == 1706954400  # 3 February: 28/02 shows that days come first
    assert second.id == "t2"
    assert f"text={header[2]}" in said[0]


def test_a_mapping_overrides_the_guess(tmp_path: Path) -> None:
    path = table(
        tmp_path / "t.csv", ["id", "who", "text", "note"], [["1", "customer", "", "Hi?"], ["1", "agent", "", "Yes."]]
    )
    (only,) = read(path, mapping="text=note,role=who")
    assert [m.text for m in only.messages] == ["Hi?", "Yes."]
    with pytest.raises(InputError, match="no column 'nope'"):
        read(path, mapping="text=nope")
    with pytest.raises(InputError, match="colour=note"):
        read(path, mapping="colour=note")


def test_names_instead_of_roles_tell_who_is_an_agent(tmp_path: Path) -> None:
    rows = [[f"t{i}", name, text] for i in range(6) for name, text in ((f"Cust {i}", "Hi?"), ("Marek", "Yes."))]
    log = read(table(tmp_path / "t.csv", ["ticket", "from", "message"], rows))
    assert [(m.role, m.author) for m in log[4].messages] == [("customer", "Cust 4"), ("agent", "Marek")]


def test_questions_with_answers(tmp_path: Path) -> None:
    rows = [["Do you ship?", "Yes.", "delivery"], ["", "", ""], ["Open?", "9 to 5.", "hours"]]
    log = read(table(tmp_path / "faq.csv", ["Question", "Answer", "Class"], rows))
    assert [(c.messages[0].text, c.messages[1].text, c.topic) for c in log] == [
        ("Do you ship?", "Yes.", "delivery"),
        ("Open?", "9 to 5.", "hours"),
    ]


def test_spreadsheets_and_flat_json(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["conversation", "role", "text"], [1, "customer", "Hi?"], [1, "agent", "Yes."]):
        sheet.append(row)
    book.save(tmp_path / "t.xlsx")
    flat = [{"conversation": 1, "role": r, "text": t} for r, t in (("customer", "Hi?"), ("agent", "Yes."))]
    for path in (tmp_path / "t.xlsx", jsonl(tmp_path / "t.jsonl", flat)):
        (only,) = read(path)
        assert (only.id, [m.text for m in only.messages]) == ("1", ["Hi?", "Yes."])


def test_latin_1_is_detected(tmp_path: Path) -> None:
    rows = [[str(i), "customer", "Où est mon colis ? Déjà payé à Genève, très fâché."] for i in range(20)]
    rows += [[str(i), "agent", "Désolé, nous vérifions ça très vite."] for i in range(20)]
    log = read(table(tmp_path / "t.csv", ["id", "sender", "body"], rows, encoding="latin-1"))
    assert log[0].messages[0].text.startswith("Où est mon colis")


BAD = {
    "empty.jsonl": (b"", "an empty file"),
    "blank.csv": (b"\n \n", "an empty file"),
    "binary.csv": (bytes(range(256)) * 40, "a binary file"),
    "columns.csv": (b"colour,height\nred,2\n", "columns colour, height"),
    "alone.csv": (b"role,text\nagent,hi\n", "values 'agent'"),
    "roles.csv": (b"conversation,role,text\n1,x,hello\n2,y,hi\n", "values 'x', 'y'"),
    "broken.jsonl": (b'{"id": "a", "messages": [\n', "line 1"),
    "array.json": (b'[\n{"id": 1},\n{"id": 2}\n]\n', "got columns id"),
    "shape.jsonl": (b'{"id": "1", "messages": [{"role": "boss", "text": "hi"}]}\n', "role 'boss'"),
    "old.xls": (b"\xd0\xcf\x11\xe0" + b"x" * 60, "an old Excel file"),
    "cut.gz": (gzip.compress(b'{"id": "1", "messages": []}\n' * 5000)[:90], "a damaged gzip file"),
    "zipped.zip": (b"PK\x03\x04rubbish", "a damaged zip"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_line_that_names_the_file(tmp_path: Path, name: str) -> None:
    content, expected = BAD[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    assert expected in message
    assert "; expected " in message
    assert "\n" not in message


def test_a_directory_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got a directory; expected a file"):
        open_log(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        open_log(tmp_path / "nope.csv")


def big_log(path: Path, broken: int) -> Path:
    lines = [json.dumps(conversation(i).to_json()) for i in range(100)]
    for i in range(broken):
        lines[10 * i + 5] = lines[10 * i + 5][:-9]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_one_broken_line_is_reported_and_counted(tmp_path: Path) -> None:
    problems: list[Problem] = []
    assert len(read(big_log(tmp_path / "l.jsonl", 1), on_problem=problems.append)) == 99
    assert [(p.line, p.got[:11]) for p in problems] == [(6, "broken JSON")]


def test_strict_makes_it_fatal_and_many_broken_lines_always_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 6: got broken JSON"):
        read(big_log(tmp_path / "l.jsonl", 1), strict=True)
    with pytest.raises(InputError, match="9 of 100 lines are broken"):
        read(big_log(tmp_path / "l.jsonl", 9))


def test_a_line_in_another_encoding_is_a_broken_line(tmp_path: Path) -> None:
    lines = [json.dumps(conversation(i).to_json()).encode() for i in range(100)]
    lines[50] = lines[50].replace(b"parcel", "pärcel".encode("latin-1"))
    path = tmp_path / "l.jsonl"
    path.write_bytes(b"\n".join(lines))
    problems: list[Problem] = []
    assert len(read(path, on_problem=problems.append)) == 99
    assert problems[0].line == 51
    assert "not utf-8" in problems[0].got


@pytest.mark.parametrize(
    ("samples", "seconds"),
    [
        (["1700000000"], 1700000000),
        (["1700000000000"], 1700000000),
        (["2023-11-14T22:13:20Z"], 1700000000),
        (["2023-11-14 22:13:20.5"], 1700000000.5),
        (["2023年11月14日 22:13"], 1699999980),
        (["11/14/2023 22:13", "01/02/2023 00:00"], 1699999980),
        (["14/11/2023 22:13", "01/02/2023 00:00"], 1699999980),
    ],
)
def test_times(samples: list[str], seconds: float) -> None:
    assert choose_parser(samples)(samples[0]) == seconds
    assert choose_parser(samples)("soon") is None


@pytest.mark.skipif(not STAR.exists(), reason="the STAR log is not on this machine")
def test_the_real_star_log() -> None:
    assert recognise(STAR) == "star"
    log = read(STAR)
    assert sum(m.role == "customer" for c in log for m in c.messages) == 54214
    assert len({m.label for c in log for m in c.messages if m.label}) == 163
    assert sum(c.complete for c in log) == 5818


@pytest.mark.skipif(not TWEETSUMM.exists(), reason="the TweetSumm log is not on this machine")
def test_the_real_tweetsumm_log() -> None:
    assert recognise(TWEETSUMM) == "tweetsumm"
    assert len(read(TWEETSUMM)) == 989
