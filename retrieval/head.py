"""Linear heads over a dense embedding and hashed n-grams: the one implementation, for training, tests and serving.

The encoder knows meaning; the n-grams carry product names, typos, short Chinese words and whatever else the encoder
never saw. A head for intents and a head for answers are the same class with other labels.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_matrix
    from sklearn.feature_extraction import FeatureHasher

Matrix = NDArray[np.float32]

_MARK = "\x1f"
_WORD = re.compile(r"\x1f\S+|[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff]+(?:'[^\W_\u3400-\u9fff]+)?")
_LONGEST = 8000
_REMEMBERED = 20


def mark(block: str, value: str) -> str:
    """A token that is hashed whole, for feature blocks beside the text: ``mark("given", "a1b2")``.

    Args:
        block: Name of the block, without spaces.
        value: Its value, without spaces.
    """
    return f"{_MARK}{block}={value}"


def head_text(context: str, history: Sequence[str] = ()) -> str:
    """What an answer head reads: the context, who said what in it last, and the answers given so far.

    A word weighs differently in the customer's last message, in the agent's last question and in a service's result
    that nobody has spoken about yet, so each of them is a block of its own beside the context as a whole. On STAR this
    and the last three answers raise R@1 of a linear head by 5 points. Training and serving both call it.

    Args:
        context: From ``data.context.render_context``.
        history: Ids of the answers given earlier in the conversation, oldest first.
    """
    last = ["none", *history][-3:]
    blocks = [mark(f"last{n}", ">".join(last[-n:])) for n in range(1, len(last) + 1)]
    blocks += [mark("given", answer) for answer in dict.fromkeys(history)]
    blocks.append(mark("turn", str(min(len(history), 8))))
    return " ".join([*blocks, *_spoken(context), context])


_SPEAKERS = ("customer", "agent", "system")


def _spoken(context: str) -> Iterator[str]:
    """Who spoke last, and the words and pairs of words of each speaker's last line, as marks."""
    lines: dict[str, str] = {}
    speaker = "customer"
    for line in context.split("\n"):
        name, colon, said = line.partition(": ")
        named = bool(colon) and name in _SPEAKERS
        speaker = name if named else "customer"
        lines[speaker] = said if named else line
    yield mark("speaker", speaker)
    for name, line in lines.items():
        if name == "system" and speaker != "system":
            continue
        words = _WORD.findall(unicodedata.normalize("NFKC", line).lower())
        yield from (mark(name, word) for word in words)
        yield from (mark(name, f"{a}_{b}") for a, b in pairwise(words))


