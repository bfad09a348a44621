"""The shapes that spreadsheets come in: messages, transcripts, pairs, labelled messages, rows without ids."""

from __future__ import annotations

import csv
import errno
import io
import json
from pathlib import Path

import pytest

from data.errors import InputError
from data.readers import Problem, open_log
from data.readers.gather import temporary_store
from data.readers.order import Splitter, has_signs
from data.readers.transcript import Said, read_transcript
from data.schema import Conversation, Message

BANKING = Path(__file__).resolve().parents[3] / "shared" / "data" / "banking77_test.csv"


def table(path: Path, rows: list[list[str]]) -> Path:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    path.write_text(stream.getvalue(), encoding="utf-8")
    return path


def read(path: Path, **options: object) -> list[Conversation]:
    return list(open_log(path, **options))  # type: ignore[arg-type]


def roles(conversation: Conversation) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in conversation.messages]


@pytest.mark.parametrize(
    "text",
    [
        "Customer: Where is it?\nIt was due: two days ago.\nAgent: It left today.\nOrder number: 12",
        "[10:02] Anna: Where is it?\nIt was due: two days ago.\n[10:03] Tom: It left today.\nOrder number: 12",
        "Anna (10:02): Where is it?\nIt was due: two days ago.\nTom (10:03): It left today.\nOrder number: 12",
        "Anna 10:02\nWhere is it?\nIt was due: two days ago.\nTom 10:03\nIt left today.\nOrder number: 12",
        "Anna: Where is it?\nIt was due: two days ago.\nTom: It left today.\nOrder number: 12\nAnna: Ok\nTom: Bye",
    ],
)
def test_a_transcript_is_taken_apart_and_colons_in_messages_stay(text: str) -> None:
    said = read_transcript(text)
    assert [m.text for m in said[:2]] == [
        "Where is it?\nIt was due: two days ago.",
        "It left today.\nOrder number: 12",
    ]


def test_chinese_transcripts_and_transcripts_on_one_line() -> None:
    chinese = read_transcript("客户：你好，什么时候发货？\n客服小李：今天发货。\n谢谢您。")
    assert chinese == [Said("客户", "你好，什么时候发货？"), Said("客服小李", "今天发货。\n谢谢您。")]
    dated = read_transcript("小王 2024-03-01 10:02:11\n在吗\n旺旺客服 2024-03-01 10:03:00\n在的")
    assert [(m.name, m.text, m.time) for m in dated] == [
        ("小王", "在吗", 1709287331.0),
        ("旺旺客服", "在的", 1709287380.0),
    ]
    line = read_transcript("Customer: Hi, where is it? Agent: On its way. Customer: Thanks")
    assert [m.text for m in line] == ["Hi, where is it?", "On its way.", "Thanks"]
    assert len(read_transcript("Agent: Hi<br>Customer: Hello<br/>Agent: Bye")) == 3


def test_a_clock_in_a_transcript_is_of_the_day_of_its_row() -> None:
    said = read_transcript("[10:02 PM] Anna: Hi\n[10:03 PM] Tom: Hello", started=1709251200.0 + 3600)
    assert [m.time for m in said] == [1709251200.0 + 22 * 3600 + 120, 1709251200.0 + 22 * 3600 + 180]


def test_a_conversation_a_row_tells_agents_by_how_often_they_speak(tmp_path: Path) -> None:
    header = ["case", "opened", "log"]
    rows = [
        [f"c{i}", "2024-03-01 09:00", f"[10:02] Cust{chr(97 + i)}: Where is it?\n[10:03] Marek: On its way."]
        for i in range(6)
    ]
    said: list[str] = []
    path = table(tmp_path / "t.csv", [header, *rows])
    log = read(path, mapping="transcript=log,time=opened", on_mapping=said.append)
    assert [c.id for c in log] == [f"c{i}" for i in range(6)]
    assert roles(log[2]) == [("customer", "Where is it?"), ("agent", "On its way.")]
    assert log[2].messages[1].author == "Marek"
    assert log[2].started == 1709287320.0
    assert said[0].startswith("t.csv: a conversation a row")


