"""WhatsApp: the text export of a chat, from iOS and Android, in English and Chinese, alone or zipped with its media.

A chat goes on for months, so after ``PAUSE`` without a message a new conversation begins. The chat's file is named
after the other side, which is the customer; where the name says nothing, whoever writes first is.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.errors import InputError
from data.readers.chattimes import CLOCK, DATE, Order, choose_order, day_of, seconds_of
from data.readers.checks import checked
from data.readers.source import Problems, Source
from data.schema import Conversation, Message

if TYPE_CHECKING:
    from data.readers import Options

PAUSE = 24 * 3600.0
"""Seconds without a message after which a new conversation begins: WhatsApp's own window for answering a customer."""

LONGEST_MESSAGE = 65_536
"""Characters; WhatsApp's own limit. What follows in a damaged file is cut."""

_MARKS = "[\u200e\u200f\u202a-\u202e\ufeff]*"
_STAMP = rf"{DATE},?[\s\u202f\xa0]*{CLOCK}"
_IOS = re.compile(rf"{_MARKS}\[{_STAMP}\]\s?(?P<rest>.*)", re.DOTALL)
_ANDROID = re.compile(rf"{_MARKS}{_STAMP}[\s\u202f\xa0]?[-–]\s(?P<rest>.*)", re.DOTALL)
_SPEAKER = re.compile(r"(?P<name>[^:：\n]{1,80}?)[:：]\s(?P<text>.*)", re.DOTALL)
_NOTHING = re.compile(
    rf"{_MARKS}(?:<[^<>]*(?:omitted|attached|省略|忽略|附件|附加)[^<>]*>"
    r"|[\w ]{3,20} omitted|(?:已?(?:忽略|省略)\w{1,6}|\w{1,6}已?(?:忽略|省略))"
    r"|[^\n]{1,120}\.\w{2,5} \((?:file attached|文件附件|附件|文件附加)\)"
    r"|(?:This message was deleted|You deleted this message|此消息已删除|您已删除此消息|这条消息已被删除)[.。]?"
    r"|Missed (?:voice|video) call[^\n]*|未接(?:语音|视频)通话[^\n]*)\s*",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"Messages (?:and calls )?(?:to this (?:chat|group) )?(?:and calls )?are (?:now )?(?:secured|end-to-end)|"
    r"消息和通话(?:均|已|都)?[^\n]{0,12}端到端|端对端加密|This business |This chat is with a business"
)
_EDITED = re.compile(r"\s*\u200e?<(?:This message was edited|此消息已编辑|已编辑)>\s*$")
_NAMED = (
    re.compile(r"WhatsApp Chat (?:with|-) (?P<name>.+?)(?:\.zip|\.txt|/_chat\.txt)", re.IGNORECASE),
    re.compile(r"与\s?[“\"]?(?P<name>.+?)[”\"]?\s?的\s?WhatsApp\s?(?:聊天|对话)"),
)


def looks_like_chat(head: str) -> bool:
    """Whether a text begins as the export of a chat does, and goes on so."""
    lines = [line for line in head.split("\n", 60)[:60] if line.strip()]
    if not lines or not _stamp(lines[0]):
        return False
    stamped = [line for line in lines if _stamp(line)]
    return any(_SPEAKER.match(match["rest"]) for line in stamped if (match := _stamp(line)))


def read(source: Source, problems: Problems, options: Options) -> Iterator[Conversation]:
    """Streams the conversations of a chat.

    Args:
        source: The export.
        problems: Where lines go that belong to no message.
        options: ``agent=NAME`` (several with ``|``) as mapping says who the agents are.

    Raises:
        InputError: No such line in the file, or a mapping of another kind.
    """
    order = _order(source)
    agents = agents_of(options.mapping) or _guess_agents(source, options)
    return _talks(source, problems, order, agents)


def agents_of(mapping: str | None) -> frozenset[str]:
    """Reads ``agent=Anna|Tom``; names in lower case.

    Raises:
        InputError: Of another form.
    """
    if not mapping:
        return frozenset()
    field, equals, names = mapping.partition("=")
    found = frozenset(name.strip().lower() for name in names.split("|") if name.strip())
    if field.strip().lower() != "agent" or not equals or not found:
        raise InputError(
            "--map",
            got="something else",
            expected="agent=NAME, or agent=NAME|NAME",
            next_step="Name who answers customers.",
        )
    return found


