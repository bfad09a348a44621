"""The second pass over a log: a block of raw conversations becomes a shard of redacted ones and its columns."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.blocks import Block
from data.dedupe import edges_of
from data.intake import clean_conversation
from data.label import opening
from data.outcome import outcome_weight
from data.pairs import agent_utterances
from data.readers.source import Problems
from data.records import write_rows
from data.redact import Redactor
from data.schema import Conversation
from data.split import split_row
from data.surrogates import fill


@dataclass(frozen=True)
class RefineTask:
    """A block to redact.

    Attributes:
        block: The lines.
        ids: Of its conversations, from `data.survey.Register`.
        every: One conversation in so many tells which sentences are stock.
        redactor: With what the survey learned.
        conversations: The shard to write.
        rows: Where its conversations' columns go.
        utterances: Where its agents' messages go.
    """

    block: Block
    ids: tuple[str | None, ...]
    every: int
    redactor: Redactor
    conversations: Path
    rows: Path
    utterances: Path


def refine_block(task: RefineTask) -> int:
    """Redacts a block and writes its shard, which comes last and stands for its columns too; returns its size."""
    redactor = copy(task.redactor)
    redactor.counts, redactor.surrogates = Counter(), False  # answers are judged on placeholders
    conversations = list(_redacted(task, redactor))
    counts = [[kind, language, count] for (kind, language), count in sorted(redactor.counts.items())]
    said = (m.text for c in conversations[:: task.every] for m in c.messages if m.role == "agent")
    edges = [{edge: sorted(others) for edge, others in found.items()} for found in edges_of(said)]
    _write_rows(task.rows, conversations, {"redacted": counts, "edges": edges})
    write_utterances(task.utterances, conversations)
    temporary = task.conversations.with_name(f".{task.conversations.name}.{os.getpid()}.tmp")
    filled = (fill(c, redactor.key) for c in conversations) if task.redactor.surrogates else conversations
    write_rows(temporary, filled)
    os.replace(temporary, task.conversations)
    return len(conversations)


def _redacted(task: RefineTask, redactor: Redactor) -> Iterator[Conversation]:
    clean = (c for raw in task.block.conversations(Problems(task.block.path)) if (c := clean_conversation(raw)))
    for conversation, name in zip(clean, task.ids, strict=True):
        if name is not None:
            yield replace(redactor.redact(conversation), id=name)


def _write_rows(path: Path, conversations: list[Conversation], notes: Mapping[str, Any]) -> None:
    from data.parts import CONVERSATION_COLUMNS, write_table

    rows = [split_row(c) for c in conversations]
    columns: dict[str, Any] = {
        "id": [c.id for c in conversations],
        "started": [row.started for row in rows],
        "complete": [row.complete for row in rows],
        "question": [row.question for row in rows],
        "sketch": [row.leak.sketch for row in rows],
        "people": [list(c.people) for c in conversations],
        "opening": [_opening(c) for c in conversations],
        "topic": [c.topic for c in conversations],
        "language": [c.language for c in conversations],
        "messages": [len(c.messages) for c in conversations],
        "weight": [outcome_weight(c) for c in conversations],
        "label": [c.messages[0].intent if len(c.messages) == 1 else None for c in conversations],
    }
    write_table(path, CONVERSATION_COLUMNS, columns, notes=notes)


def _opening(conversation: Conversation) -> str | None:
    """What the conversation opens with; a single labelled message stays as it is."""
    first = conversation.messages[0]
    single = len(conversation.messages) == 1 and first.role == "customer"
    return first.text if single and (conversation.topic or first.intent) else opening(conversation)


def write_utterances(path: Path, conversations: list[Conversation]) -> None:
    """Writes the agents' messages of a shard."""
    from data.parts import UTTERANCE_COLUMNS, write_table

    columns: dict[str, list[Any]] = {column.name: [] for column in UTTERANCE_COLUMNS}
    for number, conversation in enumerate(conversations):
        for utterance in agent_utterances(conversation):
            columns["conversation"].append(number)
            for name, value in vars(utterance).items():
                columns[name].append(value)
    write_table(path, UTTERANCE_COLUMNS, columns)
