"""Whether a message is about what the intents are about: a logistic of nearness, confidence and spelling.

No single score holds everywhere: nearness to training messages tells new topics apart, the head's logits tell apart
what lies between topics, and spelling tells random letters. `finetune.scope` weighs them on held-out messages.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from retrieval.encoder import Encoder, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Evidence = NDArray[np.float64]

EVIDENCE: Mapping[str, str] = {
    "nearest": "cosine of the nearest training message",
    "near": "mean cosine of the ten nearest training messages (of all, where there are fewer)",
    "agreed": "share 0..1 of the ten nearest that have the predicted intent, or of as many as that intent has",
    "mean": "cosine of the mean vector of the predicted intent",
    "logit": "highest calibrated logit of the head, over 10",
    "margin": "how far it lies above the second, at most 10, over 10",
    "surprise": "entropy of the head's probabilities, in nats",
    "stray": "cosine of the nearest example of what is out of scope; 0 without any",
    "spelled": "share 0..1 of the letters that stand in words which the encoder's vocabulary can spell",
}
"""What is weighed, in the order of the columns."""

NEAREST = 10
LEAST_SPELLED = 0.4
"""Of 16,000 real messages (BANKING77, CLINC150, TweetSumm) one in 5,000 lies below, of random letters seven in ten."""

_CHUNK = 512
_PIECE = 2.0
"""Mean letters of a word's pieces below which the vocabulary cannot spell it: typos keep to longer ones."""

