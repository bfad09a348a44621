"""Groups of a log that is held in memory, by the same files and functions that a build uses."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from data.grouping import AnswerGroup, Groups, Known, Utterances
from data.refine import write_utterances
from data.schema import Conversation, Message
from data.wording import Stock, WordTask, word_shard


def group_log(log: Sequence[Conversation], known: Known | None = None, *, shards: int = 2) -> Groups:
    """Groups the agents' messages of a log, which is cut into shards."""
    folder = Path(tempfile.mkdtemp(prefix="careline-test-"))
    size = -(-len(log) // shards)
    parts = [log[start : start + size] for start in range(0, len(log), size)]
    said, words = [], []
    for number, part in enumerate(parts):
        said.append(folder / f"said{number}.arrow")
        words.append(folder / f"words{number}.arrow")
        write_utterances(said[-1], list(part))
        word_shard(WordTask(said[-1], Stock(), words[-1]))
    return Groups(Utterances(said, words, [len(part) for part in parts]), known)


def groups_of(*texts: str, label: str | None = None) -> list[AnswerGroup]:
    """The answers of a log in which agents said these, one a conversation."""
    ask = Message("customer", "how is it")
    log = [Conversation(f"c{i}", (ask, Message("agent", t, label=label)), language="en") for i, t in enumerate(texts)]
    return list(group_log(log))
