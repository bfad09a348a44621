"""Tables: CSV, TSV, XLSX, Parquet, and JSON of flat objects, in the shapes of `data.readers.columns.SHAPES`.

Rows of one conversation need not stand together: they are gathered in a temporary SQLite database, which spills to
disk, so that a large export needs little memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from data.errors import InputError
from data.readers.checks import checked, shown
from data.readers.columns import describe, find_columns, shape_of
from data.readers.gather import temporary_store
from data.readers.order import LOOKED_AT, Numbered, Splitter, has_signs
from data.readers.ratings import read_rating
from data.readers.roles import role_of
from data.readers.rows import Row, read_rows
from data.readers.source import Problems, Source
from data.readers.times import choose_parser
from data.readers.transcript import read_prefixed, read_transcript
from data.schema import Conversation, Message, Role

if TYPE_CHECKING:
    from data.readers import Options

_SAMPLE_ROWS = 500
_FIELDS = ("conversation", "role", "text", "author", "label", "topic", "language", "intent", "satisfaction")

Entry = tuple[object, ...]
"""Line, count of empty rows before it, time, and the values of ``_FIELDS``."""


def read(source: Source, problems: Problems, options: Options) -> Iterator[Conversation]:
    """Streams the conversations of a table, in the order in which each began in it.

    Args:
        source: The file.
        problems: Where rows that cannot be read go.
        options: The columns (see `data.readers.columns.find_columns`), and who is told how they are read.

    Raises:
        InputError: No header with the needed columns, or roles that cannot be told.
    """
    header, rows = read_rows(source, problems)
    first = list(islice(rows, _SAMPLE_ROWS))
    columns = find_columns(source.path, header, options.mapping, [values for _, values in first])
    options.say(f"{source.path.name}: {describe(header, columns)}")
    parse_time = choose_parser([_value(values, columns, "time") for _, values in first])
    table = _Table(source, problems, options, columns, parse_time)
    return table.read(chain(first, rows))


def _value(values: list[str], columns: dict[str, int], field: str) -> str:
    position = columns.get(field)
    return values[position].strip() if position is not None and position < len(values) else ""


class _Table:
    """A table whose columns are known."""

    def __init__(
        self,
        source: Source,
        problems: Problems,
        options: Options,
        columns: dict[str, int],
        parse_time: Callable[[str], float | None],
    ) -> None:
        self.source, self.problems, self.options = source, problems, options
        self.columns, self.parse_time = columns, parse_time

    def read(self, rows: Iterator[Row]) -> Iterator[Conversation]:
        shape = shape_of(self.columns)
        if shape == "pairs":
            return self._pairs(rows)
        if shape == "labelled":
            return self._labelled(rows)
        entries = {"transcript": self._of_transcripts, "prefixed": self._of_prefixed}.get(shape, self._of_rows)
        return self._gathered(entries(rows))

    def value(self, values: list[str], field: str) -> str:
        return _value(values, self.columns, field)

    def time(self, values: list[str]) -> float | None:
        return self.parse_time(self.value(values, "time"))

    def _pairs(self, rows: Iterator[Row]) -> Iterator[Conversation]:
        """One conversation a row: a question and its answer."""
        for number, values in rows:
            question, answer = self.value(values, "question"), self.value(values, "answer")
            if not question and not answer:
                continue  # an empty row
            if not question or not answer:
                got = "no question" if not question else "no answer"
                self.problems.report(number, got, "both a question and an answer")
                continue
            time = self.time(values)
            messages = (Message("customer", question, time=time), Message("agent", answer, time=time))
            yield self._conversation(self.value(values, "conversation") or f"row-{number}", messages, values)

    def _labelled(self, rows: Iterator[Row]) -> Iterator[Conversation]:
        """One message of a customer a row, with its intent."""
        field = next(name for name in ("intent", "topic", "label") if name in self.columns)
        for number, values in rows:
            text, intent = self.value(values, "text"), self.value(values, field)
            if not text and not intent:
                continue
            if not text or not intent:
                self.problems.report(number, "no text" if not text else "no intent", "both a text and its intent")
                continue
            message = Message("customer", text, time=self.time(values), intent=intent)
            yield checked(Conversation(f"row-{number}", (message,), language=self.value(values, "language") or None))

    def _conversation(self, name: str, messages: tuple[Message, ...], values: list[str]) -> Conversation:
        language, topic = self.value(values, "language") or None, self.value(values, "topic") or None
        rating = read_rating(self.value(values, "satisfaction"))
        return checked(Conversation(name, messages, language=language, topic=topic, satisfaction=rating))

    def _of_rows(self, rows: Iterator[Row]) -> Iterator[Entry]:
        """A message a row."""
        empty = 0
        needed = [_FIELDS.index(field) for field in ("conversation", "role") if field in self.columns]
        text = _FIELDS.index("text")
        places = [self.columns.get(field) for field in _FIELDS]
        for number, values in rows:
            if not any(values):
                empty += 1
                continue
            width = len(values)
            found = [values[at].strip() if at is not None and at < width else "" for at in places]
            if not found[text]:
                continue  # a message that is only a picture
            if missing := next((_FIELDS[at] for at in needed if not found[at]), None):
                self.problems.report(number, f"no {missing}", f"a value in the column of the {missing}")
                continue
            self.problems.good += 1
            yield number, empty, self.time(values), *found

    def _of_prefixed(self, rows: Iterator[Row]) -> Iterator[Entry]:
        """A message a row, its speaker before it; a row without one goes on with the message before."""
        empty, name = 0, ""
        for number, values in rows:
            if not any(values):
                empty += 1
                continue
            said = read_prefixed(self.value(values, "text"))
            name = said.name if said else name
            text = said.text if said else self.value(values, "text")
            if name and text:
                known = {"conversation": self.value(values, "conversation"), "role": name, "text": text}
                known["language"] = self.value(values, "language")
                yield number, empty, self.time(values), *(known.get(field, "") for field in _FIELDS)

    def _of_transcripts(self, rows: Iterator[Row]) -> Iterator[Entry]:
        """A conversation a row."""
        for number, values in rows:
            text = self.value(values, "transcript")
            if not text:
                continue
            started = self.time(values)
            said = read_transcript(text, started=started)
            if len(said) < 2:
                self.problems.report(
                    number, "a text in which no two speakers are told apart", "lines such as 'Agent: …'"
                )
                continue
            known = {field: self.value(values, field) for field in ("topic", "language", "satisfaction")}
            known["conversation"] = self.value(values, "conversation") or f"row-{number}"
            for message in said:
                entry = known | {"role": message.name, "text": message.text}
                yield number, 0, message.time or started, *(entry.get(field, "") for field in _FIELDS)

    def _gathered(self, entries: Iterator[Entry]) -> Iterator[Conversation]:
        with temporary_store() as store:
            store.execute(f"CREATE TABLE message (number, empty, time REAL, {', '.join(_FIELDS)})")
            store.executemany(f"INSERT INTO message VALUES (?, ?, ?{', ?' * len(_FIELDS)})", entries)
            split = "conversation" not in self.columns and "transcript" not in self.columns
            roles = _Roles(store, self.source, ids=not split)
            if split:
                yield from self._by_order(store, roles)
                return
            store.execute("CREATE INDEX by_conversation ON message (conversation)")
            yield from _by_id(store, roles)

    def _by_order(self, store: sqlite3.Connection, roles: _Roles) -> Iterator[Conversation]:
        """Conversations of a table without ids; see `data.readers.order`."""
        query = f"SELECT rowid, empty, time, {', '.join(_FIELDS)} FROM message ORDER BY rowid"
        rows = ((row[1], roles.message(row)) for row in store.execute(query))
        first = list(islice(rows, LOOKED_AT))
        by_turn = not has_signs(first)
        how = "each question with its answers" if by_turn else "at empty rows, pauses, greetings and farewells"
        self.options.say(
            f"{self.source.path.name}: no column says which messages belong together, so they are split by their order "
            f"({how}). If there is one: --map conversation=COLUMN"
        )
        everything: Iterator[Numbered] = chain(first, rows)
        for number, talk in enumerate(Splitter(by_turn=by_turn).split(everything), start=1):
            yield checked(Conversation(f"part-{number}", tuple(message for _, message in talk)))


class _Roles:
    """Role of each value of the role column.

    Where the values are people and not roles, those who speak in many conversations are agents. Only agents and words
    are held in memory, as customers may be as many as conversations.

    Args:
        store: The messages.
        source: The table, for messages.
        ids: Whether the messages have ids of conversations; else an agent is who speaks in one row of five.

    Raises:
        InputError: No value can be told to be a customer, or none an agent.
    """

    def __init__(self, store: sqlite3.Connection, source: Source, *, ids: bool) -> None:
        self._known: dict[str, Role] = {}
        unknown = 0
        for (value,) in store.execute("SELECT DISTINCT role FROM message"):
            if role := role_of(value):
                self._known[value] = role
            else:
                unknown += 1
        sides = {"customer", "agent"} & set(self._known.values())
        self._words = frozenset(self._known)
        self._rest: Role = "customer"
        if len(sides) == 2:
            self._rest = "system"
        elif sides:  # one side is named by its role: the names are the other side
            self._rest = "agent" if "customer" in sides else "customer"
        else:
            self._known |= dict.fromkeys(_busy(store, ids=ids), "agent")
        others = unknown - (len(self._known) - len(self._words))
        found = set(self._known.values()) | ({self._rest} if others else set())
        if not {"customer", "agent"} <= found:
            raise _no_roles(store, source)

    def of(self, value: str) -> Role:
        """The role."""
        return self._known.get(value, self._rest)

    def message(self, row: tuple[object, ...]) -> Message:
        """The message of a row of the store: number, empty, time, then ``_FIELDS``."""
        _, _, time, _, role, text, author, label, _, _, intent, _ = row
        mine = self.of(str(role))
        name = str(author) if author else None if role in self._words or mine == "system" else str(role)
        given = str(intent) if intent and mine == "customer" else None
        moment = float(time) if isinstance(time, (int, float)) else None
        return Message(mine, str(text), time=moment, author=name, label=str(label) if label else None, intent=given)


def _busy(store: sqlite3.Connection, *, ids: bool) -> list[str]:
    """Those who speak in so many conversations (or rows) that they must be agents."""
    if not ids:
        total = store.execute("SELECT COUNT(*) FROM message").fetchone()[0]
        query = "SELECT role FROM message GROUP BY role HAVING COUNT(*) >= ?"
        return [row[0] for row in store.execute(query, (max(3, total // 5),))]
    total = store.execute("SELECT COUNT(DISTINCT conversation) FROM message").fetchone()[0]
    query = "SELECT role FROM message GROUP BY role HAVING COUNT(DISTINCT conversation) >= ?"
    return [row[0] for row in store.execute(query, (max(3, total // 50),))]


def _no_roles(store: sqlite3.Connection, source: Source) -> InputError:
    query = "SELECT role FROM message GROUP BY role ORDER BY COUNT(*) DESC, MIN(rowid) LIMIT 5"
    values = [shown(row[0]) for row in store.execute(query)]
    return InputError(
        f"{source.path}, the column of the role",
        got=f"values {', '.join(values) or 'none'}",
        expected="values such as customer and agent, or the names of people",
        next_step="Name the right column: --map role=COLUMN",
    )


def _by_id(store: sqlite3.Connection, roles: _Roles) -> Iterator[Conversation]:
    order = "SELECT conversation, MIN(rowid) AS first FROM message GROUP BY conversation ORDER BY first"
    wanted = f"SELECT number, empty, time, {', '.join(_FIELDS)} FROM message WHERE conversation = ? ORDER BY rowid"
    topic, language, intent, rated = (
        3 + _FIELDS.index(field) for field in ("topic", "language", "intent", "satisfaction")
    )
    for name, _ in store.execute(order):
        rows = store.execute(wanted, (name,)).fetchall()
        if all(row[2] is not None for row in rows):
            rows.sort(key=lambda row: row[2])  # stable: rows of one second keep their order
        tag = next((row[topic] for row in rows if row[topic]), None) or next(
            (row[intent] for row in rows if row[intent]), None
        )
        messages = tuple(roles.message(row) for row in rows)
        spoken = next((row[language] for row in rows if row[language]), None)
        rating = next((value for row in rows if (value := read_rating(row[rated])) is not None), None)
        yield checked(Conversation(str(name), messages, spoken, tag, satisfaction=rating))
