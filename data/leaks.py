"""Finds what a model would be measured on although it was trained on it: leaks between the splits of a log.

Whole conversations are compared, by what the customer said. An opening that many customers share is no leak; half a
conversation that is told twice is. Each conversation is reduced to a few numbers where it is read (`sketch`), so that
the comparison itself is arithmetic on arrays: nothing is held but these numbers, and no pair is a Python object.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from data.dedupe import answer_key
from data.errors import InputError
from data.schema import Conversation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LeakKind = Literal["copy", "same conversation", "near-copy", "same customer"]
KINDS: tuple[LeakKind, ...] = ("copy", "same conversation", "near-copy", "same customer")

BANDS, ROWS = 16, 3
"""48 MinHash values in 16 bands of 3. The share of bands that agree estimates the third power of the Jaccard
similarity, so the number of equal bands is the similarity's estimate and no second look at the texts is needed."""

ALIKE = 5
"""Bands that agree in near-copies: a Jaccard similarity of words and pairs of words of about .7. Chosen on one half of
three logs and measured on the other; see docs/explain/splits.md."""

FEWEST = 40
"""Different words and pairs of words (about 20 words) below which what a customer said cannot tell a copy from a
common question."""

CROWD, CROWD_SHARE = 50, 0.02
"""A hash that more conversations than both hold is a shared contact (a switchboard, a test account), not a person."""

NAME_MARK = "n"
"""What the mark of a name begins with: two customers called Anna are not one, so names do not count. (Marks are
hexadecimal otherwise.)"""

_MOST_COMPARED = 32
"""Older conversations that a key is compared with: one witness is enough, and a log that repeats itself a thousand
times must not cost a million comparisons."""

_MOST_LINKED = 8
_PIECE = 4096
"""Conversations that are compared at a time: about 50 MB."""

_WIDTH = 2 + BANDS


class Leak(NamedTuple):
    """A held-out conversation and the older one it repeats."""

    kind: LeakKind
    held_out: str
    older: str


class LeakRow(NamedTuple):
    """What the check needs of a conversation; small, and picklable to pass between processes.

    Attributes:
        id: Of the conversation.
        sketch: (2 + BANDS,) from `sketch`.
        people: From ``Conversation.people``.
    """

    id: str
    sketch: NDArray[np.uint64]
    people: tuple[str, ...]


@dataclass(frozen=True)
class LeakTable:
    """All conversations as columns, in the order of the log.

    Attributes:
        ids: (n,) of the conversations.
        sketches: (n, 2 + BANDS); 0 where a conversation has no such key.
        people: (m,) hashes of people, as numbers.
        owners: (m,) row of the conversation that each of ``people`` was found in.
        crowds: Hashes left out because too many conversations hold them.
    """

    ids: Sequence[str]
    sketches: NDArray[np.uint64]
    people: NDArray[np.uint64]
    owners: NDArray[np.int64]
    crowds: int = 0


@dataclass(frozen=True)
class Leaks:
    """Held-out conversations that repeat an older one.

    Attributes:
        rows: (k,) their rows in the table, ascending, each once.
        counts: By the first kind that was found for each.
        examples: Up to 5 of each kind, for people to look at.
    """

    rows: NDArray[np.int64]
    counts: Counter[str]
    examples: tuple[Leak, ...] = ()


def sketch(conversation: Conversation) -> NDArray[np.uint64]:
    """Reduces a conversation to the numbers that are compared; pure, about 0.1 ms.

    Returns:
        (2 + BANDS,): the hash of all the customer said; the hash of the first thing said and its second, which two
        exports of one conversation share even if one is longer; the band hashes. 0 where there is no such key: a
        conversation without a time, or one with too few words to tell a copy from a common question.
    """
    import numpy as np

    keys = np.zeros(_WIDTH, dtype=np.uint64)  # (2 + BANDS,)
    said = [answer_key(m.text) for m in conversation.messages if m.role == "customer"]
    if conversation.started is not None and conversation.messages:
        first = conversation.messages[0]
        keys[1] = _number(f"{first.role} {int(conversation.started)} {answer_key(first.text)}")
    tokens = " ".join(said).split()
    features = {*tokens, *(" ".join(pair) for pair in pairwise(tokens))}
    if len(features) >= FEWEST:
        keys[0] = _number("\n".join(said))
        keys[2:] = _bands(features)
    return keys


def _bands(features: Iterable[str]) -> NDArray[np.uint64]:
    import numpy as np
    from rensa import RMinHash

    minhash = RMinHash(num_perm=BANDS * ROWS, seed=42)
    minhash.update(sorted(features))
    values = np.array(minhash.digest(), dtype=np.uint32).reshape(BANDS, ROWS)  # (BANDS, ROWS)
    return np.array([_number(row.tobytes()) for row in values], dtype=np.uint64)  # (BANDS,)