@dataclass(frozen=True)
class HashedNgrams:
    """Hashed character n-grams within words, and word unigrams and bigrams, weighted like tf-idf.

    A Chinese character counts as a word, so its unigrams and bigrams are there too. The hash is MurmurHash3: the same
    on every machine and in every process. Chat texts of 60 characters: above 4,000 a second, 0.3 ms for one.

    Attributes:
        buckets: Number of hash buckets; n-grams that share one share its weight.
        shortest: Shortest character n-gram.
        longest: Longest character n-gram.
        idf: (buckets,) inverse document frequencies, or None for none.
    """

    buckets: int = 2**16
    shortest: int = 2
    longest: int = 5
    idf: Matrix | None = field(default=None, compare=False, repr=False)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Features (n, buckets) float32; rows of length 1, or empty for a text without letters, digits or marks."""
        features = self._count(texts)
        np.log1p(features.data, out=features.data)
        if self.idf is not None:
            features.data *= self.idf[features.indices]
        length = np.sqrt(np.add.reduceat(np.append(features.data**2, 0.0), features.indptr[:-1]))
        count = np.diff(features.indptr)
        features.data /= np.repeat(np.maximum(length, 1e-12), count)
        return features

    def fit(self, texts: Sequence[str]) -> HashedNgrams:
        """The same features weighted by smoothed idf, ``ln((1 + n) / (1 + df)) + 1``, over ``texts``."""
        features = self._count(texts)
        frequency = np.bincount(features.indices, minlength=self.buckets)
        idf = np.log((1 + len(texts)) / (1 + frequency)) + 1
        return replace(self, idf=idf.astype(np.float32))

    def _count(self, texts: Sequence[str]) -> csr_matrix:
        from scipy.sparse import csr_matrix

        if not texts:  # which the hasher refuses
            return csr_matrix((0, self.buckets), dtype=np.float32)
        return self._hasher.transform(self.tokens(text) for text in texts)

    def tokens(self, text: str) -> Iterator[str]:
        """The n-grams of a text, as they are hashed."""
        words = _WORD.findall(unicodedata.normalize("NFKC", text[-_LONGEST:]).lower())
        previous = ""
        for word in words:
            if word[0] == _MARK:
                yield word
                continue
            yield f"w {word}"
            if previous:
                yield f"w {previous} {word}"
            previous = word
        yield from self._pieces(words)

    def _pieces(self, words: Sequence[str]) -> Iterator[str]:
        for word in _joined(words):
            padded = f" {word} "
            size = len(padded)
            for length in range(self.shortest, min(self.longest, size) + 1):
                for start in range(size - length + 1):
                    yield padded[start : start + length]

    @cached_property
    def _hasher(self) -> FeatureHasher:
        from sklearn.feature_extraction import FeatureHasher

        return FeatureHasher(self.buckets, input_type="string", alternate_sign=False, dtype=np.float32)


def _joined(words: Sequence[str]) -> Iterator[str]:
    """Words, with neighbouring Chinese characters joined again so that n-grams span them."""
    run = ""
    for word in words:
        if len(word) == 1 and word >= "\u3400":
            run += word
            continue
        if run:
            yield run
            run = ""
        if word[0] != _MARK:
            yield word
    if run:
        yield run


@dataclass(frozen=True, eq=False)
class LinearHead:
    """``logits = (dense · embedding + ngram · features + bias) / temperature``.

    Attributes:
        labels: (C,) class names: intents and topics, or answer ids.
        dense_weights: (C, dim).
        ngram_weights: (C, buckets), an array (kept as float16) or a scipy sparse matrix, or None for no n-grams.
        bias: (C,).
        temperature: Divides the logits; from calibration on the validation split.
        features: How texts become n-gram features.
        kinds: (C,) ``static`` or ``topic`` for intents; empty for answers.
        reads_history: True when the texts must come from ``head_text`` with the conversation's history.
    """

    labels: tuple[str, ...]
    dense_weights: Matrix
    ngram_weights: NDArray[np.floating[Any]] | csr_matrix | None
    bias: Matrix
    temperature: float = 1.0
    features: HashedNgrams = field(default_factory=HashedNgrams)
    kinds: tuple[str, ...] = ()
    reads_history: bool = False

    def __post_init__(self) -> None:
        classes = len(self.labels)
        shapes = {"dense_weights": self.dense_weights.shape[0], "bias": self.bias.shape[0]}
        if self.ngram_weights is not None:
            shapes["ngram_weights"] = self.ngram_weights.shape[0]
            if self.ngram_weights.shape[1] != self.features.buckets:
                raise ValueError(f"ngram_weights has {self.ngram_weights.shape[1]} columns, not one a bucket")
        wrong = {name: rows for name, rows in shapes.items() if rows != classes}
        if wrong or (self.kinds and len(self.kinds) != classes):
            raise ValueError(f"{classes} labels, but rows of {wrong or {'kinds': len(self.kinds)}}")

    @property
    def dim(self) -> int:
        """Length of the embeddings it takes."""
        return int(self.dense_weights.shape[1])

    def logits(self, embeddings: Matrix, texts: Sequence[str]) -> Matrix:
        """Calibrated scores.

        Args:
            embeddings: (n, dim) unit vectors.
            texts: (n,) what the n-grams are taken from.

        Returns:
            (n, C) float32.
        """
        scores = embeddings @ self.dense_weights.T + self.bias  # (n, C)
        if self.ngram_weights is not None and texts:
            scores += self._ngram_scores(texts)
        return np.asarray(scores / self.temperature, dtype=np.float32)

    def probabilities(self, embeddings: Matrix, texts: Sequence[str]) -> Matrix:
        """Softmax of the logits: (n, C), rows sum to 1."""
        logits = self.logits(embeddings, texts)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)

    def _ngram_scores(self, texts: Sequence[str]) -> Matrix:
        features = self.features.transform(texts)  # (n, buckets) sparse
        if len(texts) == 1 and isinstance(self._by_bucket, np.ndarray):  # serving; taking columns costs scipy 0.2 ms
            weights = self._by_bucket[features.indices].astype(np.float32)  # (used, C)
            return np.asarray((features.data @ weights)[None], dtype=np.float32)
        used = np.unique(features.indices)
        weights = self._by_bucket[used]  # (used, C)
        if not isinstance(weights, np.ndarray):
            return np.asarray((features[:, used] @ weights).toarray(), dtype=np.float32)
        return np.asarray(features[:, used] @ weights.astype(np.float32), dtype=np.float32)  # (n, C)

    @cached_property
    def _by_bucket(self) -> NDArray[np.float16] | csr_matrix:
        """N-gram weights with a bucket's row contiguous: one message touches a few hundred of the rows."""
        assert self.ngram_weights is not None
        if isinstance(self.ngram_weights, np.ndarray):
            return np.ascontiguousarray(self.ngram_weights.T, dtype=np.float16)
        return self.ngram_weights.T.tocsr().astype(np.float32, copy=False)

    def save(self, path: Path) -> None:
        """Writes one ``.npz`` without pickles; n-gram weights are stored sparse and as float16."""
        from scipy.sparse import csr_matrix

        config = asdict(replace(self.features, idf=None))
        config.pop("idf")
        meta = {
            "labels": self.labels,
            "kinds": self.kinds,
            "temperature": self.temperature,
            "reads_history": self.reads_history,
            "features": config,
        }
        arrays: dict[str, NDArray[Any]] = {
            "meta": np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), dtype=np.uint8),
            "dense_weights": self.dense_weights.astype(np.float32),
            "bias": self.bias.astype(np.float32),
        }
        if self.features.idf is not None:
            arrays["idf"] = self.features.idf
        if self.ngram_weights is not None:
            sparse = csr_matrix(self.ngram_weights, dtype=np.float32)
            sparse.eliminate_zeros()
            arrays |= {"values": sparse.data.astype(np.float16), "columns": sparse.indices, "rows": sparse.indptr}
        with path.open("wb") as stream:
            np.savez_compressed(stream, **arrays)

    @classmethod
    def load(cls, path: Path) -> LinearHead:
        """Reads what ``save`` wrote.

        Raises:
            InputError: The file is missing or is no head.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            meta = json.loads(arrays["meta"].tobytes())
            features = HashedNgrams(**meta["features"], idf=arrays.get("idf"))
            return cls(
                labels=tuple(meta["labels"]),
                dense_weights=arrays["dense_weights"],
                ngram_weights=_unpacked(arrays, len(meta["labels"]), features.buckets),
                bias=arrays["bias"],
                temperature=float(meta["temperature"]),
                features=features,
                kinds=tuple(meta["kinds"]),
                reads_history=bool(meta["reads_history"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                str(path), got=str(error), expected="a head made by training", next_step="Run `careline learn` again."
            ) from error


_DENSE_CELLS = 2**24
"""Up to this many cells (32 MB as float16) n-gram weights are held dense, which answers quicker."""


def _unpacked(arrays: dict[str, NDArray[Any]], classes: int, buckets: int) -> NDArray[np.float16] | csc_matrix | None:
    """The n-gram weights (classes, buckets) in memory order of buckets: dense where that is small or the smaller."""
    from scipy.sparse import csr_matrix

    if "values" not in arrays:
        return None
    values, columns, rows = arrays["values"], arrays["columns"], arrays["rows"]
    cells = classes * buckets
    if cells > _DENSE_CELLS and 2 * cells > 8 * len(values):  # bytes: float16 against float32 with int32 positions
        return csr_matrix((values.astype(np.float32), columns, rows), shape=(classes, buckets)).tocsc()
    by_bucket = np.zeros((buckets, classes), dtype=np.float16)
    for label in range(classes):
        part = slice(rows[label], rows[label + 1])
        by_bucket[columns[part], label] = values[part]
    return by_bucket.T
