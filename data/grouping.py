"""Groups the agents' messages of a whole log into answers, as arithmetic on columns.

Where the log names the template of a message, its label is the answer. Otherwise messages with the same words are one,
and near-duplicates, which meet in a band of MinHash, are merged when they say the same (`data.dedupe`).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.dedupe import PLACEHOLDER, says_same
from data.parts import BANDS, read_table, wide, write_table
from data.wording import number

Ids = NDArray[np.uint64]
Rows = NDArray[np.int64]

FEW = 50_000
"""Up to so many answers each is kept; of more, those that were given only once are left out."""

MOST_WORDINGS = 24
"""Wordings of an answer that are looked at to choose the one to show, the most frequent ones."""

_NEIGHBOURS = 3
_PAIRS = 1 << 16

GROUP_COLUMNS = pa.schema(
    [("wording", pa.uint64()), ("leader", pa.uint64()), ("id", pa.string()), ("made", pa.uint64())]
)
"""One row a wording: which wording leads its answer; in the leader's row that answer's id, and a hash of all that the
answer was made from, where one was made."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIXERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Strings:
    """A column of texts in several mapped files; one is read where it is asked for."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._chunks = column.chunks
        self._ends = list(accumulate(len(chunk) for chunk in self._chunks))

    def __getitem__(self, row: int) -> str | None:
        chunk = bisect_right(self._ends, row)
        start = self._ends[chunk - 1] if chunk else 0
        found: str | None = self._chunks[chunk][int(row) - start].as_py()
        return found

    def text(self, row: int) -> str:
        """The text of a row that is never null."""
        return self[row] or ""


class Utterances:
    """All messages of agents that may be answers, as columns over all shards.

    Args:
        utterances: The files of `data.refine`, in the order of the shards.
        words: The files of `data.wording`, in the same order.
        sizes: Conversations of each shard.
    """

    def __init__(self, utterances: Sequence[Path], words: Sequence[Path], sizes: Sequence[int]) -> None:
        tables = [read_table(path) for path in utterances]
        table, keys = pa.concat_tables(tables), pa.concat_tables([read_table(path) for path in words])
        self.ends = np.cumsum([len(t) for t in tables])
        starts = np.cumsum([0, *sizes[:-1]]) if sizes else np.zeros(0, dtype=np.int64)
        own = table["conversation"].to_numpy()
        self.conversation = own + np.repeat(starts, [len(t) for t in tables])  # (n,) row among all conversations
        self.own_conversation: Rows = own.astype(np.int64)
        self.turn: Rows = table["turn"].to_numpy().astype(np.int64)
        self.time = table["time"].to_numpy(zero_copy_only=False)
        self.group: Ids = keys["group"].to_numpy()
        self.wording: Ids = keys["wording"].to_numpy()
        self.text: Ids = keys["text"].to_numpy()
        self.question: Ids = keys["question"].to_numpy()
        self.labelled = np.asarray(table["label"].is_valid().to_numpy(zero_copy_only=False), dtype=bool)
        self._bands = keys["bands"]
        self.labels, self.questions = Strings(table["label"]), Strings(table["question"])
        self.languages = Strings(table["language"])
        self.bare, self.words = Strings(keys["bare"]), Strings(keys["words"])

    def __len__(self) -> int:
        return len(self.group)

    def bands(self, rows: Rows) -> Ids:
        """(n, BANDS) of some rows."""
        return np.asarray(wide(self._bands, BANDS)[rows])


@dataclass(frozen=True)
class Known:
    """How an earlier build of the same log grouped: what it decided stays.

    Attributes:
        wordings: (n,) ascending.
        leaders: (n,) of each.
        ids: Leader to id of the answer.
        made: Leader to the hash of what the answer was made from.
    """

    wordings: Ids = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    leaders: Ids = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    ids: dict[int, str] = field(default_factory=dict)
    made: dict[int, int] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Known:
        """Reads what ``Groups.save`` wrote."""
        table = read_table(path)
        wordings, leaders = table["wording"].to_numpy(), table["leader"].to_numpy()
        order = np.argsort(wordings)
        heads = pa.array(wordings == leaders)
        led = wordings[wordings == leaders].tolist()
        ids, made = (table[name].filter(heads).to_pylist() for name in ("id", "made"))
        made_of = {leader: value for leader, value in zip(led, made, strict=True) if value is not None}
        return cls(wordings[order], leaders[order], dict(zip(led, ids, strict=True)), made_of)

    def leader_of(self, wordings: Ids) -> tuple[NDArray[np.bool_], Ids]:
        """Which of these it knows, and their leaders."""
        if not len(self.wordings):
            return np.zeros(len(wordings), dtype=bool), wordings
        at = np.minimum(np.searchsorted(self.wordings, wordings), len(self.wordings) - 1)
        return self.wordings[at] == wordings, self.leaders[at]


@dataclass(frozen=True)
class AnswerGroup:
    """Messages that are one answer.

    Attributes:
        id: The label, or a hash of its leading words.
        text: The most frequent wording, one without placeholders if there is one that is not rare.
        language: Of most messages.
        label: The log's template, if any.
        steady: Share of messages that have the words of ``text``; low for a template filled with data.
        rows: Of its messages.
        wordings: Up to ``MOST_WORDINGS`` texts with how often each was said, most frequent first.
    """

    id: str
    text: str
    language: str
    label: str | None
    steady: float
    rows: Rows
    wordings: tuple[tuple[str, int], ...]

    @property
    def support(self) -> int:
        """How many messages."""
        return len(self.rows)


class Groups:
    """The answers of a log.

    Args:
        said: The messages.
        known: How they were grouped before.
    """

    def __init__(self, said: Utterances, known: Known | None = None) -> None:
        self.said, self._known = said, known or Known()
        self.wordings, self._first, inverse, self._counts = np.unique(
            said.group, return_index=True, return_inverse=True, return_counts=True
        )
        self.leaders = self._lead()  # (wordings,) position of each wording's leader
        self.of = self.leaders[inverse]  # (messages,) position of the leading wording
        self._order = np.argsort(self.of, kind="stable")
        self._sorted = self.of[self._order]

    def _lead(self) -> Rows:
        """Finds near-duplicates: each wording's leader is the most frequent one that says the same."""
        fixed, before = self._known.leader_of(self.wordings)
        leaders = np.arange(len(self.wordings))
        leaders[fixed] = np.searchsorted(self.wordings, before[fixed])
        led = leaders != np.arange(len(self.wordings))
        free = ~self.said.labelled[self._first]
        rank = np.lexsort((self.wordings, -self._counts, ~fixed))
        words = self.said.words
        for a, b in self._pairs(np.flatnonzero(free & ~led), rank):
            if led[a] or led[b] or fixed[b]:
                continue
            if says_same(words.text(int(self._first[a])), words.text(int(self._first[b]))):
                leaders[b], led[b] = a, True
        return leaders

    def _pairs(self, candidates: Rows, rank: Rows) -> Iterator[tuple[int, int]]:
        """Pairs of wordings that meet in a band, the better placed first, in the order of the better placed."""
        size = len(rank)
        place = np.empty_like(rank)
        place[rank] = np.arange(size)
        candidates = candidates[np.argsort(place[candidates])]  # the better placed first
        at_place = place[candidates]
        bands = self.said.bands(self._first[candidates])  # (candidates, BANDS)
        pairs = np.zeros(0, dtype=np.int64)
        for band in range(bands.shape[1]):
            order = np.argsort(bands[:, band], kind="stable")
            pairs = np.union1d(pairs, _met(bands[order, band], at_place[order], size))
        for start in range(0, len(pairs), _PAIRS):
            better, other = np.divmod(pairs[start : start + _PAIRS], size)
            yield from zip(rank[better].tolist(), rank[other].tolist(), strict=True)

    @cached_property
    def kept(self) -> Rows:
        """Positions of the leading wordings of the answers that are kept, the most frequent answer first."""
        leaders, support = np.unique(self.of, return_counts=True)
        if len(leaders) > FEW:
            leaders, support = leaders[support > 1], support[support > 1]
        return np.asarray(leaders[np.lexsort((self.wordings[leaders], -support))])

    @property
    def ranked(self) -> Rows:
        """The kept answers that may be ranked: where the log has a catalogue of templates, these only."""
        if not self.has_catalogue:
            return self.kept
        return np.asarray(self.kept[self.said.labelled[self._first[self.kept]]])

    def __iter__(self) -> Iterator[AnswerGroup]:
        return self.some(self.kept)

    def some(self, leaders: Rows) -> Iterator[AnswerGroup]:
        """The answers that these wordings lead, in their order."""
        starts, ends = np.searchsorted(self._sorted, leaders), np.searchsorted(self._sorted, leaders + 1)
        for leader, start, end in zip(leaders.tolist(), starts.tolist(), ends.tolist(), strict=True):
            yield self._group(leader, self._order[start:end])

    def supports(self, leaders: Rows) -> list[int]:
        """How many messages each of these answers has."""
        counts = np.searchsorted(self._sorted, leaders + 1) - np.searchsorted(self._sorted, leaders)
        return [int(count) for count in counts]

    def _group(self, leader: int, rows: Rows) -> AnswerGroup:
        said, first = self.said, int(self._first[leader])
        if len(rows) == 1:  # most of a large log: said once
            text, language = said.bare.text(first), said.languages.text(first)
            return AnswerGroup(self.id_of(leader), text, language, said.labels[first], 1.0, rows, ((text, 1),))
        wordings = _wordings(said, rows)
        most = wordings[0][1]
        text, _ = min(wordings, key=lambda w: (4 * w[1] < most, bool(PLACEHOLDER.search(w[0])), -w[1], len(w[0]), w[0]))
        shown = next(row for row in rows if said.bare.text(int(row)) == text) if len(wordings) > 1 else rows[0]
        same = (said.wording[rows] == said.wording[shown]).sum()
        language = _most(said.languages.text(int(row)) for row in rows[:: max(1, len(rows) // 100)])
        return AnswerGroup(
            self.id_of(leader), text, language, said.labels[first], float(same / len(rows)), rows, wordings
        )

    def id_of(self, leader: int) -> str:
        """The id of the answer that a wording leads."""
        key, first = int(self.wordings[leader]), int(self._first[leader])
        if (known := self._known.ids.get(key)) is not None:
            return known
        if (label := self.said.labels[first]) is not None:
            return label
        words = f"{self.said.languages.text(first)}\n{self.said.words.text(first)}"
        return hashlib.sha256(words.encode()).hexdigest()[:12]

    def made_from(self, conversations: Ids, *, salt: int = 0) -> Ids:
        """(kept,) a hash of everything that each kept answer is made from: equal hashes, equal answers.

        Args:
            conversations: (conversations) a hash of all that an answer takes from each.
            salt: Of what else it depends on.
        """
        said = self.said
        mixed = np.full(len(said), salt, dtype=np.uint64)
        for column in (said.group, said.wording, said.text, said.question, conversations[said.conversation]):
            mixed = _mix(mixed ^ column)
        times = np.nan_to_num(said.time, nan=-1.0).astype(np.float64).view(np.uint64)
        mixed = _mix(mixed ^ times)[self._order]
        starts, ends = np.searchsorted(self._sorted, self.kept), np.searchsorted(self._sorted, self.kept + 1)
        first = np.repeat(starts, ends - starts)
        rows = np.arange(len(first)) - np.repeat(np.cumsum(ends - starts) - (ends - starts), ends - starts)
        values = _mix(mixed[first + rows] + rows.astype(np.uint64) * _GOLDEN)
        totals = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(values, dtype=np.uint64)])
        until = np.cumsum(ends - starts)
        return np.asarray(totals[until] - totals[until - (ends - starts)])

    def ids_hashed(self, ids: Mapping[int, str]) -> Ids:
        """(messages,) a hash of the id of each one's answer, 0 where it is not among these; see ``of``."""
        hashes = np.zeros(len(self.wordings), dtype=np.uint64)
        for leader, name in ids.items():
            hashes[leader] = number(name)
        return np.asarray(hashes[self.of])

    def made_before(self) -> list[int | None]:
        """(kept) the hashes with which an earlier build made the kept answers."""
        return [self._known.made.get(key) for key in self.wordings[self.kept].tolist()]

    def save(self, path: Path, made: Ids) -> None:
        """Keeps how the wordings were grouped, for the growth of the log.

        Args:
            path: The file.
            made: From ``made_from``.
        """
        heads = np.unique(self.leaders)
        ids: list[str | None] = [None] * len(self.leaders)
        hashes: list[int | None] = [None] * len(self.leaders)
        for leader in heads.tolist():
            ids[leader] = self.id_of(leader)
        for leader, value in zip(self.kept.tolist(), made.tolist(), strict=True):
            hashes[leader] = value
        columns = {"wording": self.wordings, "leader": self.wordings[self.leaders], "id": ids, "made": hashes}
        write_table(path, GROUP_COLUMNS, columns)

    @property
    def has_catalogue(self) -> bool:
        """True when the log names the templates of most agent messages: then these are its answers."""
        return bool(self.said.labelled.mean() >= 0.5) if len(self.said) else False


def _mix(values: Ids) -> Ids:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014, figure 17)."""
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * _MIXERS[0]
    values = (values ^ (values >> np.uint64(27))) * _MIXERS[1]
    return np.asarray(values ^ (values >> np.uint64(31)))


def _met(values: Ids, places: Rows, size: int) -> Rows:
    """Pairs, as ``better * size + other``, of neighbours in runs of equal values: each with the first and the next.

    Args:
        values: (n,) in order; equal ones by place.
        places: (n,).
        size: More than any place.
    """
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    head = np.r_[True, values[1:] != values[:-1]]
    first = places[np.maximum.accumulate(np.where(head, np.arange(len(places)), 0))]
    found = [(first * size + places)[~head]]
    for step in range(1, _NEIGHBOURS):
        met = values[step:] == values[:-step]
        found.append((places[:-step] * size + places[step:])[met])
    return np.asarray(np.concatenate(found))


def _wordings(said: Utterances, rows: Rows) -> tuple[tuple[str, int], ...]:
    _, first, counts = np.unique(said.text[rows], return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))[:MOST_WORDINGS]
    return tuple((said.bare.text(int(rows[first[i]])), int(counts[i])) for i in order)


def _most(values: Iterator[str]) -> str:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return max(counts, key=lambda value: (counts[value], value))