def _number(value: str | bytes) -> int:
    """A 64-bit hash that is the same in every process, and never 0."""
    plain = value.encode(errors="replace") if isinstance(value, str) else value
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "little") or 1


def tabulate(rows: Iterable[LeakRow]) -> LeakTable:
    """Puts the rows of all conversations into columns; about 160 bytes a conversation."""
    import numpy as np

    ids: list[str] = []
    sketches: list[NDArray[np.uint64]] = []
    people: list[int] = []
    owners: list[int] = []
    for number, row in enumerate(rows):
        ids.append(row.id)
        sketches.append(row.sketch)
        marks = {mark for mark in row.people if not mark.startswith(NAME_MARK)}
        people.extend(_number(mark) for mark in marks)
        owners.extend([number] * len(marks))
    table = np.stack(sketches) if sketches else np.zeros((0, _WIDTH), dtype=np.uint64)
    return _without_crowds(LeakTable(ids, table, np.array(people, dtype=np.uint64), np.array(owners, dtype=np.int64)))


def _without_crowds(table: LeakTable) -> LeakTable:
    import numpy as np

    _, at, counts = np.unique(table.people, return_inverse=True, return_counts=True)
    most = max(CROWD, int(CROWD_SHARE * len(table.ids)))
    keep = counts[at] <= most
    return LeakTable(
        table.ids, table.sketches, table.people[keep], table.owners[keep], crowds=int((counts > most).sum())
    )


def find_leaks(table: LeakTable, splits: NDArray[np.int8]) -> Leaks:
    """Finds the conversations of a later split that repeat one of an earlier split.

    Args:
        table: All conversations.
        splits: (n,) 0 train, 1 valid, 2 test, -1 in none.

    Returns:
        Each leaking conversation once, under the first kind of ``KINDS`` that it shows.
    """
    import numpy as np

    older = np.full(len(table.ids), -1, dtype=np.int64)  # (n,) row of the witness
    kinds = np.zeros(len(table.ids), dtype=np.int8)
    every = np.arange(len(table.ids))
    searches = (
        _same_key(table.sketches[:, 0], every, splits),
        _same_key(table.sketches[:, 1], every, splits),
        _alike(table.sketches[:, 2:], splits),
        _same_key(table.people, table.owners, splits),
    )
    for kind, (rows, witnesses) in enumerate(searches):
        fresh = older[rows] < 0
        older[rows[fresh]], kinds[rows[fresh]] = witnesses[fresh], kind
    rows = np.flatnonzero(older >= 0)
    counts: Counter[str] = Counter({name: int((kinds[rows] == i).sum()) for i, name in enumerate(KINDS)})
    shown = [row for i in range(len(KINDS)) for row in rows[kinds[rows] == i][:5]]
    examples = tuple(Leak(KINDS[kinds[r]], table.ids[r], table.ids[older[r]]) for r in shown)
    return Leaks(rows, +counts, examples)


_Pairs = tuple["NDArray[np.int64]", "NDArray[np.int64]"]
"""Rows of held-out conversations, each once, and for each the row of an older one."""


def _same_key(keys: NDArray[np.uint64], owners: NDArray[np.int64], splits: NDArray[np.int8]) -> _Pairs:
    """Conversations that share a key with one of an earlier split."""
    import numpy as np

    used = (keys != 0) & (splits[owners] >= 0)
    keys, owners = keys[used], owners[used]
    order = np.lexsort((owners, splits[owners], keys))  # within a key the earliest split first
    keys, owners = keys[order], owners[order]
    first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, dtype=np.int64)
    sizes = np.diff(np.r_[first, len(keys)])
    witness = np.repeat(owners[first], sizes)
    leaking = splits[owners] > splits[witness]
    rows, at = np.unique(owners[leaking], return_index=True)
    return rows, witness[leaking][at]


def _alike(bands: NDArray[np.uint64], splits: NDArray[np.int8]) -> _Pairs:
    """Conversations of which at least ``ALIKE`` bands agree with one of an earlier split."""
    import numpy as np

    found = [_pairs(bands, np.flatnonzero(splits > s), np.flatnonzero(splits == s), _MOST_COMPARED) for s in (0, 1)]
    rows, at = np.unique(np.concatenate([rows for rows, _ in found]), return_index=True)
    return rows, np.concatenate([witnesses for _, witnesses in found])[at]


def _pairs(bands: NDArray[np.uint64], held: NDArray[np.int64], older: NDArray[np.int64], most: int) -> _Pairs:
    """All pairs of a row of ``held`` and one of ``older`` that are alike; a piece at a time, so that memory is flat."""
    import numpy as np

    sides = [_sorted_by(bands[:, band], older) for band in range(BANDS)]
    found = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(held), _PIECE):
        piece = held[start : start + _PIECE]
        agreeing = [_agreeing(bands[:, band], piece, side, most) for band, side in enumerate(sides)]
        pairs, counts = np.unique(np.concatenate(agreeing), return_counts=True)
        found.append(pairs[counts >= ALIKE])
    pairs = np.concatenate(found)
    return pairs // max(1, len(bands)), pairs % max(1, len(bands))


