"""BM25 in English and Chinese, and what it takes to say which words matched."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError

if TYPE_CHECKING:
    import jieba

Scores = NDArray[np.float32]

_K1, _B = 1.2, 0.75
_BM25S = {"method": "lucene", "idf_method": "lucene", "delta": 0.5, "dtype": "float32", "int_dtype": "int32"}
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


@dataclass(frozen=True, eq=False)
class Postings:
    """What bm25s computed, as plain arrays: serving reads them without bm25s, which brings jax and 100 MB with it.

    Attributes:
        scores: (postings,) BM25 of a word in a text, word by word.
        texts: (postings,) the texts, ascending within a word.
        starts: (words + 1,) where each word's part begins.
        vocabulary: Word to its number.
    """

    scores: NDArray[np.float32]
    texts: NDArray[np.int32]
    starts: NDArray[np.int64]
    vocabulary: dict[str, int]

    def of(self, word: int) -> slice:
        """Where the postings of a word are."""
        return slice(int(self.starts[word]), int(self.starts[word + 1]))


class Lexical:
    """BM25 (Lucene's formula, k1 1.2, b 0.75) over texts, scored as a share of the query.

    A score is divided by that of a text of average length which has each word of the query once, unknown words
    included: 0.5 means that about half of what the query says is found in the text. Shorter texts and repeated words
    can bring it a little above 1.

    Args:
        postings: None for texts without any words; use ``build`` or ``load``.
        size: Number of texts.
    """

    def __init__(self, postings: Postings | None, size: int) -> None:
        self._postings, self.size = postings, size
        if postings is not None:
            self._idf = _idf(np.diff(postings.starts).astype(np.float64), size)  # (words,)
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
        index = bm25s.BM25(method="lucene", k1=_K1, b=_B)
        index.index([list(words) for words in documents], show_progress=False)
        made = index.scores
        return cls(Postings(made["data"], made["indices"], made["indptr"], dict(index.vocab_dict)), len(documents))

    def scores(self, words: Sequence[str]) -> Scores:
        """(size,) share of the query's weight that is found in each text, from 0 to about 1.

        Args:
            words: From ``words_of``.
        """
        out = np.zeros(self.size, dtype=np.float32)
        known = self._known(words)
        best = sum(self._idf[i] for i in known) + self._idf_unknown * (len(set(words)) - len(known))
        if self._postings is None or not known:
            return out
        for word in known:  # a word's texts are distinct, so plain fancy addition is right, and 10 x np.add.at
            part = self._postings.of(word)
            out[self._postings.texts[part]] += self._postings.scores[part]
        return np.asarray(out * (1 + _K1) / best, dtype=np.float32)

    def scores_at(self, words: Sequence[str], rows: NDArray[np.int64]) -> Scores:
        """(rows,) what ``scores`` says of these texts: a search in each word's part, however many texts there are.

        Args:
            words: From ``words_of``.
            rows: Positions of texts.
        """
        out = np.zeros(len(rows), dtype=np.float32)
        known = self._known(words)
        best = sum(self._idf[i] for i in known) + self._idf_unknown * (len(set(words)) - len(known))
        if self._postings is None or not known:
            return out
        for word in known:
            part = self._postings.of(word)
            texts = self._postings.texts[part]  # ascending
            place = np.minimum(np.searchsorted(texts, rows), len(texts) - 1)
            out += np.where(texts[place] == rows, self._postings.scores[part][place], 0.0)
        return np.asarray(out * (1 + _K1) / best, dtype=np.float32)

    def known_share(self, words: Sequence[str], *, among: NDArray[np.bool_] | None = None) -> float:
        """Share 0..1 of the query's words, weighted by rarity, that occur in any text.

        Args:
            words: From ``words_of``.
            among: (size,) the texts that count; all by default.
        """
        known = [word for word in self._known(words) if among is None or among[self._texts_with(word)].any()]
        found = sum(self._idf[i] for i in known)
        missed = self._idf_unknown * (len(set(words)) - len(known))
        return float(found / (found + missed)) if words else 0.0

    def _texts_with(self, word: int) -> NDArray[np.int32]:
        assert self._postings is not None
        return self._postings.texts[self._postings.of(word)]

    def weight(self, word: str) -> float:
        """Inverse document frequency of a word; the largest for one that is in no text."""
        known = self._known([word])
        return float(self._idf[known[0]]) if known else self._idf_unknown

    def frequencies(self, words: Collection[str]) -> dict[str, int]:
        """In how many texts each word stands; those that are in none are left out."""
        if self._postings is None:
            return {}
        starts = self._postings.starts
        known = {word: place for word in words if (place := self._postings.vocabulary.get(word)) is not None}
        return {word: int(starts[place + 1] - starts[place]) for word, place in known.items()}

    def rarest(self, words: Sequence[str], most: int) -> list[str]:
        """The distinct words that occur in any text, the rarest first, at most ``most``: they decide and cost least."""
        vocabulary = self._postings.vocabulary if self._postings is not None else {}
        known = {word: float(self._idf[vocabulary[word]]) for word in words if word in vocabulary}
        return sorted(known, key=lambda word: (-known[word], word))[:most]

    def _known(self, words: Sequence[str]) -> list[int]:
        vocabulary = self._postings.vocabulary if self._postings is not None else {}
        return [vocabulary[word] for word in dict.fromkeys(words) if word in vocabulary]

    def save(self, folder: Path) -> None:
        """Writes a folder as bm25s does (``.npy`` and JSON, no pickles); ``bm25s.BM25.load`` reads it too."""
        folder.mkdir(parents=True, exist_ok=True)
        parameters = {**_BM25S, "k1": _K1, "b": _B, "num_docs": self.size}
        (folder / "params.index.json").write_text(json.dumps(parameters), encoding="utf-8")
        if self._postings is None:
            return
        np.save(folder / "data.csc.index.npy", self._postings.scores, allow_pickle=False)
        np.save(folder / "indices.csc.index.npy", self._postings.texts, allow_pickle=False)
        np.save(folder / "indptr.csc.index.npy", self._postings.starts, allow_pickle=False)
        words = json.dumps(self._postings.vocabulary, ensure_ascii=False)
        (folder / "vocab.index.json").write_text(words, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Lexical:
        """Reads what ``save`` wrote.

        Raises:
            InputError: The folder is missing or holds no such index.
        """
        try:
            size = int(json.loads((folder / "params.index.json").read_text(encoding="utf-8"))["num_docs"])
            if not (folder / "vocab.index.json").is_file():
                return cls(None, size)
            names = ("data.csc.index.npy", "indices.csc.index.npy", "indptr.csc.index.npy")
            scores, texts, starts = (np.load(folder / name, allow_pickle=False) for name in names)
            vocabulary = json.loads((folder / "vocab.index.json").read_text(encoding="utf-8"))
            return cls(Postings(scores, texts, starts, vocabulary), size)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                str(folder), got=str(error), expected="a BM25 index", next_step="Run `careline index build` again."
            ) from error


def _idf(frequency: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.asarray(np.log(1 + (size - frequency + 0.5) / (frequency + 0.5)))
