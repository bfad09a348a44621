"""BM25 in English and Chinese, and what it takes to say which words matched."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from retrieval.postings import K1, Late, Postings, Rows, Scores, idf

if TYPE_CHECKING:
    import jieba

_HAN = "\u3400-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+(?:'[^\W_{_HAN}]+)?")
_COMMON = """
a an the this that these those it its i my me you your we our us they them their he she his her who
am is are was were be been being do does did has have had can could will would should shall may might must
and or but if then than so as at by for from in into of on onto to up with about im please just
"""
_STOP_EN = frozenset(_COMMON.split())
_STOP_ZH = frozenset("的了吗呢吧啊呀我你您是在和就都也有这那请") | {"请问", "一下", "你好", "您好"}
_STOP = _STOP_EN | _STOP_ZH
_PIECE_OF_TEXTS = 1024


def language_of(text: str, default: str = "en") -> str:
    """``zh`` when Chinese characters are at least a fifth of the letters, ``en`` when there are other letters.

    Args:
        text: A message. A Latin product name within a Chinese sentence does not make it English: a Chinese character
            says about as much as three Latin letters.
        default: For a text without letters.
    """
    han = sum("\u3400" <= c <= "\u9fff" for c in text)
    letters = sum(c.isalpha() for c in text)
    if not letters:
        return default
    return "zh" if han * 3 >= letters - han else "en"


def words_of(text: str) -> list[str]:
    """Tokens of a text, as BM25 counts them: lower case, English plurals cut, Chinese segmented, no function words.

    Chinese is counted by words and by pairs of characters, because two sentences are rarely segmented alike ("能机|洗"
    against "可以|机洗"). A text of function words only keeps them, so that it can be found at all.
    """
    pieces = _PIECE.findall(unicodedata.normalize("NFKC", text).lower())
    tokens: list[str] = []
    for piece in pieces:
        if "\u3400" <= piece[0] <= "\ufaff":
            tokens += _chinese().lcut_for_search(piece)
            tokens += (a + b for a, b in pairwise(piece))
        else:
            tokens.append(piece)
    kept = [token for token in tokens if token not in _STOP]
    return [_singular(token) for token in kept or tokens]


def spans_of(text: str) -> list[tuple[int, int]]:
    """Where each word of a text is, function words included; Chinese in jieba's words.

    Returns:
        (start, end) of each, in order.
    """
    spans: list[tuple[int, int]] = []
    for match in _PIECE.finditer(text):
        if "\u3400" <= match.group()[0] <= "\ufaff":
            spans += [(match.start() + a, match.start() + b) for _, a, b in _chinese().tokenize(match.group())]
        else:
            spans.append(match.span())
    return spans


def _singular(word: str) -> str:
    """Harman's S-stemmer (1991, "How effective is suffixing?"): three rules, and one for boxes and watches."""
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    if len(word) > 4 and word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    if len(word) > 3 and word.endswith("s") and word[-2] not in "us":
        return word[:-1]
    return word


