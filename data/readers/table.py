"""Tables: CSV, TSV, XLSX, and JSON lines of flat objects; one message a row, or one question with its answer a row.

Rows of one conversation need not stand together: they are gathered in a temporary SQLite database, which spills to
disk, so that a large export needs little memory.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from itertools import chain, islice
from typing import Any

from data.errors import InputError
from data.readers.columns import describe, find_columns
from data.readers.source import Problems, Source
from data.readers.times import choose_parser
from data.schema import Conversation, Message, Role

_SAMPLE_ROWS = 500
_LONGEST_FIELD = 1 << 20
_ROLES: dict[Role, str] = {
    "customer": """customer client user visitor guest buyer consumer caller inbound incoming in end-user enduser
        requester contact shopper member human lead received c u
        客户 用户 顾客 买家 访客 会员 客人 消费者 咨询者 来访者""",
    "agent": """agent support staff assistant operator rep representative outbound outgoing out admin employee
        advisor seller merchant bot team helpdesk teammate csr sent a wizard service
        客服 坐席 商家 卖家 店家 人工 机器人 人工客服 在线客服 店小二""",
    "system": """system note event notification automation auto private internal api s
        系统 通知 备注 系统消息 内部备注""",
}
_ROLE_OF: dict[str, Role] = {word: role for role, names in _ROLES.items() for word in names.split()}

Row = tuple[int, list[str]]
"""Line number and the values of a row."""


def read(
    source: Source, problems: Problems, *, mapping: str | None, on_mapping: Callable[[str], None] | None
) -> Iterator[Conversation]:
    """Streams the conversations of a table, in the order in which each began in it.

    Args:
        source: The file.
        problems: Where rows that cannot be read go.
        mapping: See `data.readers.columns.find_columns`.
        on_mapping: Called with the line that says how the columns are read.

    Raises:
        InputError: No header with the needed columns, or roles that cannot be told.
    """
    header, rows = _rows(source, problems)
    columns = find_columns(source.path, header, mapping)
    if on_mapping:
        on_mapping(f"{source.path.name}: {describe(header, columns)}")
    if "question" in columns:
        return _pairs(rows, columns, problems)
    return _messages(rows, columns, source, problems)


def _rows(source: Source, problems: Problems) -> tuple[list[str], Iterator[Row]]:
    if source.kind == "xlsx":
        return _with_header(source, _sheet(source))
    if source.head.lstrip()[:1] == "{":
        return _json_rows(source, problems)
    return _with_header(source, _csv_rows(source, problems))


def _with_header(source: Source, rows: Iterator[Row]) -> tuple[list[str], Iterator[Row]]:
    """The first row that is not empty, and the rest."""
    for number, values in rows:
        if any(value.strip() for value in values):
            return [value.strip() for value in values], rows
        if number > 50:
            break
    raise InputError(
        str(source.path),
        got="no row with names of columns",
        expected="a header such as conversation,role,text,time",
        next_step="Put the names of the columns into the first row.",
    )


def _csv_rows(source: Source, problems: Problems) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    lines = (line for _, line in source.lines(problems, newline=""))
    reader = csv.reader(lines, delimiter=_delimiter(source.head), strict=False)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.report(reader.line_num, str(error), "a row of CSV")
            continue
        yield reader.line_num, row


def _delimiter(head: str) -> str:
    """What separates the names in the header: the candidate that occurs most often in the first line."""
    first = next((line for line in head.splitlines() if line.strip()), "")
    return max(",\t;|", key=lambda mark: (first.count(mark), mark == ","))


def _sheet(source: Source) -> Iterator[Row]:
    """Rows of the first sheet, as texts."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(source.path, read_only=True, data_only=True)
    except (InvalidFileException, KeyError, ValueError, OSError) as error:
        raise InputError(
            str(source.path), got=f"a damaged XLSX file ({error})", expected="a spreadsheet", next_step="Save it again."
        ) from error
    with closing(book):
        for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            yield number, [_cell(value) for value in row]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _json_rows(source: Source, problems: Problems) -> tuple[list[str], Iterator[Row]]:
    objects = _objects(source, problems)
    first = list(islice(objects, 100))
    header = list(dict.fromkeys(key for _, row in first for key in row))
    return header, ((n, [_cell(row.get(key)) for key in header]) for n, row in chain(first, objects))


