"""What every reader holds its conversations to, and how a broken record is described without quoting it.

A log is full of personal data, and an error line ends up in terminals, tickets and chats. So a message names fields,
types, sizes and positions; a value is only shown when it is one short lower-case word, such as a role.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any, get_args

from data.schema import Conversation, Message, Role

ROLES = frozenset(get_args(Role))
_WORD = re.compile(r"[a-z][a-z_-]{0,15}")
_NAME = re.compile(r"[^\W\d_]+(?:[ _\-./:#()（）]{1,2}[^\W\d_]+|[ _-]?\d{1,2}){0,4}[)）?:#]?")
_CHANNEL = re.compile(r"[a-z\u4e00-\u9fff][a-z\u4e00-\u9fff _-]{0,23}")
_SURROGATES = re.compile("[\ud800-\udfff]")


class UnreadableError(ValueError):
    """A record that a reader cannot use; its text quotes nothing of the log."""


def checked(conversation: Conversation) -> Conversation:
    """Refuses what is no conversation, and makes its texts such that they can be written.

    Half surrogate pairs, which JSON can hold and UTF-8 cannot, become U+FFFD.

    Raises:
        UnreadableError: No messages, a role we do not know, a text that is none, a time that is no number.
    """
    if not conversation.messages:
        raise UnreadableError("a conversation without messages")
    messages = tuple([_checked_message(message) for message in conversation.messages])
    changed: dict[str, Any] = {}
    if any(new is not old for new, old in zip(messages, conversation.messages, strict=True)):
        changed["messages"] = messages
    if not isinstance(conversation.id, str) or not _writable(conversation.id):
        changed["id"] = identity(conversation.id)
    for name in ("language", "topic"):
        value = getattr(conversation, name)
        if value is not None and not (isinstance(value, str) and _writable(value)):
            changed[name] = _text(value, name)
    if conversation.channel is not None and (channel := channel_word(conversation.channel)) != conversation.channel:
        changed["channel"] = channel
    rating = conversation.satisfaction
    if rating is not None and (type(rating) not in (int, float) or not 0 <= rating <= 1):
        raise UnreadableError(f"satisfaction {shown(rating)} (0 to 1 is expected)")
    return replace(conversation, **changed) if changed else conversation


def channel_word(value: object) -> str | None:
    """A channel's name, or the one that an object tells, in lower case.

    None for what is no short name: an address in its place would be personal.
    """
    if isinstance(value, dict):
        value = value.get("channel", value.get("type"))
    if not isinstance(value, str):
        return None
    name = value.removeprefix("Channel::").strip().lower()
    return name if _CHANNEL.fullmatch(name) else None


def _checked_message(message: Message) -> Message:
    if not isinstance(message.role, str) or message.role not in ROLES:
        raise UnreadableError(f"role {shown(message.role)}")
    if type(message.text) is not str:
        raise UnreadableError(f"text {shown(message.text)}")
    if message.time is not None and (type(message.time) not in (int, float) or not math.isfinite(message.time)):
        raise UnreadableError(f"time {shown(message.time)} (unix seconds are expected)")
    if message.seq is not None and type(message.seq) is not int:
        raise UnreadableError(f"seq {shown(message.seq)} (a whole number is expected)")
    changed: dict[str, Any] = {} if _writable(message.text) else {"text": writable(message.text)}
    for name in ("author", "label", "intent"):
        value = getattr(message, name)
        if value is not None and not (type(value) is str and _writable(value)):
            changed[name] = _text(value, name)
    return replace(message, **changed) if changed else message


def identity(value: object) -> str:
    """An id as text.

    Raises:
        UnreadableError: Neither a text nor a number.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UnreadableError(f"id {shown(value)}")
    return writable(str(value))


def _text(value: object, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UnreadableError(f"{name} {shown(value)}")
    return writable(str(value))


def _writable(text: str) -> bool:
    return text.isascii() or not _SURROGATES.search(text)


def writable(text: str) -> str:
    """The text without half surrogate pairs."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def seconds(value: object) -> float | None:
    """A number of unix seconds or milliseconds as seconds; None for what is no time."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    number = float(value) if abs(value) < 1e15 else math.inf  # a float of a huge int would raise
    number = number / 1000 if number >= 1e11 else number
    return number if 0 < number < 1e10 else None


def shown(value: object) -> str:
    """A value in an error line: itself if it is a short lower-case word or nothing, else its kind and size."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return repr(value) if not value or _WORD.fullmatch(value) else f"of {len(value)} characters"
    if isinstance(value, (list, tuple, dict)):
        return f"that is a {type(value).__name__} of {len(value)}"
    return f"that is a {type(value).__name__}"


def looks_like_name(text: str) -> bool:
    """Whether a text may be the name of a column: a few words, no sentence and no number of a customer."""
    return len(text) <= 30 and bool(_NAME.fullmatch(text))


def shown_names(names: list[str], *, header: bool) -> str:
    """Names of columns in a line: those that look like names, as a table without a header has data there.

    Args:
        names: The names.
        header: Whether it is known to be a header; else only words such as ``sent_at`` are taken for names.
    """
    words = [name for name in names if (looks_like_name(name) if header else _WORD.fullmatch(name))]
    others = sum(bool(name) for name in names) - len(words)
    hidden = [f"{others} that look like no name"] if others else []
    return ", ".join(words + hidden)


def describe(error: Exception) -> str:
    """What is wrong with a record, without quoting it."""
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"broken JSON at column {error.colno} ({error.msg})"
    if isinstance(error, KeyError):
        return f"no field {shown(error.args[0] if error.args else '')}"
    if isinstance(error, RecursionError):
        return "a record that is nested too deeply"
    return "a field of another type than expected"


BROKEN_RECORD = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OverflowError)
"""What reading a record of any content may raise."""
