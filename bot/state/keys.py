"""Names of the keys in Redis. All keys of a conversation and its shard's queue share one hash tag ``{sNN}``."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

from bot.handoff import State

SHARDS = 64
GROUP = "workers"
"""Consumer group of every ``turns:{sNN}`` stream."""

CHANGED = "changed"
"""Channel on which each append publishes the conversation's id."""

WORK = "work"
"""Channel on which each entry of a queue publishes its conversation: in a Cluster nobody can wait for all queues."""

TYPING = "typing"
"""Channel of ``WHO CONVERSATION``: nothing that is stored."""

MAX_ID = 200

CONTROL = "control:{control}"
"""Hash: how the switches stand (see ``bot.state.control``)."""

CONTROL_HISTORY = "control:{control}:history"
"""Stream: who turned which switch, and when."""


def shard_of(conversation: str) -> int:
    """The shard of a conversation, 0..63.

    Raises:
        ValueError: The id is empty or longer than 200 characters.
    """
    if not 0 < len(conversation) <= MAX_ID:
        raise ValueError(f"conversation id: got {len(conversation)} characters; expected 1 to {MAX_ID}.")
    return zlib.crc32(conversation.encode()) % SHARDS


def turns(shard: int) -> str:
    """The queue of a shard: "this conversation has work"."""
    return f"turns:{{s{shard:02d}}}"


def pending(shard: int) -> str:
    """Sorted set of conversations with an unanswered customer message, by the time they began to wait."""
    return f"pending:{{s{shard:02d}}}"


def customer(identity: str) -> str:
    """The conversation of a customer whom the shop knows, by the hash of the shop's id: the id itself is no key."""
    return f"customer:{hashlib.sha256(identity.encode()).hexdigest()[:32]}"


def index(shard: int, state: State) -> str:
    """Sorted set of conversation ids in a state, by last activity."""
    return f"index:{{s{shard:02d}}}:{state.value}"


def control(shard: int) -> str:
    """A shard's copy of the switches."""
    return f"control:{{s{shard:02d}}}"


@dataclass(frozen=True)
class Keys:
    """The keys of one conversation.

    Attributes:
        conversation: Its id.
    """

    conversation: str

    @property
    def shard(self) -> int:
        """0..63."""
        return shard_of(self.conversation)

    def own(self, name: str) -> str:
        """``conv:{sNN}:ID:NAME``."""
        return f"conv:{{s{self.shard:02d}}}:{self.conversation}:{name}"

    def all(self) -> list[str]:
        """In the order in which every script gets them (see ``scripts.PRELUDE``)."""
        own = [self.own(name) for name in ("log", "meta", "clients", "lease", "fence")]
        indexes = [index(self.shard, state) for state in State]
        return [*own, turns(self.shard), pending(self.shard), *indexes, control(self.shard)]
