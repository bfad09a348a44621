"""The first pass over a log: what must be known of all of it before any of it can be redacted.

Each block is looked through by itself; what it told is merged. Only what is the shop's own, ids and hashes remain.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from data.blocks import Block
from data.errors import InputError
from data.intake import FEWEST, clean_conversation, is_answered
from data.readers.source import Problem, Problems
from data.redact import public_id
from data.schema import Conversation
from data.shop import ShopFacts

_FULLY = 400
"""Conversations at the start of a log that are always observed in full."""


@dataclass(frozen=True)
class SurveyTask:
    """A block to look through.

    Attributes:
        block: The lines.
        key: The workspace's secret.
        every: One conversation in so many is observed in full.
    """

    block: Block
    key: bytes
    every: int = 1


@dataclass
class Surveyed:
    """What a block told.

    Attributes:
        number: Of the block.
        block: Its key.
        ids: Of its conversations, as they may be shown.
        digests: (conversations) equal for those that say the same at the same time.
        answered: Whether one of them teaches something: an agent answers a customer, or a message has its intent.
        facts: About the shop.
        problems: Broken lines.
        refused: How many of them.
    """

    number: int
    block: str
    ids: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    answered: bool = False
    facts: ShopFacts | None = None
    problems: list[Problem] = field(default_factory=list)
    refused: int = 0


def survey_block(task: SurveyTask) -> Surveyed:
    """Looks through a block; pure."""
    block = task.block
    found = Surveyed(block.number, block.key, facts=ShopFacts(task.key))
    assert found.facts is not None
    problems = Problems(block.path, on_problem=found.problems.append)
    for conversation in block.conversations(problems):
        clean = clean_conversation(conversation)
        if clean is None:
            continue
        found.facts.observe_authors(clean)
        if is_sampled(len(found.ids), task):
            found.facts.observe(clean)
        found.ids.append(public_id(clean.id))
        found.digests.append(digest_of(clean))
        found.answered = found.answered or is_answered(clean) or any(m.intent for m in clean.messages)
    found.refused = len(found.problems)
    return found


def is_sampled(position: int, task: SurveyTask) -> bool:
    """Whether the conversation at this position of a block is observed in full."""
    return position % task.every == 0 or (task.block.number == 0 and position < _FULLY)


def digest_of(conversation: Conversation) -> bytes:
    """16 bytes, equal for conversations that say the same at the same time."""
    digest = hashlib.blake2b(digest_size=16)
    for message in conversation.messages:
        digest.update(f"{message.role}\0{message.time}\0{message.text}\0".encode(errors="replace"))
    return digest.digest()


class Register:
    """Gives each conversation of all blocks its id, and each repeated one none."""

    def __init__(self) -> None:
        self._ids: Counter[str] = Counter()
        self._digests: set[bytes] = set()
        self.duplicates = 0
        self.conversations = 0

    def enter(self, ids: Sequence[str], digests: Sequence[bytes]) -> tuple[str | None, ...]:
        """The id of each conversation of a block, unique in the dataset; None for one that was there before."""
        return tuple(self._enter(name, digest) for name, digest in zip(ids, digests, strict=True))

    def _enter(self, name: str, digest: bytes) -> str | None:
        if digest in self._digests:
            self.duplicates += 1
            return None
        self._digests.add(digest)
        self.conversations += 1
        self._ids[name] += 1
        if self._ids[name] == 1:
            return name
        fresh = f"{name}~{self._ids[name]}"  # two exports may both count from 1
        self._ids[fresh] += 1
        return fresh


def check_enough(thing: str, conversations: int, *, answered: bool) -> None:
    """Refuses a log from which nothing can be learned.

    Raises:
        InputError: Fewer than ``FEWEST`` conversations, or none in which an agent answers a customer.
    """
    if conversations < FEWEST:
        raise InputError(
            thing,
            got=f"{conversations} conversation{'' if conversations == 1 else 's'}",
            expected=f"at least {FEWEST}, as one in ten is held out to measure with",
            next_step="Export a longer period, or name more logs.",
        )
    if not answered:
        raise InputError(
            thing,
            got="no message of an agent after one of a customer",
            expected="conversations in which agents answer",
            next_step="Check which column says who speaks: --map role=COLUMN.",
        )