def test_a_column_of_transcripts_is_found_by_its_content(tmp_path: Path) -> None:
    rows = [["id", "conversation", "tag"]]
    rows += [[str(i), "Agent: Hello!\nCustomer: Do you ship to Norway?\nAgent: Yes.", "delivery"] for i in range(4)]
    rows += [["9", "nobody speaks here", ""]]
    problems: list[Problem] = []
    path = table(tmp_path / "t.csv", [*rows, *([[str(i), rows[1][1], ""] for i in range(20, 40)])])
    log = read(path, on_problem=problems.append)
    assert len(log) == 24
    assert [m.role for m in log[0].messages] == ["agent", "customer", "agent"]
    assert log[0].topic == "delivery"
    assert len(problems) == 1


def test_labelled_messages_keep_their_intent(tmp_path: Path) -> None:
    for header in (
        ["text", "intent"],
        ["text", "category"],
        ["Utterance", "Label"],
        ["query", "intent"],
        ["文本", "意图"],
    ):
        log = read(table(tmp_path / "t.csv", [header, ["where is it", "order_status"], ["hi", "greet"]]))
        assert [(m.role, m.text, m.intent) for c in log for m in c.messages] == [
            ("customer", "where is it", "order_status"),
            ("customer", "hi", "greet"),
        ]


def test_an_intent_beside_each_message_is_kept_on_the_customers(tmp_path: Path) -> None:
    rows = [["id", "role", "text", "intent"], ["1", "customer", "where?", "order_status"], ["1", "agent", "here", ""]]
    (only,) = read(table(tmp_path / "t.csv", rows))
    assert [m.intent for m in only.messages] == ["order_status", None]
    assert only.topic == "order_status"


def test_an_author_column_serves_where_no_role_is_named(tmp_path: Path) -> None:
    rows = [[f"t{i}", name, text] for i in range(6) for name, text in ((f"Cust {i}", "Hi?"), ("Marek", "Yes."))]
    log = read(table(tmp_path / "t.csv", [["ticket", "author", "message"], *rows]))
    assert [(m.role, m.author) for m in log[4].messages] == [("customer", "Cust 4"), ("agent", "Marek")]


def test_messages_with_their_speaker_before_them(tmp_path: Path) -> None:
    rows = [
        ["message"],
        ["Customer: where is it?"],
        ["Agent: On its way."],
        ["Customer: hello, refund?"],
        ["Agent: Yes."],
    ]
    log = read(table(tmp_path / "t.csv", rows * 1))
    assert [roles(c) for c in log] == [
        [("customer", "where is it?"), ("agent", "On its way.")],
        [("customer", "hello, refund?"), ("agent", "Yes.")],
    ]


def test_rows_without_ids_are_split_at_signs_and_it_is_said(tmp_path: Path) -> None:
    talk = [
        ["customer", "Hello, where is it?"],
        ["agent", "It left."],
        ["customer", "thanks"],
        ["agent", "Have a nice day!"],
    ]
    second = [["customer", "Can I return it?"], ["agent", "Within 30 days,\nunused."]]
    said: list[str] = []
    path = table(tmp_path / "t.csv", [["role", "text"], *talk, *second, *talk])
    log = read(path, on_mapping=said.append)
    assert [len(c.messages) for c in log] == [4, 2, 4]
    assert "no column says which messages belong together" in said[1]
    assert "greetings and farewells" in said[1]


def test_rows_without_ids_or_signs_are_questions_with_their_answers(tmp_path: Path) -> None:
    rows = [["role", "text"]]
    for i in range(12):
        rows += [["customer", f"Question {i}?"], ["customer", "It is urgent."], ["agent", f"Answer {i}."]]
    said: list[str] = []
    log = read(table(tmp_path / "t.csv", rows), on_mapping=said.append)
    assert [len(c.messages) for c in log] == [3] * 12
    assert "each question with its answers" in said[1]


