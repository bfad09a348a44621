"""Reads the logs of one dataset together: clean texts, known languages, each conversation once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from data.errors import InputError
from data.normalise import detect_language, normalise_text
from data.progress import Progress
from data.readers import Problem, open_log
from data.schema import Conversation, Message

FEWEST = 10
"""A tenth is held out: with fewer conversations nothing could be measured, and little learned."""

SHOWN_PROBLEMS = 5
"""Broken lines that are shown one by one; the rest is counted."""


@dataclass
class Intake:
    """What was read.

    Attributes:
        conversations: Cleaned, with their language, ids unique, in the order of the logs.
        refused: Broken lines of each log.
        duplicates: Conversations that said the same as an earlier one at the same time.
    """

    conversations: list[Conversation] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0


def read_logs(
    paths: Sequence[Path],
    *,
    format: str | None = None,
    mapping: str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> Intake:
    """Reads several logs as one; see `data.build.build_dataset` for the arguments.

    Raises:
        InputError: A log that cannot be used, fewer than ``FEWEST`` conversations, or none in which an agent answers
            a customer.
    """
    progress = progress or Progress(None)
    intake = Intake()
    seen: set[bytes] = set()
    ids: Counter[str] = Counter()
    for path in paths:
        log = _open(path, intake, progress, format=format, mapping=mapping, strict=strict)
        for conversation in progress.stream(f"read {path.name}", log):
            clean = clean_conversation(conversation)
            if clean is None:
                continue
            if (digest := _digest(clean)) in seen:
                intake.duplicates += 1
                continue
            seen.add(digest)
            intake.conversations.append(_unique(clean, ids))
    for name, count in intake.refused.items():
        progress.say(f"{name}: {count:,} broken lines skipped (--strict makes them fatal).")
    _check_enough(paths, intake)
    return intake


def clean_conversation(conversation: Conversation) -> Conversation | None:
    """Normalises the texts and settles the language; None when no text remains."""
    messages = tuple(
        message if text == message.text else replace(message, text=text)
        for message in conversation.messages
        if (text := normalise_text(message.text))
    )
    if not any(message.role != "system" for message in messages):
        return None
    language = conversation.language or _language(messages)
    return replace(conversation, messages=messages, language=language.split("-")[0].lower())


def _language(messages: tuple[Message, ...]) -> str:
    votes = Counter(detect_language(m.text) for m in messages if m.role != "system")
    votes.pop(None, None)
    best = votes.most_common(1)
    return (best[0][0] if best else None) or "en"


def _open(
    path: Path, intake: Intake, progress: Progress, *, format: str | None, mapping: str | None, strict: bool
) -> Iterator[Conversation]:
    def on_problem(problem: Problem) -> None:
        intake.refused[path.name] += 1
        if intake.refused[path.name] <= SHOWN_PROBLEMS:
            progress.say(f"{path} line {problem.line}: got {problem.got}; expected {problem.expected}. Skipped.")

    return open_log(path, format=format, mapping=mapping, strict=strict, on_problem=on_problem, on_mapping=progress.say)


def _digest(conversation: Conversation) -> bytes:
    """Equal for conversations that say the same at the same time."""
    digest = hashlib.blake2b(digest_size=16)
    for message in conversation.messages:
        digest.update(f"{message.role}\0{message.time}\0{message.text}\0".encode(errors="replace"))
    return digest.digest()


def _unique(conversation: Conversation, ids: Counter[str]) -> Conversation:
    """Gives a second conversation of the same id a number, as two exports may count from 1 each."""
    ids[conversation.id] += 1
    again = ids[conversation.id]
    if again == 1:
        return conversation
    fresh = f"{conversation.id}~{again}"
    ids[fresh] += 1
    return replace(conversation, id=fresh)


def _check_enough(paths: Sequence[Path], intake: Intake) -> None:
    thing = ", ".join(str(path) for path in paths)
    count = len(intake.conversations)
    if count < FEWEST:
        raise InputError(
            thing,
            got=f"{count} conversation{'' if count == 1 else 's'}",
            expected=f"at least {FEWEST}, as one in ten is held out to measure with",
            next_step="Export a longer period, or name more logs.",
        )
    if not any(_answered(c) for c in intake.conversations):
        raise InputError(
            thing,
            got="no message of an agent after one of a customer",
            expected="conversations in which agents answer",
            next_step="Check which column says who speaks: --map role=COLUMN.",
        )


def _answered(conversation: Conversation) -> bool:
    asked = False
    for message in conversation.messages:
        if message.role == "agent" and asked:
            return True
        asked = asked or message.role == "customer"
    return False
