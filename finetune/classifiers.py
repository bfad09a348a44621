"""Three classifiers of messages behind one door: the served model, and the two peers that any model must beat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.schema import IntentExample
from finetune.calibrate import temperature_of
from finetune.examples import evenly
from retrieval.encoder import Encoder, Vectors
from retrieval.head import LinearHead
from retrieval.match import Query
from retrieval.search import Searcher

Floats = NDArray[np.float32]

MOST_ROWS = 20_000
"""Training rows of a peer at most, evenly spaced; more take minutes and change its figures by tenths of a point."""

_FEWEST = 20
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Predicted:
    """What a classifier says of n messages.

    Attributes:
        probabilities: (n, C) rows sum to 1.
        known: (n,) higher means rather in scope; comparable within a classifier only.
    """

    probabilities: Floats
    known: Floats

    @property
    def confidence(self) -> Floats:
        """(n,) probability of the first intent."""
        return np.asarray(self.probabilities.max(axis=1), dtype=np.float32)


class Classifier(Protocol):
    """Says what messages are about."""

    @property
    def name(self) -> str:
        """For tables."""

    @property
    def labels(self) -> tuple[str, ...]:
        """(C,) the intents it knows."""

    def predict(self, texts: Sequence[str], *, scope: bool = True) -> Predicted:
        """Probabilities, and whether each text is in scope; without ``scope`` the latter is zeros and costs nothing."""


Scope = Callable[[Sequence[str]], Iterator[float]]
"""Texts to the probability that each is in scope."""


class Served:
    """The model as it serves: quantised encoder, calibrated head, and the scope that search decides by.

    Args:
        head: Of intents.
        encoder: That serves.
        scope: From ``searched_scope``; None takes the head's confidence.
    """

    name = "careline"

    def __init__(self, head: LinearHead, encoder: Encoder, *, scope: Scope | None = None) -> None:
        self.head, self.encoder, self._scope = head, encoder, scope

    @property
    def labels(self) -> tuple[str, ...]:
        """See parent."""
        return self.head.labels

    def predict(self, texts: Sequence[str], *, scope: bool = True) -> Predicted:
        """See parent."""
        plain = [" ".join(text.split()) for text in texts]
        parts = [plain[start : start + _CHUNK] for start in range(0, len(plain), _CHUNK)]
        rows = [self.head.probabilities(self.encoder.encode(part), part) for part in parts]
        probabilities = np.concatenate([np.zeros((0, len(self.labels)), dtype=np.float32), *rows])
        if not scope:
            return Predicted(probabilities, np.zeros(len(texts), dtype=np.float32))
        if self._scope is None:
            return Predicted(probabilities, probabilities.max(axis=1, initial=0.0))
        return Predicted(probabilities, np.fromiter(self._scope(texts), dtype=np.float32, count=len(texts)))


def searched_scope(searcher: Searcher) -> Scope:
    """The probability of being in scope that serving decides by; 0 for texts without letters and digits."""

    def known(texts: Sequence[str]) -> Iterator[float]:
        asked = [text for text in texts if any(character.isalnum() for character in text)]
        matches = searcher.matcher.match([Query.of(text) for text in asked])
        for text in texts:
            wordless = not any(character.isalnum() for character in text)
            yield 0.0 if wordless else searcher.result(next(matches), k=1, explained=0).known

    return known


class Linear:
    """A linear classifier of scikit-learn over features of its own; scope by its largest score.

    Args:
        name: For tables.
        features: Texts to (n, d), dense or sparse.
        model: With ``fit`` and ``decision_function``.
        train: What it learns from; at most ``MOST_ROWS`` are taken.
        valid: Sets the temperature; with fewer than 20 it stays 1.
    """

    def __init__(
        self,
        name: str,
        features: Callable[[Sequence[str]], Any],
        model: Any,
        train: Sequence[IntentExample],
        valid: Sequence[IntentExample] = (),
    ) -> None:
        self.name, self._features, self._model = name, features, model
        rows = [train[i] for i in evenly(len(train), MOST_ROWS)]
        self._labels = tuple(sorted({row.intent for row in rows}))
        place = {label: i for i, label in enumerate(self._labels)}
        model.fit(features([row.text for row in rows]), np.array([place[row.intent] for row in rows]))
        self.temperature = 1.0
        known = [row for row in valid if row.intent in place]
        if len(known) >= _FEWEST:
            gold = np.array([place[row.intent] for row in known], dtype=np.int64)
            self.temperature = temperature_of(self._scores([row.text for row in known]), gold)

    @property
    def labels(self) -> tuple[str, ...]:
        """See parent."""
        return self._labels

    def predict(self, texts: Sequence[str], *, scope: bool = True) -> Predicted:
        """See parent."""
        scores = self._scores(texts)
        raised = np.exp((scores - scores.max(axis=1, keepdims=True, initial=-np.inf)) / self.temperature)
        return Predicted(
            np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32),
            np.asarray(scores.max(axis=1, initial=-np.inf), dtype=np.float32),
        )

    def _scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        if not len(texts):
            return np.zeros((0, len(self._labels)))
        scores = np.asarray(self._model.decision_function(self._features(texts)), dtype=np.float64)
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores  # (n, C); two classes give (n,)


def tfidf_svm(train: Sequence[IntentExample], valid: Sequence[IntentExample] = ()) -> Linear:
    """TF-IDF of words and pairs of words (a Chinese character is a word) with a linear support vector machine."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)[\u3400-\u9fff]|[^\W\u3400-\u9fff]+"
    )
    vectorizer.fit([train[i].text for i in evenly(len(train), MOST_ROWS)])
    return Linear("tfidf + linear SVM", vectorizer.transform, LinearSVC(random_state=0), train, valid)


def frozen_logistic(
    train: Sequence[IntentExample],
    valid: Sequence[IntentExample] = (),
    *,
    encoder: Encoder,
    name: str = "frozen encoder + logistic regression",
) -> Linear:
    """The base encoder as it came, with multinomial logistic regression over its unit vectors.

    Its penalty is fixed (C = 30) and chosen on no data: unit vectors of 384 dimensions need weights about that large.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=30.0, max_iter=300)
    return Linear(name, lambda texts: encoder.encode(list(texts)), model, train, valid)


class Remembered:
    """An encoder that encodes a text once: folds and curves ask for the same texts again and again.

    Args:
        encoder: Asked for texts that are new.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._seen: dict[str, Vectors] = {}

    @property
    def dim(self) -> int:
        """See parent."""
        return self.encoder.dim

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        """See parent."""
        new = [text for text in dict.fromkeys(texts) if text not in self._seen]
        self._seen.update(zip(new, self.encoder.encode(new, batch_size=batch_size), strict=True))
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        return np.stack([self._seen[text] for text in texts])