_SHORTEST = 3
"""Characters; shorter words are taken for spelled."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")

_LOOKED_AT = 400
"""Characters of a text whose spelling is looked at."""


@dataclass(frozen=True, eq=False)
class IntentScope:
    """``known = sigmoid(weights · evidence + bias)``, and the probability from which a message is in scope.

    Attributes:
        inside: (n, dim) unit vectors of training messages.
        classes: (n,) the number of each one's label in the head.
        outside: (m, dim) unit vectors of examples of what is out of scope.
        weights: (len(EVIDENCE),).
        bias: Of the logistic.
        least: Probability 0..1 from which a message is in scope.
        least_spelled: Share of spelled letters below which a message is noise whatever else speaks for it.
    """

    inside: Vectors
    classes: NDArray[np.int64]
    outside: Vectors
    weights: Evidence
    bias: float
    least: float = 0.5
    least_spelled: float = LEAST_SPELLED

    def known(self, evidence: Evidence) -> NDArray[np.float64]:
        """(n,) probability 0..1 that each message is in scope; 0 for what cannot be read.

        Args:
            evidence: (n, len(EVIDENCE)) from ``evidence``.
        """
        score = np.clip(evidence @ self.weights + self.bias, -50, 50)
        probability = 1 / (1 + np.exp(-score))
        return np.asarray(np.where(evidence[:, _SPELLED] < self.least_spelled, 0.0, probability))

    def evidence(self, vectors: Vectors, logits: NDArray[Any], spelled: NDArray[Any]) -> Evidence:
        """(n, len(EVIDENCE)) what speaks for each message.

        Args:
            vectors: (n, dim) of length 1.
            logits: (n, classes) calibrated, of the head whose labels ``classes`` counts.
            spelled: (n,) from ``spelled_share``.
        """
        return scope_evidence(vectors, logits, spelled, self.inside, self.classes, self.outside)

    def save(self, path: Path) -> None:
        """Writes one ``.npz`` without pickles."""
        meta = {"bias": self.bias, "least": self.least, "least_spelled": self.least_spelled}
        named = dict(zip(EVIDENCE, self.weights.tolist(), strict=True))
        with path.open("wb") as stream:
            np.savez_compressed(
                stream,
                meta=np.frombuffer(json.dumps({**meta, "weights": named}).encode(), dtype=np.uint8),
                inside=self.inside.astype(np.float16),
                classes=self.classes.astype(np.int32),
                outside=self.outside.astype(np.float16),
            )

    @classmethod
    def load(cls, path: Path) -> IntentScope:
        """Reads what ``save`` wrote.

        Raises:
            InputError: The file is missing, or is no such scope.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            meta = json.loads(arrays["meta"].tobytes())
            weights = np.array([float(meta["weights"][name]) for name in EVIDENCE])
            return cls(
                inside=arrays["inside"].astype(np.float32),
                classes=arrays["classes"].astype(np.int64),
                outside=arrays["outside"].astype(np.float32),
                weights=weights,
                bias=float(meta["bias"]),
                least=float(meta["least"]),
                least_spelled=float(meta["least_spelled"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                str(path), got=str(error), expected="a scope made by training",
                next_step="Run `careline model train` again.",
            ) from error  # fmt: skip


_SPELLED = list(EVIDENCE).index("spelled")


def scope_evidence(
    vectors: Vectors, logits: NDArray[Any], spelled: NDArray[Any], inside: Vectors, classes: NDArray[np.int64],
    outside: Vectors, *, own: NDArray[np.bool_] | None = None,
) -> Evidence:  # fmt: skip
    """What speaks for each message being in scope; see ``IntentScope.evidence``.

    Args:
        vectors: (n, dim) of length 1.
        logits: (n, classes).
        spelled: (n,).
        inside: (m, dim) of training messages.
        classes: (m,) their labels' numbers.
        outside: (o, dim) of examples that are out of scope.
        own: (n, m) True where a training message must not speak for a message, as it is the message itself.
    """
    rows = []
    means = _means(inside, classes, logits.shape[1])
    sizes = np.bincount(classes, minlength=logits.shape[1])
    for start in range(0, len(vectors), _CHUNK):
        part = slice(start, start + _CHUNK)
        cosines = vectors[part] @ inside.T  # (part, m)
        if own is not None:
            cosines = np.where(own[part], -1.0, cosines)
        best = logits[part].argmax(axis=1)
        rows.append(np.column_stack([
            *_near(cosines, classes, best, sizes),
            (vectors[part] * means[best]).sum(axis=1),
            *_confidence(logits[part]),
            (vectors[part] @ outside.T).max(axis=1) if len(outside) else np.zeros(len(best)),
            spelled[part],
        ]))  # fmt: skip
    return np.vstack(rows).astype(np.float64) if rows else np.zeros((0, len(EVIDENCE)))


def _means(inside: Vectors, classes: NDArray[np.int64], count: int) -> Vectors:
    """(count, dim) of length 1."""
    means = np.zeros((count, inside.shape[1]), dtype=np.float32)
    np.add.at(means, classes, inside)
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _near(
    cosines: NDArray[Any], classes: NDArray[np.int64], best: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[Any], ...]:
    count = min(NEAREST, cosines.shape[1])
    found = np.argpartition(-cosines, count - 1, axis=1)[:, :count]  # (n, count)
    values = np.take_along_axis(cosines, found, axis=1)
    agreeing = (classes[found] == best[:, None]).sum(axis=1)
    return values.max(axis=1), values.mean(axis=1), agreeing / np.maximum(1, np.minimum(count, sizes[best]))


def _confidence(logits: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    ordered = np.partition(logits, -2, axis=1) if logits.shape[1] > 1 else np.pad(logits, ((0, 0), (1, 0)))
    first, second = ordered[:, -1], ordered[:, -2]
    raised = np.exp(logits - first[:, None])
    share = raised / raised.sum(axis=1, keepdims=True)
    surprise = -(share * np.log(np.maximum(share, 1e-12))).sum(axis=1)
    return first / 10, np.minimum(first - second, 10) / 10, surprise


def spelled_share(encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float64]:
    """(n,) share 0..1 of each text's letters in words that the encoder's vocabulary can spell; 0 without letters.

    A vocabulary made from real text writes a word in few long pieces, even with a typo, and random letters in many
    short ones. Words of one or two letters, and scripts without letters for sounds, count as spelled. Digits are no
    letters: a lone number says nothing.
    """
    tokenizer: Tokenizer | None = getattr(encoder, "tokenizer", None)
    return np.array([_spelled(text[:_LOOKED_AT], tokenizer) for text in texts], dtype=np.float64)


def _spelled(text: str, tokenizer: Tokenizer | None) -> float:
    words = _WORD.findall(unicodedata.normalize("NFKC", text))
    letters = {word: sum(c.isalpha() for c in word) for word in words}
    total = sum(letters[word] for word in words)
    if not total:
        return 0.0
    if tokenizer is None:
        return 1.0
    spelled = sum(letters[word] for word in words if _can_spell(word, tokenizer))
    return float(spelled / total)


def _can_spell(word: str, tokenizer: Tokenizer) -> bool:
    if len(word) < _SHORTEST or not word.isascii():
        return True
    if len(set(word.lower())) <= max(1, len(word) // 4):  # one letter, or a few, again and again
        return False
    pieces = tokenizer.encode(word.lower(), add_special_tokens=False).ids
    return bool(len(word) >= _PIECE * len(pieces))