def entries(*texts: tuple[str, str, float | None]) -> list[tuple[int, Message]]:
    return [(0, Message(role, text, time=time)) for role, text, time in texts]  # type: ignore[arg-type]


def test_pauses_and_greetings_of_agents_split_too() -> None:
    rows = entries(
        ("customer", "where is it", 0.0),
        ("agent", "here. goodbye", 60.0),
        ("agent", "Hello, how may I help?", 100.0),
        ("customer", "refund", 160.0),
        ("customer", "anyone", 9000.0),
    )
    assert [len(talk) for talk in Splitter().split(rows)] == [2, 2, 1]
    assert has_signs(rows)
    assert not has_signs(rows[:2])


def test_a_title_above_the_header_and_a_separator_for_excel(tmp_path: Path) -> None:
    rows = [["Export of March"], [], ["question", "answer"], ["Open?", "9 to 5."]]
    for path in (table(tmp_path / "t.csv", rows), tmp_path / "s.csv"):
        if path.name == "s.csv":
            path.write_text("sep=;\r\nquestion;answer\r\nOpen?;9, 10, 11 to 5.\r\n", encoding="utf-8-sig", newline="")
        (only,) = read(path)
        assert only.messages[0].text == "Open?"


def test_spreadsheet_formulas_are_text_or_their_value(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["question", "answer"])  # type: ignore[union-attr]
    book.active.append(["What is 1+1?", "=1+1"])  # type: ignore[union-attr]
    book.active.append(["Open?", "Yes."])  # type: ignore[union-attr]
    book.save(tmp_path / "t.xlsx")
    problems: list[Problem] = []
    with pytest.raises(InputError, match="1 of 2 lines are broken"):  # nothing has computed the formula yet
        read(tmp_path / "t.xlsx", on_problem=problems.append)
    assert problems[0].got == "no answer"
    (only,) = read(table(tmp_path / "t.csv", [["question", "answer"], ["What?", "=HYPERLINK(1)"]]))
    assert only.messages[1].text == "=HYPERLINK(1)"


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"ticket": [1, 1, 2], "role": ["customer", "agent", "customer"], "text": ["Hi? 你好", "Yes.", None]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    (only,) = read(tmp_path / "t.parquet")
    assert (only.id, roles(only)) == ("1", [("customer", "Hi? 你好"), ("agent", "Yes.")])
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    with pytest.raises(InputError, match="a damaged Parquet file"):
        read(tmp_path / "cut.parquet")


def test_a_table_without_a_header_does_not_end_up_in_the_error(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["+47 912 34 567", "anna.berg@example.com", "my card is 4111 1111 1111 1111"]])
    with pytest.raises(InputError) as caught:
        read(path)
    assert not any(secret in str(caught.value) for secret in ("912", "anna", "4111"))
    assert "3 that look like no name" in str(caught.value)


@pytest.mark.skipif(not BANKING.exists(), reason="banking77 is not on this machine")
def test_the_real_banking77() -> None:
    log = read(BANKING)
    assert len(log) == 3080
    assert len({m.intent for c in log for m in c.messages}) == 77


def test_half_pairs_of_surrogates_in_flat_json(tmp_path: Path) -> None:
    rows = [
        {"conversation": "c\ud800", "role": r, "text": "hi \udc00", "author": "\ud83d"} for r in ("customer", "agent")
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (only,) = read(path)
    json.dumps(only.to_json(), ensure_ascii=False).encode()


def test_a_full_disk_of_temporary_files_is_told_as_one() -> None:
    def fill() -> None:
        with temporary_store() as store:
            store.execute("PRAGMA max_page_count = 2")
            store.execute("CREATE TABLE message (text)")
            store.execute("INSERT INTO message VALUES (zeroblob(100000))")

    with pytest.raises(OSError, match="No space left") as caught:
        fill()
    assert caught.value.errno == errno.ENOSPC