@lru_cache(maxsize=1)
def _chinese() -> jieba.Tokenizer:
    """Jieba's segmenter; its dictionary takes about a second, so it is read when the first Chinese text comes."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba imports pkg_resources, which warns
        import jieba

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    return jieba.dt


class Lexical:
    """BM25 (Lucene's formula, k1 1.2, b 0.75) over texts, scored as a share of the query.

    A score is divided by that of a text of average length which has each word of the query once, unknown words
    included: 0.5 means that about half of what the query says is found in the text. Shorter texts and repeated words
    can bring it a little above 1.

    Texts that are added weigh their words by the frequencies among those that were there before.

    Args:
        postings: Of the texts that are there; use ``build`` or ``load``.
    """

    def __init__(self, postings: Postings) -> None:
        self._postings, self._late = postings, Late(postings)
        self._idf_unknown = float(idf(0.0, postings.size))

    @classmethod
    def build(cls, texts: Iterable[str]) -> Lexical:
        """Indexes texts; each may be empty, and there may be none."""
        return cls.from_words(map(words_of, texts))

    @classmethod
    def from_words(cls, documents: Iterable[Sequence[str]]) -> Lexical:
        """Indexes what ``words_of`` made of each text."""
        return cls(Postings.count(documents))

    @property
    def size(self) -> int:
        """Number of texts."""
        return self._postings.size + self._late.size

    def add(self, text: str) -> None:
        """Adds a text after the others."""
        self._late.add(words_of(text))

    def best(self, words: Sequence[str], k: int, *, among: NDArray[np.bool_] | None = None) -> tuple[Rows, Scores]:
        """The texts that hold most of the query's weight, exactly, without a score for each text.

        Args:
            words: From ``words_of``.
            k: At most so many; at least 1.
            among: (rows,) which texts may be found; texts beyond its end may not. None: all.

        Returns:
            Rows (at most k,) with a score above 0, best first, and their shares as in ``scores``; of equal ones the
            first comes first.
        """
        first, size = self._postings.size, self.size if among is None else len(among)
        known = list(self._postings.numbers(words).values())
        base = among if among is None or size >= first else np.pad(among, (0, first - size))
        rows, sums = self._postings.best(known, k, base)
        if size > first:
            late = self._late.scores(dict.fromkeys(words), size - first)
            there = late > 0 if among is None else (late > 0) & among[first:]
            rows = np.concatenate([rows, np.flatnonzero(there) + first])
            sums = np.concatenate([sums, late[there]])
        order = np.lexsort((rows, -sums))[:k]
        return rows[order], self._share(sums[order], words)

    def scores(self, words: Sequence[str]) -> Scores:
        """(size,) share of the query's weight that is found in each text, from 0 to about 1.

        Args:
            words: From ``words_of``.
        """
        out = np.zeros(self._postings.size, dtype=np.float32)
        for word in self._postings.numbers(words).values():
            texts, scores = self._postings.of(word)
            out[texts] += scores
        late = self._late.scores(dict.fromkeys(words), self._late.size)
        return self._share(np.concatenate([out, late]) if len(late) else out, words)

    def scores_at(self, words: Sequence[str], rows: NDArray[np.int64]) -> Scores:
        """(rows,) what ``scores`` says of these texts: a search in each word's part, however many texts there are.

        Args:
            words: From ``words_of``.
            rows: Positions of texts.
        """
        out = np.zeros(len(rows), dtype=np.float32)
        for word in self._postings.numbers(words).values():
            out += self._postings.at(word, rows)
        late = rows - self._postings.size
        if (late >= 0).any():
            out[late >= 0] = self._late.scores(dict.fromkeys(words), int(late.max()) + 1)[late[late >= 0]]
        return self._share(out, words)

    def known_share(self, words: Sequence[str], *, among: NDArray[np.bool_] | None = None) -> float:
        """Share 0..1 of the query's words, weighted by rarity, that occur in any text.

        Args:
            words: From ``words_of``.
            among: (size,) the texts that count; all by default.
        """
        distinct = dict.fromkeys(words)
        numbers = self._postings.numbers(distinct)
        known = [word for word in distinct if self._occurs(word, numbers, among)]
        found = sum(self._weight(numbers, word) for word in known)
        missed = self._idf_unknown * (len(distinct) - len(known))
        return float(found / (found + missed)) if words else 0.0

    def _occurs(self, word: str, numbers: dict[str, int], among: NDArray[np.bool_] | None) -> bool:
        if among is None:
            return word in numbers or word in self._late
        if word in numbers:
            texts, _ = self._postings.of(numbers[word])
            pieces = (texts[start : start + _PIECE_OF_TEXTS] for start in range(0, len(texts), _PIECE_OF_TEXTS))
            if any(among[piece].any() for piece in pieces):
                return True
        late = self._late.texts_with(word) + self._postings.size
        return bool(among[late[late < len(among)]].any())

    def weights(self, words: Iterable[str]) -> dict[str, float]:
        """Inverse document frequency of each word; the largest for one that is in no text."""
        distinct = dict.fromkeys(words)
        numbers = self._postings.numbers(distinct)
        return {word: self._weight(numbers, word) for word in distinct}

    def _weight(self, numbers: dict[str, int], word: str) -> float:
        return self._postings.weight(numbers[word]) if word in numbers else self._idf_unknown

    def frequencies(self, words: Collection[str]) -> dict[str, int]:
        """In how many texts each word stands; those that are in none are left out."""
        starts, numbers = self._postings.starts, self._postings.numbers(words)
        found = {word: int(starts[place + 1] - starts[place]) for word, place in numbers.items()}
        for word in words:
            if word in self._late:
                found[word] = found.get(word, 0) + len(self._late.texts_with(word))
        return found

    def rarest(self, words: Sequence[str], most: int) -> list[str]:
        """The distinct words that occur in any text, the rarest first, at most ``most``: they decide and cost least."""
        numbers = self._postings.numbers(words)
        known = {w: self._weight(numbers, w) for w in dict.fromkeys(words) if w in numbers or w in self._late}
        return sorted(known, key=lambda word: (-known[word], word))[:most]

    def _share(self, sums: Scores, words: Sequence[str]) -> Scores:
        best = sum(self.weights(words).values())
        return np.asarray(sums * (1 + K1) / best if best else sums, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Writes a folder of ``.npy`` files, no pickles.

        Raises:
            ValueError: Texts were added, whose words weigh by old frequencies; index all texts anew.
        """
        if self._late.size:
            raise ValueError(f"{self._late.size} texts were added since it was built")
        self._postings.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Lexical:
        """Maps what ``save`` wrote.

        Raises:
            InputError: The folder is missing or holds no such index.
        """
        try:
            return cls(Postings.load(folder))
        except (OSError, ValueError) as error:
            raise InputError(
                str(folder), got=str(error), expected="a BM25 index", next_step="Run `careline index build` again."
            ) from error
