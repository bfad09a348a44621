"""mbox: mails put into threads by the ids they refer to, else by subject and people.

A file has customers' mails and answers. Who answers is told by ``--map agent=help@example.com`` (an address or a
domain, several with ``|``), else it is the address that most threads have, with all of its domain unless that is a
public one.
"""

from __future__ import annotations

import email
import email.utils
import re
import sqlite3
from collections.abc import Iterator
from email.message import Message as Mail
from typing import TYPE_CHECKING, NamedTuple

from data.courtesy import words
from data.readers.checks import BROKEN_RECORD, checked, writable
from data.readers.gather import temporary_store
from data.readers.mailtext import mail_text
from data.readers.source import Problems, Source
from data.readers.whatsapp import agents_of
from data.schema import Conversation, Message, Role

if TYPE_CHECKING:
    from data.readers import Options

LARGEST_MAIL = 2 << 20
"""Bytes of a mail that are read: what people write is at the start, attachments follow."""

LONGEST_REFERENCES = 50
"""Ids in References that count, the newest."""

_FROM = re.compile(rb"From (?:\S+@?\S*|-) +\w{3} +\w{3} +\d|From - ")
_PREFIX = re.compile(
    r"^(?:\s*(?:re|aw|sv|fw|fwd|wg|tr|antw|回复|答复|转发|回覆)\s*(?:\[\d+\])?\s*[:：])+\s*", re.IGNORECASE
)
_ID = re.compile(r"<[^<>\s]{1,500}>")
_PUBLIC = words(
    """gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com aol.com gmx.de gmx.net
    web.de proton.me protonmail.com mail.ru yandex.ru qq.com foxmail.com 163.com 126.com sina.com sohu.com 139.com"""
)
_EXPECTED = "a mail with From and a text"
_TABLES = """
CREATE TABLE mail (
    number INTEGER PRIMARY KEY, thread INTEGER, sender TEXT, name TEXT, time REAL, text TEXT, auto INTEGER
);
CREATE TABLE known (id TEXT PRIMARY KEY, thread INTEGER) WITHOUT ROWID;
CREATE INDEX known_thread ON known (thread);
CREATE TABLE person (address TEXT, thread INTEGER, PRIMARY KEY (address, thread)) WITHOUT ROWID;
CREATE INDEX person_thread ON person (thread);
CREATE INDEX mail_thread ON mail (thread);
"""


class _Mail(NamedTuple):
    """What is kept of a mail."""

    ids: list[str]
    """Its own id first, then those it refers to."""
    subject: str
    """Without Re: and the like, in lower case."""
    reply: bool
    sender: str
    name: str
    people: list[str]
    time: float | None
    text: str
    auto: bool


def read(source: Source, problems: Problems, options: Options) -> Iterator[Conversation]:
    """Streams the threads, in the order in which each began in the file.

    Raises:
        InputError: A mapping that does not name agents.
    """
    return _threads(source, problems, options, agents_of(options.mapping))


def _threads(source: Source, problems: Problems, options: Options, agents: frozenset[str]) -> Iterator[Conversation]:
    with temporary_store() as store:
        store.executescript(_TABLES)
        for number, raw in _mails(source):
            mail = _parse(raw)
            if mail is None:
                problems.report(number, "a mail without sender or text", _EXPECTED)
            elif mail.text:
                problems.good += 1
                _add(store, mail)
        agents = agents or _guess_agents(store, source, options)
        order = "SELECT thread, MIN(number) AS first FROM mail GROUP BY thread ORDER BY first"
        wanted = "SELECT sender, name, time, text, auto FROM mail WHERE thread = ? ORDER BY time IS NULL, time, number"
        for thread, _ in store.execute(order):
            rows = store.execute(wanted, (thread,)).fetchall()
            messages = tuple(
                Message(_role(sender, auto, agents), text, time=time, author=name or sender)
                for sender, name, time, text, auto in rows
            )
            yield checked(Conversation(f"mail-{thread}", messages, channel="email"))


def _mails(source: Source) -> Iterator[tuple[int, bytes]]:
    """(line, bytes) of each mail, cut at ``LARGEST_MAIL``."""
    held: list[bytes] = []
    size, first, blank = 0, 1, True
    with source.place.open() as stream:
        number = 0
        while line := stream.readline(LARGEST_MAIL):
            number += 1
            if blank and _FROM.match(line):
                if held:
                    yield first, b"".join(held)
                held, size, first = [], 0, number
            elif size < LARGEST_MAIL:
                held.append(line[1:] if line.startswith(b">From ") else line)
                size += len(line)
            blank = line in (b"\n", b"\r\n")
    if held:
        yield first, b"".join(held)


