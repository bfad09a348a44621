"""Counts of a dataset for its report page: one pass over the conversations, nothing held but counts.

What costs time for each message (sentiment, matching of openings) is taken from every k-th conversation; the page says
how many. Everything is read from the redacted dataset.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from pathlib import Path
from typing import Any, Literal

from data.artifacts import DatasetLayout
from data.dedupe import PLACEHOLDER, answer_key
from data.label import opening
from data.mood import Mood, mood_of
from data.records import read_rows
from data.report import read_report
from data.schema import Answer, Conversation, IntentExample, Topic

SAMPLED = 8000
"""Conversations that the costly parts look at; a share among them is known to about one point."""

SHOWN_ANSWERS, SHOWN_TOPICS, SHOWN_ROWS = 30, 25, 10
CHECKED = 3000
"""Labels that are checked, evenly taken: about 5 s. ``careline data check`` looks at all, and with the encoder."""

LONGEST = 40
"""Messages; longer conversations are counted together."""

_DAY = 86400
_KEPT_WAITS = 20000

Group = tuple[Literal["all", "topic", "language", "channel"], str]


@dataclass
class Tally:
    """Counts of a group of conversations.

    Attributes:
        conversations: All of them.
        messages: Theirs.
        endings: ``resolved``, ``escalated``, ``abandoned``; only where the log says so.
        moods: Of sampled messages of customers.
        waits: Seconds from a customer's first message to the first answer; a sample.
        waited: Conversations in which that time is known.
    """

    conversations: int = 0
    messages: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    moods: Counter[Mood] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    waited: int = 0

    @property
    def known(self) -> int:
        """Conversations whose ending is known."""
        return sum(self.endings.values())


@dataclass
class Facts:
    """All that the page shows.

    Attributes:
        report: As written with the dataset.
        tallies: By group; ``("all", "")`` is everything.
        days: Days since 1970 (UTC) and language to conversations.
        lengths: Messages of a conversation to how many have them.
        redactions: Kind and language to values, each once a conversation.
        sampled: Conversations that the costly parts looked at.
        turns: How the mood went from a customer's first message to the last: ``better``, ``worse``, ``same``.
        openings: Openings of sampled conversations, to how many began so.
        topics: Topics, the largest first.
        intents: Intent to its examples.
        conflicts: Texts that stand under several intents, with these.
        answers: The most frequent ones.
        usable: Messages of agents whose answer can be said again.
        support: How often each answer was given, most frequent first.
        issues: Labels to look at (`data.label_check`, by words alone), of at most ``CHECKED`` given ones; None where
            the log gives no labels.
        contradictions: Rows of ``contradictions.jsonl``; None where the dataset has none of these.
    """

    report: Mapping[str, Any]
    tallies: dict[Group, Tally] = field(default_factory=lambda: defaultdict(Tally))
    days: Counter[tuple[int, str]] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    redactions: Counter[tuple[str, str]] = field(default_factory=Counter)
    sampled: int = 0
    turns: Counter[str] = field(default_factory=Counter)
    openings: Counter[str] = field(default_factory=Counter)
    topics: list[Topic] = field(default_factory=list)
    intents: Counter[str] = field(default_factory=Counter)
    conflicts: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    usable: int = 0
    support: list[int] = field(default_factory=list)
    issues: list[dict[str, Any]] | None = None
    contradictions: list[dict[str, Any]] | None = None

    @property
    def all(self) -> Tally:
        """Of every conversation."""
        return self.tallies["all", ""]


def collect_facts(layout: DatasetLayout) -> Facts:
    """Reads a dataset once; about 15 s for 1,000,000 messages.

    Raises:
        InputError: A file of the dataset that cannot be read.
    """
    facts = Facts(read_report(layout))
    facts.topics = sorted(read_rows(layout.topics, Topic), key=lambda topic: -topic.size)
    of_text = _count_intents(facts, read_rows(layout.intents, IntentExample))
    counted = _Counting(facts, of_text, step=max(1, int(facts.report["conversations"]) // SAMPLED))
    for conversation in read_rows(layout.conversations, Conversation):
        counted.add(conversation)
    _count_answers(facts, read_rows(layout.answers, Answer))
    facts.issues = _doubtful(layout)
    facts.contradictions = rows_if_there(layout.folder / "contradictions.jsonl")
    return facts


class _Counting:
    """Adds conversations to the facts.

    Args:
        facts: Added to.
        of_text: Opening, as a key, to its topic.
        step: Every how many conversations the costly parts look.
    """

    def __init__(self, facts: Facts, of_text: Mapping[str, str], *, step: int) -> None:
        self.facts, self.of_text, self.step = facts, of_text, step
        self.titles = {name: topic.id for topic in facts.topics for name in (topic.id, topic.title)}
        self.seen = 0
        self.luck = random.Random(0)

    def add(self, conversation: Conversation) -> None:
        """Counts one conversation."""
        facts, language = self.facts, conversation.language or "unknown"
        started = conversation.started
        if started is not None:
            facts.days[int(started // _DAY), language] += 1
        facts.lengths[min(LONGEST, len(conversation.messages))] += 1
        self._count_redactions(conversation, language)
        groups: list[Group] = [("all", ""), ("language", language)]
        if conversation.channel:
            groups.append(("channel", conversation.channel))
        looked_at = self.seen % self.step == 0
        self.seen += 1
        moods = self._look(conversation, groups) if looked_at else []
        wait = _first_wait(conversation)
        for group in groups:
            self._add_to(facts.tallies[group], conversation, moods, wait)

    def _add_to(self, tally: Tally, conversation: Conversation, moods: list[Mood], wait: float | None) -> None:
        tally.conversations += 1
        tally.messages += len(conversation.messages)
        if conversation.ending:
            tally.endings[conversation.ending] += 1
        tally.moods.update(moods)
        if wait is not None:
            tally.waited += 1
            if len(tally.waits) < _KEPT_WAITS:
                tally.waits.append(wait)
            elif (place := self.luck.randrange(tally.waited)) < _KEPT_WAITS:
                tally.waits[place] = wait  # reservoir: each has the same chance to be kept

    def _count_redactions(self, conversation: Conversation, language: str) -> None:
        found = {m.group() for message in conversation.messages if "<" in message.text
                 for m in PLACEHOLDER.finditer(message.text)}  # fmt: skip
        for placeholder in found:
            self.facts.redactions[placeholder[1:-1].rpartition("_")[0], language] += 1

    def _look(self, conversation: Conversation, groups: list[Group]) -> list[Mood]:
        """The costly parts: adds the topic to the groups and returns the moods of the customer's messages."""
        facts = self.facts
        facts.sampled += 1
        begins = answer_key(opening(conversation) or "")
        if begins:
            facts.openings[begins] += 1
        topic = self.titles.get(conversation.topic or "") or self.of_text.get(begins)
        if topic:
            groups.append(("topic", topic))
        said = [m.text for m in conversation.messages if m.role == "customer"]
        moods = [mood_of(text, conversation.language or "en") for text in said]
        if len(moods) > 1:
            value = {"negative": -1, "neutral": 0, "positive": 1}
            change = value[moods[-1]] - value[moods[0]]
            facts.turns["better" if change > 0 else "worse" if change < 0 else "same"] += 1
        return moods


