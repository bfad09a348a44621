"""What was recognised in a log, before anything is learned: enough to see that the right columns were taken.

Counts only, one conversation at a time, so that a log of any size is previewed in flat memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone

from data.schema import Conversation

SHOWN = 5
_SHOWN_MESSAGES, _SHOWN_CHARACTERS = 6, 100


@dataclass
class Preview:
    """Counts of what was read.

    Attributes:
        conversations: How many.
        roles: Messages by who speaks.
        timed: Messages with a time.
        authored: Messages with an author.
        labelled: Messages that name their template.
        intents: Messages with an intent.
        languages: Conversations by language.
        topics: Conversations by the help desk's tag.
        endings: Conversations by how they ended, where the log says so.
        channels: Conversations by channel, where the log says so.
        silent: Conversations in which no agent answers a customer.
        earliest: Unix seconds, or None.
        latest: Unix seconds, or None.
        first: The first conversation in which an agent answers, else the first.
    """

    conversations: int = 0
    roles: Counter[str] = field(default_factory=Counter)
    timed: int = 0
    authored: int = 0
    labelled: int = 0
    intents: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    silent: int = 0
    earliest: float | None = None
    latest: float | None = None
    first: Conversation | None = None

    @property
    def messages(self) -> int:
        """All messages."""
        return sum(self.roles.values())

    def add(self, conversation: Conversation) -> None:
        """Counts one conversation."""
        self.conversations += 1
        asked = answered = False
        for message in conversation.messages:
            self.roles[message.role] += 1
            self.authored += message.author is not None
            self.labelled += message.label is not None
            self.intents += message.intent is not None
            answered = answered or (asked and message.role == "agent")
            asked = asked or message.role == "customer"
            if message.time is not None:
                self.timed += 1
                self.earliest = message.time if self.earliest is None else min(self.earliest, message.time)
                self.latest = message.time if self.latest is None else max(self.latest, message.time)
        self.silent += not answered
        if self.first is None or (answered and self.silent == self.conversations - 1):
            self.first = conversation
        for counts, value in (
            (self.languages, conversation.language),
            (self.topics, conversation.topic),
            (self.endings, conversation.ending),
            (self.channels, conversation.channel),
        ):
            if value is not None:
                counts[value] += 1

    def lines(self) -> Iterator[str]:
        """Yields what people should see, then what looks wrong with what to do about it."""
        yield f"{self.conversations:,} conversations, {self.messages:,} messages: {_counts(self.roles, 'nobody')}"
        yield f"times       {self._times()}"
        yield f"languages   {_counts(self.languages, 'not told')}"
        yield f"topics      {_counts(self.topics, 'no tags in the log; they will be discovered')}"
        yield f"endings     {_counts(self.endings, 'not told')}"
        yield f"channels    {_counts(self.channels, 'not told')}"
        yield f"authors     {_share(self.authored, self.messages)} of the messages; their names are redacted"
        yield f"labels      {_share(self.labelled, self.messages)} name their template, {self.intents:,} an intent"
        for hint in self._hints():
            yield f"look here   {hint}"
        if self.first is not None:
            yield f"for example {self.first.id}:"
            for message in self.first.messages[:_SHOWN_MESSAGES]:
                yield f"  {message.role}: {' '.join(message.text.split())[:_SHOWN_CHARACTERS]}"

    def _times(self) -> str:
        if self.earliest is None or self.latest is None:
            return "none; the log will be split by its order"
        days = [datetime.fromtimestamp(t, tz=timezone.utc).date().isoformat() for t in (self.earliest, self.latest)]
        return f"{_share(self.timed, self.messages)} of the messages, {days[0]} to {days[1]}"

    def _hints(self) -> Iterator[str]:
        if self.conversations and not self.roles["agent"]:
            yield "no message is an agent's: say which column tells who speaks, --map role=COLUMN"
        elif self.conversations and not self.roles["customer"]:
            yield "no message is a customer's: say which column tells who speaks, --map role=COLUMN"
        elif 2 * self.silent > self.conversations:
            yield f"in {self.silent:,} conversations no agent answers a customer: are they cut, or two columns swapped?"
        if self.conversations > 1 and self.messages == self.conversations:
            yield "each conversation has one message: say which column holds its id, --map id=COLUMN"
        if self.conversations == 1 and self.messages > 50:
            yield "all messages are one conversation: say which column holds its id, --map id=COLUMN"
        if self.latest is not None and self.latest > datetime.now(tz=timezone.utc).timestamp() + 86400:
            yield "some times lie in the future: is the time's column the right one?"


def _counts(counts: Counter[str], none: str) -> str:
    if not counts:
        return none
    shown = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(SHOWN))
    return shown + (f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else "")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"
