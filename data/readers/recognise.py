"""Which format a log is in, told by its content; the name of the file does not matter."""

from __future__ import annotations

import json
import re

from data.courtesy import words
from data.errors import InputError
from data.readers.source import Source
from data.readers.whatsapp import looks_like_chat

_TWEETS = {"tweet_id", "author_id", "inbound", "text", "in_response_to_tweet_id"}
_NLU = re.compile(r"^\s*nlu\s*:\s*$", re.MULTILINE)
_NLU_ITEM = re.compile(r"^\s*-\s+(?:intent|synonym|regex|lookup)\s*:", re.MULTILINE)
_MBOX = re.compile(r"From \S+.*\d{4}\s*\n[!-9;-~]+:", re.ASCII)
_DECODER = json.JSONDecoder()
_NEXT = re.compile(r"[\s,]*")
_NOT_A_TABLE = words("messages turns events conversation_parts comments child_events payload")


def recognise_source(source: Source) -> str:
    """One of ``data.readers.FORMATS``.

    Raises:
        InputError: JSON of a shape that no reader knows.
    """
    if source.kind in ("sqlite", "url"):
        return "rasa"
    if source.kind != "text":
        return "table"
    head = source.head.lstrip("\ufeff\u200e \t\r\n")
    if looks_like_chat(head):
        return "whatsapp"
    if head[:1] in ("{", "["):
        return _recognise_json(source, head)
    if _MBOX.match(head):
        return "mbox"
    if _NLU.search(head) and _NLU_ITEM.search(head):
        return "nlu"
    names = {name.strip().strip('"').lower() for name in head.split("\n", 1)[0].split(",")}
    if names >= _TWEETS:
        return "twitter"
    return "table"


def _recognise_json(source: Source, head: str) -> str:
    keys, kind = first_record(head)
    if not keys:
        raise InputError(
            f"{source.path} line 1",
            got="broken JSON",
            expected="one JSON object a line, or an array of objects",
            next_step="Mend the file, or name its format with --format.",
        )
    name = _format_of(keys, kind)
    if name is None:
        raise InputError(
            f"{source.path} line 1",
            got="JSON of a shape that is not known",
            expected="conversations of a format that `careline data import --help` lists",
            next_step="Name the format with --format, or write one conversation a line in our own format.",
        )
    return name


def _format_of(keys: set[str], kind: object) -> str | None:
    """The format of a page or record with these keys; ``kind`` is the value of its key ``type``."""
    if "conversation_parts" in keys or kind == "conversation.list" or (kind == "conversation" and "source" in keys):
        return "intercom"
    if keys & {"tickets", "ticket_events", "child_events"} or {"comments", "requester_id"} <= keys:
        return "zendesk"
    if {"requester_id", "submitter_id"} <= keys or {"comments", "requester"} <= keys:
        return "zendesk"
    if "payload" in keys or {"messages", "inbox_id"} <= keys or {"message_type", "conversation_id"} <= keys:
        return "chatwoot"
    if {"sender_id", "events"} <= keys or {"sender_id", "event"} <= keys:
        return "rasa"
    if "messages" in keys:
        return "careline"
    if "turns" in keys:
        return "star" if {"tasks", "completion"} & keys else "tweetsumm"
    if "conversations" in keys:
        return "intercom"
    return None if keys & _NOT_A_TABLE else "table"


def first_record(head: str) -> tuple[set[str], object]:
    """Keys of the first JSON object in the first characters of a file, and the value of its ``type``.

    The object may be cut: the keys that are there count. An array is stepped into, and so is ``data``. Lines that are
    no JSON are stepped over.
    """
    for start in _starts(head):
        keys, kind = _keys(head, start)
        if keys:
            return keys, kind
    return set(), None


def _starts(head: str) -> list[int]:
    """Where objects may begin: at the start (inside an array), and at the first lines that begin with a brace."""
    begin = re.match(r"[\s\[]*", head)
    later = (match.start() for match in re.finditer(r"(?<=\n)\{", head))
    return [begin.end() if begin else 0, *(at for at, _ in zip(later, range(50), strict=False))]


def _keys(head: str, at: int) -> tuple[set[str], object]:
    keys: set[str] = set()
    kind: object = None
    if head[at : at + 1] != "{":
        return keys, kind
    at = _skip(head, at + 1)
    while head[at : at + 1] not in ("", "}"):
        try:
            name, at = _DECODER.raw_decode(head, at)
            at = _skip(head, at)
            if not isinstance(name, str) or head[at : at + 1] != ":":
                return set(), None
            at = _skip(head, at + 1)
            keys.add(name)
            if name == "data" and head[at : at + 1] == "{":
                keys |= _keys(head, at)[0]
            value, at = _DECODER.raw_decode(head, at)
        except json.JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated") or error.pos >= len(head) - 12
            return (keys, kind) if cut else (set(), None)
        except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
            return set(), None
        kind = value if name == "type" else kind
        at = _skip(head, at)
    return keys, kind


def _skip(head: str, at: int) -> int:
    match = _NEXT.match(head, at)
    return match.end() if match else at
