"""The two losses of the joint training, in the shape that sentence-transformers' trainer calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

IGNORED = -100
"""Label of a text whose class is not trained; cross-entropy leaves it out."""

CLASS_SCALE = 16.0
"""Unit vectors times this are the input of the class layer, so that its weights learn at the encoder's pace."""


class ClassLoss(nn.Module):
    """Cross-entropy of a linear layer over the embedding: what intent, or which of the frequent answers.

    Args:
        model: Being trained.
        classes: Number of classes.

    Inputs: one text column and an integer ``label``; ``IGNORED`` has no part in the loss.
    """

    def __init__(self, model: SentenceTransformer, *, classes: int) -> None:
        super().__init__()
        self.model = model
        self.classifier = nn.Linear(int(model.get_embedding_dimension() or 0), classes)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """See parent."""
        (features,) = list(sentence_features)
        return self.of_embeddings(self.model(features)["sentence_embedding"], labels)

    def of_embeddings(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of (batch, dim) embeddings; 0 when every label is ``IGNORED``."""
        logits = self.classifier(nn.functional.normalize(embeddings) * CLASS_SCALE)  # (batch, classes)
        if bool((labels == IGNORED).all()):
            return logits.sum() * 0.0
        return nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED)


class AnswerLoss(nn.Module):
    """Contexts are drawn to the answer that an agent gave, and away from the other answers of the batch.

    Multiple negatives ranking (Henderson et al. 2017, arXiv:1705.00652, section 4) with the false negatives masked:
    rows of the batch that hold the same answer are not each other's negatives. Answers that are frequent enough to be
    classes are told apart by a class layer besides, so that a batch is not all that a context is compared with.

    Args:
        model: Being trained.
        classes: Labels below this are classes too; 0 for none.
        scale: Multiplies the cosines.

    Inputs: a context, an answer's text, and ``label``, the number of the answer.
    """

    def __init__(self, model: SentenceTransformer, *, classes: int, scale: float = 20.0) -> None:
        super().__init__()
        self.model = model
        self.scale = scale
        self.classes = classes
        self.head = ClassLoss(model, classes=classes) if classes else None

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """See parent."""
        contexts, answers = (self.model(features)["sentence_embedding"] for features in sentence_features)
        cosines = nn.functional.normalize(contexts) @ nn.functional.normalize(answers).T  # (batch, batch)
        scores = (cosines * self.scale).masked_fill(_false_negatives(labels), float("-inf"))
        loss = nn.functional.cross_entropy(scores, torch.arange(len(labels), device=labels.device))
        if self.head is None:
            return loss
        return loss + self.head.of_embeddings(contexts, labels.masked_fill(labels >= self.classes, IGNORED))


class KeepLoss(nn.Module):
    """One minus the cosine with the vector that an older model gave the text, so that what was learned stays.

    Args:
        model: Being trained.
        weight: Multiplies the loss.

    Inputs: one text column and ``label``, the old vector (dim) of length 1.
    """

    def __init__(self, model: SentenceTransformer, *, weight: float = 1.0) -> None:
        super().__init__()
        self.model = model
        self.weight = weight

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """See parent."""
        (features,) = list(sentence_features)
        embeddings = nn.functional.normalize(self.model(features)["sentence_embedding"])  # (batch, dim)
        return self.weight * (1 - (embeddings * labels.to(embeddings.dtype)).sum(dim=1)).mean()


def _false_negatives(labels: Tensor) -> Tensor:
    """(batch, batch) True where another row holds the same answer."""
    same = labels[:, None] == labels[None, :]
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
