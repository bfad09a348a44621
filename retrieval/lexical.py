"""BM25 in English and Chinese, and what it takes to say which words matched."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError

if TYPE_CHECKING:
    import bm25s
    import jieba

Scores = NDArray[np.float32]

_K1 = 1.2
_HAN = "\u3400-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+(?:'[^\W_{_HAN}]+)?")
_COMMON = "i my me you your we our us do does did can could would should am im have has had just from so please"
_STOP_EN = frozenset(_COMMON.split())
_STOP_ZH = frozenset("的了吗呢吧啊呀我你您是在和就都也有这那请") | {"请问", "一下", "你好", "您好"}


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
    stop = _stop_words()
    kept = [token for token in tokens if token not in stop]
    return [_singular(token) for token in kept or tokens]


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
def _stop_words() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_EN

    return frozenset(STOPWORDS_EN) | _STOP_EN | _STOP_ZH


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

    Args:
        index: A bm25s index, or None for no texts; use ``build`` or ``load``.
        size: Number of texts.
    """

    def __init__(self, index: bm25s.BM25 | None, size: int) -> None:
        self._index, self.size = index, size
        if index is not None:
            frequency = np.diff(index.scores["indptr"]).astype(np.float64)
            self._idf = _idf(frequency, size)  # (tokens,)
        self._idf_unknown = float(_idf(np.zeros(1), size)[0])

    @classmethod
    def build(cls, texts: Sequence[str]) -> Lexical:
        """Indexes texts; each may be empty, and there may be none."""
        return cls.from_words([words_of(text) for text in texts])

    @classmethod
    def from_words(cls, documents: Sequence[Sequence[str]]) -> Lexical:
        """Indexes what ``words_of`` made of each text."""
        import bm25s

        if not any(documents):
            return cls(None, len(documents))
        index = bm25s.BM25(method="lucene", k1=_K1, b=0.75)
        index.index([list(words) for words in documents], show_progress=False)
        return cls(index, len(documents))

    def scores(self, words: Sequence[str]) -> Scores:
        """(size,) share of the query's weight that is found in each text, from 0 to about 1.

        Args:
            words: From ``words_of``.
        """
        out = np.zeros(self.size, dtype=np.float32)
        known = self._known(words)
        best = sum(self._idf[i] for i in known) + self._idf_unknown * (len(set(words)) - len(known))
        if self._index is None or not known:
            return out
        table = self._index.scores
        for token in known:  # a token's texts are distinct, so plain fancy addition is right, and 10 x np.add.at
            part = slice(table["indptr"][token], table["indptr"][token + 1])
            out[table["indices"][part]] += table["data"][part]
        return np.asarray(out * (1 + _K1) / best, dtype=np.float32)

    def known_share(self, words: Sequence[str], *, among: NDArray[np.bool_] | None = None) -> float:
        """Share 0..1 of the query's words, weighted by rarity, that occur in any text.

        Args:
            words: From ``words_of``.
            among: (size,) the texts that count; all by default.
        """
        known = [token for token in self._known(words) if among is None or among[self._texts_with(token)].any()]
        found = sum(self._idf[i] for i in known)
        missed = self._idf_unknown * (len(set(words)) - len(known))
        return float(found / (found + missed)) if words else 0.0

    def _texts_with(self, token: int) -> NDArray[np.int64]:
        assert self._index is not None
        table = self._index.scores
        return np.asarray(table["indices"][table["indptr"][token] : table["indptr"][token + 1]])

    def weight(self, word: str) -> float:
        """Inverse document frequency of a word; the largest for one that is in no text."""
        known = self._known([word])
        return float(self._idf[known[0]]) if known else self._idf_unknown

    def _known(self, words: Sequence[str]) -> list[int]:
        if self._index is None:
            return []
        vocabulary = self._index.vocab_dict
        return [vocabulary[word] for word in dict.fromkeys(words) if word in vocabulary]

    def save(self, folder: Path) -> None:
        """Writes bm25s's folder (``.npy`` and JSON, no pickles)."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "size.txt").write_text(f"{self.size}\n", encoding="utf-8")
        if self._index is not None:
            self._index.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> Lexical:
        """Reads what ``save`` wrote.

        Raises:
            InputError: The folder is missing or holds no such index.
        """
        import bm25s

        try:
            size = int((folder / "size.txt").read_text(encoding="utf-8"))
            stored = (folder / "params.index.json").is_file()
            return cls(bm25s.BM25.load(folder, show_progress=False) if stored else None, size)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                str(folder), got=str(error), expected="a BM25 index", next_step="Run `careline index build` again."
            ) from error


def _idf(frequency: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.asarray(np.log(1 + (size - frequency + 0.5) / (frequency + 0.5)))