def _parse(raw: bytes) -> _Mail | None:
    """Reads a mail; None for what has no sender or is none. Its text is empty where only an attachment was sent."""
    try:
        return _read(email.message_from_bytes(raw))
    except BROKEN_RECORD:  # the library raises all sorts on broken structures
        return None


def _read(mail: Mail[str, str]) -> _Mail | None:
    name, sender = email.utils.parseaddr(_header(mail, "from"))
    if "@" not in sender:
        return None
    own, parents = _ID.findall(_header(mail, "message-id")), _ID.findall(_header(mail, "in-reply-to"))
    references = _ID.findall(_header(mail, "references"))[-LONGEST_REFERENCES:]
    subject = _header(mail, "subject")
    bare = _PREFIX.sub("", subject)
    others = [address for _, address in email.utils.getaddresses([_header(mail, "to"), _header(mail, "cc")][:50])]
    return _Mail(
        ids=[*own[:1], *parents, *references],
        subject=" ".join(bare.lower().split())[:200],
        reply=bare != subject,
        sender=sender.lower(),
        name=" ".join(name.split())[:200],
        people=[address.lower() for address in (sender, *others) if "@" in address][:50],
        time=_time(mail),
        text=mail_text(mail),
        auto=_header(mail, "auto-submitted").lower().startswith("auto-"),
    )


def _header(mail: Mail[str, str], name: str) -> str:
    """A header (named in lower case), decoded; empty where there is none."""
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    value = next((value for key, value in mail.raw_items() if key.lower() == name), "")[:20_000]
    if not value.isascii():  # bytes that the standard forbids there; programs of the East write them all the same
        value = _decode(value.encode("utf-8", errors="surrogateescape"))
    if "=?" not in value:
        return writable(value)
    try:
        return writable(str(make_header(decode_header(value))))
    except (HeaderParseError, LookupError, ValueError):
        return writable(value)


def _decode(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("gb18030", errors="replace")


def _time(mail: Mail[str, str]) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(_header(mail, "date")).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _add(store: sqlite3.Connection, mail: _Mail) -> None:
    threads = _known(store, mail.ids)
    keys = _subject_keys(mail)
    if not threads and mail.reply:  # for programs that leave out the ids
        threads |= _known(store, keys)
    thread = min(threads) if threads else store.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM mail").fetchone()[0]
    for other in threads - {thread}:  # this mail joins what seemed apart
        store.execute("UPDATE mail SET thread = ? WHERE thread = ?", (thread, other))
        store.execute("UPDATE known SET thread = ? WHERE thread = ?", (thread, other))
        store.execute("UPDATE OR IGNORE person SET thread = ? WHERE thread = ?", (thread, other))
    store.executemany("INSERT OR IGNORE INTO known VALUES (?, ?)", ((known, thread) for known in (*mail.ids, *keys)))
    store.executemany("INSERT OR IGNORE INTO person VALUES (?, ?)", ((address, thread) for address in mail.people))
    row = (thread, mail.sender, mail.name, mail.time, mail.text, mail.auto)
    store.execute("INSERT INTO mail (thread, sender, name, time, text, auto) VALUES (?, ?, ?, ?, ?, ?)", row)


def _known(store: sqlite3.Connection, ids: list[str]) -> set[int]:
    """The threads of mails with these ids."""
    found = (store.execute("SELECT thread FROM known WHERE id = ?", (known,)).fetchone() for known in ids)
    return {row[0] for row in found if row}


def _subject_keys(mail: _Mail) -> list[str]:
    """Subject and sender with each of the first receivers: what a mail and the answer to it have in common."""
    pairs = (sorted((mail.sender, other)) for other in mail.people[1:6])
    return [" ".join((mail.subject, *pair)) for pair in pairs] if mail.subject else []


def _guess_agents(store: sqlite3.Connection, source: Source, options: Options) -> frozenset[str]:
    """The address that most threads have, or its domain."""
    query = "SELECT address, COUNT(*) AS n FROM person GROUP BY address ORDER BY n DESC, address LIMIT 20"
    rows = store.execute(query).fetchall()
    if not rows:
        return frozenset()
    row = max(rows, key=lambda row: (row[1], row[0].rpartition("@")[2] not in _PUBLIC))
    domain = row[0].rpartition("@")[2]
    own = row[0] if domain in _PUBLIC else domain
    kind = "one address" if own == row[0] else "one domain"
    options.say(
        f"{source.path.name}: mails of {kind}, which {row[1]} threads have, are the agents' "
        "(change with --map agent=ADDRESS)"
    )
    return frozenset((own,))


def _role(sender: str, auto: int, agents: frozenset[str]) -> Role:
    if sender in agents or sender.rpartition("@")[2] in agents:
        return "system" if auto else "agent"  # an automatic answer is no person's
    return "customer"