def _sorted_by(band: NDArray[np.uint64], rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The values of a band in ascending order, and their rows: sorted once for all pieces."""
    import numpy as np

    rows = rows[band[rows] != 0]
    rows = rows[np.argsort(band[rows], kind="stable")]
    return band[rows], rows


def _agreeing(
    band: NDArray[np.uint64],
    held: NDArray[np.int64],
    older: tuple[NDArray[np.uint64], NDArray[np.int64]],
    most: int,
) -> NDArray[np.int64]:
    """Pairs whose band agrees, each as the one number ``held * n + older``."""
    import numpy as np

    values, rows = older
    held = held[band[held] != 0]
    held = held[np.argsort(band[held])]  # neighbours are searched for from neighbouring places: memory stays warm
    start = np.searchsorted(values, band[held], side="left")
    count = np.minimum(np.searchsorted(values, band[held], side="right") - start, most)
    offsets = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)  # 0.. within each held-out row
    pairs: NDArray[np.int64] = np.repeat(held, count) * len(band) + rows[np.repeat(start, count) + offsets]
    return pairs


def touching(table: LeakTable, fresh: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Groups the new conversations of a log that has grown as ``belonging`` does, looking only at what they touch.

    Args:
        table: All conversations.
        fresh: (n,) whether each is new.

    Returns:
        (n,) as ``belonging``; old conversations that no new one touches are alone.
    """
    import numpy as np

    size, every = len(table.ids), np.arange(len(table.ids))
    links = [_pairs(table.sketches[:, 2:], np.flatnonzero(fresh), every, _MOST_COMPARED)]
    for column, owners in ((table.sketches[:, 0], every), (table.sketches[:, 1], every), (table.people, table.owners)):
        used = (column != 0) & np.isin(column, column[fresh[owners]])
        names, at = np.unique(column[used], return_inverse=True)
        links.append((owners[used], size + at))
        size += len(names)
    return _components(links, size, len(every))


def belonging(table: LeakTable) -> NDArray[np.int64]:
    """Groups conversations that must be in one split: copies, near-copies, and all of one customer.

    Returns:
        (n,) a group's number for each conversation, from 0.
    """
    import numpy as np

    size, every = len(table.ids), np.arange(len(table.ids))
    keys = [table.sketches[:, 0], table.sketches[:, 1], table.people]
    links = [_pairs(table.sketches[:, 2:], every, every, _MOST_LINKED)]
    for column, owners in zip(keys, (every, every, table.owners), strict=True):
        used = column != 0
        names, at = np.unique(column[used], return_inverse=True)
        links.append((owners[used], size + at))  # a key is a node that its conversations hang on
        size += len(names)
    return _components(links, size, len(every))


def _components(links: Sequence[_Pairs], size: int, count: int) -> NDArray[np.int64]:
    """(count,) the connected component of each of the first nodes."""
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    left, right = (np.concatenate([link[side] for link in links]) for side in (0, 1))
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    groups: NDArray[np.int64] = connected_components(graph, directed=False)[1][:count]
    return groups.astype(np.int64)


def resolve_leaks(table: LeakTable, splits: NDArray[np.int8]) -> tuple[NDArray[np.int8], Counter[str], list[Leak]]:
    """Takes the later of two leaking conversations out of the held-out splits.

    It is dropped, not moved to train: a conversation of the newest tenth would teach what was not known before. What
    is dropped stays in the dataset and in the index; it only measures nothing.

    Args:
        table: All conversations.
        splits: (n,) as in `find_leaks`; not changed.

    Returns:
        The splits with -1 where a conversation was dropped, how many were dropped by kind, and examples.
    """
    import numpy as np

    splits = splits.copy()
    counts: Counter[str] = Counter()
    examples: list[Leak] = []
    for split in (1, 2):  # valid first: what a dropped one is like may stay in test
        while len((found := find_leaks(table, np.where(splits <= split, splits, np.int8(-1)))).rows):
            splits[found.rows] = -1
            counts += found.counts
            examples.extend(found.examples)
    return splits, counts, examples[: 5 * len(KINDS)]


def refuse_leaks(table: LeakTable, splits: NDArray[np.int8]) -> None:
    """The last check before a dataset is written.

    Raises:
        InputError: A held-out conversation repeats one of an earlier split; says how many, of which kind, and which.
    """
    found = find_leaks(table, splits)
    if not len(found.rows):
        return
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items())
    first = found.examples[0]
    raise InputError(
        "split",
        got=f"{len(found.rows):,} held-out conversations that repeat an older one ({kinds}; first {first.held_out!r})",
        expected="none, as a model that has seen the questions is measured too well",
        next_step="Split again with `data.split.divide`, which drops them, or remove one of each two from the log.",
    )
