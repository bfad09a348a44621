"""What is done to each conversation of a log as it is read: clean texts, a known language, each conversation once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
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


class Complaints:
    """Counts the broken lines of each log, and shows the first few.

    Args:
        progress: Where they are shown.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress, self.counts = progress, Counter[str]()

    def __call__(self, problem: Problem) -> None:
        """Takes one."""
        name = problem.path.name
        self.counts[name] += 1
        if self.counts[name] <= SHOWN_PROBLEMS:
            self.progress.say(
                f"{problem.path} line {problem.line}: got {problem.got}; expected {problem.expected}. Skipped."
            )

    def sum_up(self) -> None:
        """Says how many there were."""
        for name, count in self.counts.items():
            self.progress.say(f"{name}: {count:,} broken lines skipped (--strict makes them fatal).")


def stream_logs(
    paths: Sequence[Path],
    *,
    format: str | None = None,
    mapping: str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> Iterator[Conversation]:
    """Streams the cleaned conversations of several logs, **not redacted**; see `data.build.build_dataset`.

    Raises:
        InputError: A log that cannot be used.
    """
    progress = progress or Progress(None)
    complaints = Complaints(progress)
    for path in paths:
        log = open_log(
            path, format=format, mapping=mapping, strict=strict, on_problem=complaints, on_mapping=progress.say
        )
        for conversation in progress.stream(f"read {path.name}", log):
            if (clean := clean_conversation(conversation)) is not None:
                yield clean
    complaints.sum_up()


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


def is_answered(conversation: Conversation) -> bool:
    """Whether an agent says something after the customer did."""
    asked = False
    for message in conversation.messages:
        if message.role == "agent" and asked:
            return True
        asked = asked or message.role == "customer"
    return False


def check_paths(paths: Sequence[Path]) -> None:
    """Refuses to begin without a log.

    Raises:
        InputError: No path.
    """
    if not paths:
        raise InputError("careline", got="no log", expected="at least one file", next_step="Name a log.")
