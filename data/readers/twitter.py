"""The Kaggle CSV "Customer Support on Twitter": tweets joined into conversations by the ids they reply to.

A conversation is one customer's side of a thread with what brands said in between: where several customers reply to one
tweet of a brand, each has a conversation of their own, begun by that tweet.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from data.errors import InputError
from data.readers.checks import checked
from data.readers.gather import temporary_store
from data.readers.rows import read_rows
from data.readers.source import Problems, Source
from data.readers.times import read_iso
from data.schema import Conversation, Message

_NAMES = ("tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id", "response_tweet_id")
_NEEDED = ("tweet_id", "author_id", "inbound", "text", "in_response_to_tweet_id")
_TRUE = frozenset(("true", "1", "yes"))
_LARGEST_ID = 1 << 62
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_CREATED = re.compile(
    r"(\w{3}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d\d) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})", re.ASCII
)

_THREAD = """
WITH RECURSIVE thread(id) AS (
    SELECT ? UNION SELECT tweet.id FROM tweet JOIN thread ON tweet.parent = thread.id
)
SELECT id, parent, author, inbound, time, text FROM tweet JOIN thread USING (id) ORDER BY time IS NULL, time, number
"""
_ROOTS = """
SELECT id FROM tweet WHERE parent IS NULL OR parent NOT IN (SELECT id FROM tweet) ORDER BY number
"""

Tweet = tuple[int, "int | None", str, int, "float | None", str]
"""id, parent, author, inbound, time, text."""


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the conversations, in the order in which the first tweet of each stands in the file.

    Raises:
        InputError: A needed column is missing.
    """
    header, rows = read_rows(source, problems)
    at = {name: header.index(name) for name in _NAMES if name in header}
    if missing := [name for name in _NEEDED if name not in at]:
        raise InputError(
            f"{source.path} line 1",
            got=f"no column {missing[0]}",
            expected=f"the columns {', '.join(_NAMES)}",
            next_step="Download the file again, or leave out --format.",
        )
    return _threads(rows, at, problems)


def _threads(rows: Iterator[tuple[int, list[str]]], at: dict[str, int], problems: Problems) -> Iterator[Conversation]:
    with temporary_store() as store:
        store.execute("CREATE TABLE tweet (number INTEGER PRIMARY KEY, id UNIQUE, parent, author, inbound, time, text)")
        store.execute("CREATE TABLE reply (id PRIMARY KEY, parent) WITHOUT ROWID")
        _fill(store, rows, at, problems)
        store.execute(
            "UPDATE tweet SET parent = (SELECT parent FROM reply WHERE reply.id = tweet.id) WHERE parent IS NULL"
        )
        store.execute("CREATE INDEX by_parent ON tweet (parent)")
        seen = 0
        for (root,) in store.execute(_ROOTS):
            thread: list[Tweet] = store.execute(_THREAD, (root,)).fetchall()
            seen += len(thread)
            yield from _conversations(root, thread)
        lost = store.execute("SELECT COUNT(*) FROM tweet").fetchone()[0] - seen
        if lost:
            problems.report(1, f"{lost} tweets that reply to each other in a circle", "threads with a beginning")


def _fill(
    store: sqlite3.Connection, rows: Iterator[tuple[int, list[str]]], at: dict[str, int], problems: Problems
) -> None:
    def value(values: list[str], name: str) -> str:
        return values[at[name]].strip() if name in at and at[name] < len(values) else ""

    for number, values in rows:
        if not any(values):
            continue
        own, text, author = _number(value(values, "tweet_id")), value(values, "text"), value(values, "author_id")
        if own is None or not text or not author:
            problems.report(number, "a row without number, author or text", "a tweet")
            continue
        time, inbound = value(values, "created_at"), value(values, "inbound").lower() in _TRUE
        problems.good += 1
        row = (own, _number(value(values, "in_response_to_tweet_id")), author, inbound, _time(time), text)
        store.execute("INSERT OR IGNORE INTO tweet (id, parent, author, inbound, time, text) VALUES (?,?,?,?,?,?)", row)
        for reply in value(values, "response_tweet_id").split(","):
            if (child := _number(reply)) is not None:
                store.execute("INSERT OR IGNORE INTO reply VALUES (?, ?)", (child, own))


def _time(text: str) -> float | None:
    """Reads ``Tue Oct 31 22:10:47 +0000 2017``; ``strptime`` takes ten times as long, and there are millions."""
    match = _CREATED.fullmatch(text)
    if match is None:
        return read_iso(text)
    _, month, day, clock, zone, year = match.groups()
    return read_iso(f"{year}-{_MONTHS.index(month) // 3 + 1:02}-{day}T{clock}{zone[:3]}:{zone[3:]}")


def _number(text: str) -> int | None:
    """An id; pandas writes a column with gaps as 12.0."""
    text = text.strip().removesuffix(".0")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    return number if number is not None and number < _LARGEST_ID else None


def _conversations(root: int, thread: list[Tweet]) -> Iterator[Conversation]:
    parents = {tweet[0]: tweet for tweet in thread}
    customers = list(dict.fromkeys(tweet[2] for tweet in thread if tweet[3]))
    owner: dict[int, str | None] = {}
    for tweet in thread:
        _settle(tweet, parents, owner)
    for customer in customers:
        mine = [tweet for tweet in thread if owner[tweet[0]] in (customer, None)]
        messages = tuple(
            Message("customer" if inbound else "agent", text, time=time, author=author)
            for _, _, author, inbound, time, text in mine
        )
        name = f"tweet-{root}" if len(customers) == 1 else f"tweet-{root}-{customer}"
        yield checked(Conversation(name, messages, channel="twitter"))


def _settle(tweet: Tweet, parents: dict[int, Tweet], owner: dict[int, str | None]) -> None:
    """Whose conversation a tweet belongs to: its customer author's, else that of what it replies to; None is all."""
    path: list[Any] = []
    at: Tweet | None = tweet
    while at is not None and at[0] not in owner and not at[3]:
        path.append(at[0])
        at = parents.get(at[1]) if at[1] is not None else None
    found = None if at is None else at[2] if at[3] else owner[at[0]]
    if at is not None:
        owner[at[0]] = found
    owner.update(dict.fromkeys(path, found))
