"""What an agent's message says beneath its courtesies, as numbers by which equal and nearly equal ones are found."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.dedupe import answer_key, matter_of, shingles, without_stock

_PERMUTATIONS, _BANDS = 64, 16
"""16 bands of 4: two wordings of Jaccard similarity .7 meet with probability .99, of .3 with .12."""


_PRIME = np.uint64(0x100000001B3)
"""Of the 64-bit FNV-1a hash, by which the four values of a band become one."""


@dataclass(frozen=True)
class Stock:
    """First and last sentences that say nothing of their own, as keys."""

    first: frozenset[str] = frozenset()
    last: frozenset[str] = frozenset()


@dataclass(frozen=True)
class WordTask:
    """The agents' messages of a shard.

    Attributes:
        utterances: Written by `data.refine`.
        stock: Sentences to leave out.
        words: The file to write.
    """

    utterances: Path
    stock: Stock
    words: Path


def word_shard(task: WordTask) -> int:
    """Writes the wordings of a shard's messages and returns how many there are."""
    from data.parts import BANDS, KEY_COLUMNS, read_table, write_table

    table = read_table(task.utterances)
    names = ("text", "label", "language", "question")
    texts, labels, languages, questions = (table[name].to_pylist() for name in names)
    known: dict[tuple[str, str], int] = {}
    of = [known.setdefault(pair, len(known)) for pair in zip(texts, languages, strict=True)]
    bare = [without_stock(text, task.stock.first, task.stock.last) for text, _ in known]
    words = [answer_key(text) for text in bare]
    spoken = [language for _, language in known]
    wording = [number(f"{language}\n{key}") for language, key in zip(spoken, words, strict=True)]
    free = sorted({place for place, label in zip(of, labels, strict=True) if not label})
    bands = np.zeros((len(known), BANDS), dtype=np.uint64)  # a template's messages are grouped by its name alone
    bands[free] = bands_of([spoken[i] for i in free], [words[i] for i in free])
    columns: dict[str, Any] = {
        "bare": [bare[i] for i in of],
        "words": [words[i] for i in of],
        "group": [number(f"\1{label}") if label else wording[i] for i, label in zip(of, labels, strict=True)],
        "wording": [wording[i] for i in of],
        "text": np.array([number(text) for text in bare], dtype=np.uint64)[of],
        "question": [number(question or "") for question in questions],
        "bands": bands[of],
    }
    write_table(task.words, KEY_COLUMNS, columns)
    return len(texts)


def bands_of(languages: Sequence[str], words: Sequence[str]) -> NDArray[np.uint64]:
    """(n, 16) where near-duplicates meet: those of one language that agree in numbers, negations and placeholders."""
    from rensa import RMinHash

    if not words:
        return np.zeros((0, _BANDS), dtype=np.uint64)
    sets = [sorted(shingles(language, key)) for language, key in zip(languages, words, strict=True)]
    rows = RMinHash.digests_from_token_sets(sets, _PERMUTATIONS, 42)
    digests = np.array(rows, dtype=np.uint64).reshape(len(words), _BANDS, -1)  # (n, 16, 4)
    tied = [number(f"{language} {matter_of(key)}") for language, key in zip(languages, words, strict=True)]
    mixed = np.array(tied, dtype=np.uint64)[:, None] + np.arange(_BANDS, dtype=np.uint64)
    for column in range(digests.shape[2]):
        mixed = (mixed ^ digests[:, :, column]) * _PRIME
    return np.asarray(mixed)


def number(value: str | bytes) -> int:
    """A 64-bit hash that is the same in every process."""
    plain = value.encode(errors="replace") if isinstance(value, str) else value
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "little")