@dataclass(frozen=True)
class _Line:
    """A message, or a notice where ``name`` is empty."""

    number: int
    match: re.Match[str]
    name: str
    text: str


def _stamp(line: str) -> re.Match[str] | None:
    return _IOS.match(line) or _ANDROID.match(line)


def _order(source: Source) -> Order:
    """The order of day, month and year, by the dates at the start of the file."""
    matches = [match for line in source.head.split("\n") if (match := _stamp(line))]
    if not matches:
        raise InputError(
            f"{source.path} line 1",
            got="no line with date, time and name",
            expected="a WhatsApp export: '31/12/2023, 21:15 - Anna: Hello' or '[31.12.23, 21:15:30] Anna: Hello'",
            next_step="Export the chat again, or leave out --format.",
        )
    days = [day for match in matches if (day := day_of(match))]
    return choose_order(days, twelve_hours=any(match["after"] or match["before"] for match in matches))


def _guess_agents(source: Source, options: Options) -> frozenset[str]:
    """All but the customer: the one whom the file is named after, else who writes first."""
    names = Counter(
        said["name"].strip()
        for line in source.head.split("\n")
        if (match := _stamp(line)) and (said := _SPEAKER.match(match["rest"])) and not _NOTICE.search(said["text"])
    )
    if not names:
        return frozenset()
    titled = next((match["name"].strip() for form in _NAMED if (match := form.search(str(source.path)))), None)
    customer = titled if titled in names else next(iter(names))
    how = "the file is named after the customer" if titled in names else "the customer writes first"
    options.say(f"{source.path.name}: {len(names) - 1} agent(s), as {how} (change with --map agent=NAME)")
    return frozenset(name.lower() for name in names if name != customer)


def _talks(source: Source, problems: Problems, order: Order, agents: frozenset[str]) -> Iterator[Conversation]:
    held: list[Message] = []
    count, newest = 0, None
    chat = _identity(source)
    for line in _messages(source, problems):
        problems.good += 1
        time = seconds_of(line.match, order)
        if held and time is not None and newest is not None and time - newest > PAUSE:
            count += 1
            yield _conversation(chat, count, held)
            held = []
        newest = time if time is not None else newest
        if message := _message(line, time, agents):
            held.append(message)
    if held:
        yield _conversation(chat, count + 1, held)


def _identity(source: Source) -> str:
    """An id of the chat that stays when it grows, and is not its file's name, which names the customer."""
    first = next(line for line in source.head.split("\n") if _stamp(line))
    return hashlib.blake2b(first.strip().encode(), digest_size=6).hexdigest()


def _conversation(chat: str, number: int, messages: list[Message]) -> Conversation:
    return checked(Conversation(f"whatsapp-{chat}-{number}", tuple(messages), channel="whatsapp"))


def _message(line: _Line, time: float | None, agents: frozenset[str]) -> Message | None:
    text = _EDITED.sub("", line.text).strip("\u200e\u200f \n\r")
    if not text or not line.name or _NOTHING.fullmatch(text) or _NOTICE.search(text[:200]):
        return None
    return Message("agent" if line.name.lower() in agents else "customer", text, time=time, author=line.name)


def _messages(source: Source, problems: Problems) -> Iterator[_Line]:
    """Puts the lines of a message together; a line without date goes on with the message before."""
    match: re.Match[str] | None = None
    number, pieces, size = 0, [""], 0
    for at, line in source.lines(problems):
        line = line.rstrip("\r\n")
        fresh = _stamp(line)
        if fresh:
            if match:
                yield _line(number, match, pieces)
            match, number, pieces, size = fresh, at, [fresh["rest"]], len(fresh["rest"])
        elif match and size < LONGEST_MESSAGE:
            pieces.append(line)
            size += len(line)
        elif not match and line.strip(" \ufeff"):
            problems.report(at, "text before the first message", "a line with date, time and name")
    if match:
        yield _line(number, match, pieces)


def _line(number: int, match: re.Match[str], pieces: list[str]) -> _Line:
    whole = "\n".join(pieces)[:LONGEST_MESSAGE]
    said = _SPEAKER.match(whole)
    return _Line(number, match, said["name"].strip() if said else "", said["text"] if said else whole)
