"""Reads a customer's message: its intent, how sure that is, and whether it is in scope at all. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.artifacts import ModelLayout, load_manifest
from data.errors import InputError
from retrieval.encoder import Encoder, OnnxEncoder
from retrieval.head import LinearHead
from retrieval.index import OUT_OF_SCOPE
from retrieval.scope import IntentScope, spelled_share

_CHUNK = 512
_LONGEST = 8000
"""Characters of a message that are read; 100 kB pasted into a chat say no more."""


@dataclass(frozen=True)
class Reading:
    """What a message came to.

    Attributes:
        text: The message.
        intent: The most probable, whether the message is in scope or not.
        confidence: Calibrated probability 0..1 of the intent, given that the message is in scope.
        known: Probability 0..1 that it is in scope.
        in_scope: Whether that is enough.
        title: The intent as people wrote it.
    """

    text: str
    intent: str
    confidence: float
    known: float
    in_scope: bool
    title: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `careline model predict` prints it."""
        return {
            "text": self.text,
            "intent": self.intent,
            "title": self.title or self.intent,
            "confidence": round(self.confidence, 4),
            "in_scope": self.in_scope,
            "known": round(self.known, 4),
        }


class IntentReader:
    """Encodes, classifies and judges messages.

    Args:
        encoder: Of the model.
        head: Its intent head.
        scope: Fitted with both.
        titles: Intent to what people call it.
    """

    def __init__(
        self, encoder: Encoder, head: LinearHead, scope: IntentScope, *, titles: dict[str, str] | None = None
    ) -> None:
        self.encoder, self.head, self.scope, self.titles = encoder, head, scope, titles or {}

    @classmethod
    def open(cls, model: ModelLayout, *, threads: int = 0) -> IntentReader:
        """Loads and verifies a model.

        Raises:
            InputError: The model is damaged, or knows no intents.
        """
        manifest = load_manifest(model.folder, kind="model")
        if not model.intent_head.is_file() or not model.scope.is_file():
            raise InputError(
                f"model {manifest.key}", got="no intents", expected="a model trained on labelled messages",
                next_step="Run `careline data build LABELLED.csv`, then `careline model train`.",
            )  # fmt: skip
        titles = manifest.metrics.get("titles", {})
        head, scope = LinearHead.load(model.intent_head), IntentScope.load(model.scope)
        return cls(OnnxEncoder.load(model, threads=threads), head, scope, titles=titles)

    def read(self, texts: Sequence[str]) -> Iterator[Reading]:
        """Yields a reading for each text, in order; any text will do, empty and very long ones too."""
        for start in range(0, len(texts), _CHUNK):
            yield from self._read(texts[start : start + _CHUNK])

    def _read(self, texts: Sequence[str]) -> Iterator[Reading]:
        said = [" ".join(text[:_LONGEST].split()) for text in texts]
        _, logits, known = self.scores(said)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = raised / raised.sum(axis=1, keepdims=True)
        for row, text in enumerate(texts):
            best = int(shares[row].argmax())
            label, chance = self.head.labels[best], float(known[row])
            inside = chance >= self.scope.least and label != OUT_OF_SCOPE
            yield Reading(text, label, float(shares[row, best]), chance, inside, self.titles.get(label, ""))

    def scores(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """(n, dim) vectors, (n, labels) calibrated logits and (n,) probabilities of being in scope."""
        vectors = self.encoder.encode(texts)
        logits = self.head.logits(vectors, texts)
        evidence = self.scope.evidence(vectors, logits, spelled_share(self.encoder, texts))
        return vectors, logits, self.scope.known(evidence)