def _first_wait(conversation: Conversation) -> float | None:
    """Seconds from the customer's first message to the first answer of an agent; None where times are missing."""
    asked: float | None = None
    for message in conversation.messages:
        if message.role == "customer" and asked is None:
            asked = message.time
        elif message.role == "agent" and asked is not None:
            return max(0.0, message.time - asked) if message.time is not None else None
    return None


def _count_intents(facts: Facts, rows: Iterable[IntentExample]) -> dict[str, str]:
    """Counts examples, lists texts under several intents, and returns each text's topic."""
    under: dict[str, dict[str, str]] = defaultdict(dict)  # key -> intent -> text
    topics: dict[str, str] = {}
    for row in rows:
        facts.intents[row.intent] += 1
        key = answer_key(row.text)
        under[key].setdefault(row.intent, row.text)
        if row.kind == "topic":
            topics[key] = row.intent
    facts.conflicts = [(next(iter(texts.values())), tuple(texts)) for texts in under.values() if len(texts) > 1]
    return topics


def _doubtful(layout: DatasetLayout) -> list[dict[str, Any]] | None:
    from data.label_check import check_labels

    given = [row for row in read_rows(layout.intents, IntentExample) if row.source in ("log", "person", "rules")]
    if not given:
        return None
    step = max(1, math.ceil(len(given) / CHECKED))
    rows = given[::step]
    doubts = check_labels([row.text for row in rows], [row.intent for row in rows], [row.language for row in rows])
    return [
        {"kind": doubt.kind, "text": doubt.text, "given": doubt.given, "suggested": doubt.suggested}
        | {"stands as": rows[doubt.other].intent if doubt.other is not None else ""}
        for doubt in doubts
    ]


def _count_answers(facts: Facts, rows: Iterable[Answer]) -> None:
    top: list[tuple[int, int, Answer]] = []
    for number, answer in enumerate(rows):
        facts.support.append(answer.support)
        facts.usable += answer.support if answer.reusable else 0
        top.append((answer.support, -number, answer))
        if len(top) > 10 * SHOWN_ANSWERS:
            top = nlargest(SHOWN_ANSWERS, top)
    facts.answers = [answer for *_, answer in nlargest(SHOWN_ANSWERS, top)]
    facts.support.sort(reverse=True)


def rows_if_there(path: Path) -> list[dict[str, Any]] | None:
    """Rows of a file or a folder of shards that only newer datasets have; None where there is none."""
    parts = sorted(path.glob("*.jsonl")) if path.is_dir() else [path] if path.is_file() else None
    if parts is None:
        return None
    return [json.loads(line) for part in parts for line in part.read_text(encoding="utf-8").splitlines() if line]


def interval(successes: int, trials: int) -> tuple[float, float]:
    """Where the true share lies with 95 % confidence: Wilson's score interval (JASA 22, 1927, p. 209).

    Returns:
        Lower and upper bound, 0..1; (0, 1) without trials.
    """
    if trials == 0:
        return 0.0, 1.0
    z, share = 1.96, successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