def _objects(source: Source, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in source.lines(problems):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            problems.report(number, f"broken JSON ({error})", "one JSON object a line")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            problems.report(number, f"JSON {type(row).__name__}", "a JSON object")


def _pairs(rows: Iterator[Row], columns: dict[str, int], problems: Problems) -> Iterator[Conversation]:
    """One conversation a row: a question and its answer."""
    parse_time, rows = _time_parser(rows, columns)
    for number, values in rows:
        question, answer = _value(values, columns, "question"), _value(values, columns, "answer")
        if not question and not answer:
            continue  # an empty row
        if not question or not answer:
            problems.report(number, "no question" if not question else "no answer", "both a question and an answer")
            continue
        time = parse_time(_value(values, columns, "time"))
        yield Conversation(
            id=_value(values, columns, "conversation") or f"row-{number}",
            messages=(Message("customer", question, time=time), Message("agent", answer, time=time)),
            language=_value(values, columns, "language") or None,
            topic=_value(values, columns, "topic") or None,
        )


def _messages(
    rows: Iterator[Row], columns: dict[str, int], source: Source, problems: Problems
) -> Iterator[Conversation]:
    """One message a row."""
    if "conversation" not in columns:
        raise InputError(
            f"{source.path} line 1",
            got="no column that says which messages belong together",
            expected="a column such as conversation_id or ticket",
            next_step="Name it: --map conversation=COLUMN",
        )
    parse_time, rows = _time_parser(rows, columns)
    with closing(sqlite3.connect("")) as store:  # "" is a temporary database that spills to disk
        _store(store, rows, columns, problems, parse_time)
        roles = _tell_roles(store, source)
        yield from _gathered(store, roles)


def _time_parser(rows: Iterator[Row], columns: dict[str, int]) -> tuple[Callable[[str], float | None], Iterator[Row]]:
    """How the time column is written, from the first rows, and all rows again."""
    first = list(islice(rows, _SAMPLE_ROWS))
    parse = choose_parser([_value(values, columns, "time") for _, values in first])
    return parse, chain(first, rows)


def _value(values: list[str], columns: dict[str, int], field: str) -> str:
    position = columns.get(field)
    return values[position].strip() if position is not None and position < len(values) else ""


_FIELDS = ("conversation", "role", "text", "author", "label", "topic", "language")


def _store(
    store: sqlite3.Connection,
    rows: Iterator[Row],
    columns: dict[str, int],
    problems: Problems,
    parse_time: Callable[[str], float | None],
) -> None:
    store.execute(f"CREATE TABLE message (number INTEGER, time REAL, {', '.join(_FIELDS)})")
    store.executemany(
        f"INSERT INTO message VALUES (?, ?{', ?' * len(_FIELDS)})",
        (
            (number, parse_time(_value(values, columns, "time")), *(_value(values, columns, f) for f in _FIELDS))
            for number, values in rows
            if _whole(number, values, columns, problems)
        ),
    )
    store.execute("CREATE INDEX by_conversation ON message (conversation, number)")


def _whole(number: int, values: list[str], columns: dict[str, int], problems: Problems) -> bool:
    if not any(values) or not _value(values, columns, "text"):
        return False  # an empty row, or a message that is only a picture
    for field in ("conversation", "role"):
        if not _value(values, columns, field):
            problems.report(number, f"no {field}", f"a value in the column of the {field}")
            return False
    return True


def _tell_roles(store: sqlite3.Connection, source: Source) -> dict[str, Role]:
    """Role of each value of the role column.

    Where the values are people and not roles, those who speak in many conversations are agents.

    Args:
        store: The messages.
        source: The table, for messages.

    Raises:
        InputError: No value can be told to be a customer, or none an agent.
    """
    spread = dict(store.execute("SELECT role, COUNT(DISTINCT conversation) FROM message GROUP BY role"))
    roles = {value: role for value in spread if (role := _role_of(value))}
    unknown = [value for value in spread if value not in roles]
    sides = {"customer", "agent"} & set(roles.values())
    total = store.execute("SELECT COUNT(DISTINCT conversation) FROM message").fetchone()[0]
    for value in unknown:
        busy = spread[value] >= max(3, total // 50)
        if len(sides) == 2:
            roles[value] = "system"
        elif sides:  # one side is named by its role: the names are the other side
            roles[value] = "agent" if "customer" in sides else "customer"
        else:
            roles[value] = "agent" if busy else "customer"
    if not {"customer", "agent"} <= set(roles.values()):
        shown = ", ".join(repr(value) for value, _ in Counter(spread).most_common(5))
        raise InputError(
            f"{source.path}, the column of the role",
            got=f"values {shown}",
            expected="values such as customer and agent, or the names of people",
            next_step="Name the right column: --map role=COLUMN",
        )
    return roles


def _role_of(value: str) -> Role | None:
    plain = value.strip().lower().replace("_", "-").replace(" ", "-")
    return _ROLE_OF.get(plain) or next((_ROLE_OF[p] for p in plain.split("-") if len(p) > 1 and p in _ROLE_OF), None)


def _gathered(store: sqlite3.Connection, roles: dict[str, Role]) -> Iterator[Conversation]:
    order = "SELECT conversation, MIN(number) AS first FROM message GROUP BY conversation ORDER BY first"
    wanted = f"SELECT number, time, {', '.join(_FIELDS)} FROM message WHERE conversation = ? ORDER BY number"
    for name, _ in store.execute(order).fetchall():
        rows = store.execute(wanted, (name,)).fetchall()
        if all(row[1] is not None for row in rows):
            rows.sort(key=lambda row: row[1])  # stable: rows of one second keep their order
        messages = tuple(
            Message(roles[role], text, time=time, author=author or _person(role, roles), label=label or None)
            for _, time, _, role, text, author, label, _, _ in rows
        )
        topic = next((row[7] for row in rows if row[7]), None)
        language = next((row[8] for row in rows if row[8]), None)
        yield Conversation(id=str(name), messages=messages, language=language, topic=topic)


def _person(role: str, roles: dict[str, Role]) -> str | None:
    """The role column's value as author, where it names a person and not a role."""
    return None if _role_of(role) or roles[role] == "system" else role
