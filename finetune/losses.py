"""The two losses of the joint training, in the shape that sentence-transformers' trainer calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from sentence_transformers.base.losses.gradcache import CachedLossMixin
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
        smoothing: Share 0..1 of a class's probability that is spread over the others.

    Inputs: one text column and an integer ``label``; ``IGNORED`` has no part in the loss.
    """

    def __init__(self, model: SentenceTransformer, *, classes: int, smoothing: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.smoothing = smoothing
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
        return nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, label_smoothing=self.smoothing)


class AnswerLoss(CachedLossMixin, nn.Module):
    """Contexts are drawn to the answer that an agent gave, and away from the other answers of the batch.

    Multiple negatives ranking (Henderson et al. 2017, arXiv:1705.00652, section 4) with the false negatives masked:
    what holds the same answer is never a negative. A context is compared with more than its batch in four ways:

    - Answers that are frequent enough to be classes are told apart by a class layer besides.
    - The answers of earlier steps are remembered, as they were embedded then (Wang et al. 2020, arXiv:1912.06798).
    - A batch larger than memory holds is embedded in pieces and its gradients are cached (Gao et al. 2021,
      arXiv:2101.06983); the result is that of the whole batch.
    - Mined negatives may come with each row.

    Args:
        model: Being trained.
        classes: Labels below this are classes too; 0 for none.
        scale: Multiplies the cosines.
        memory: Answers of earlier steps that are negatives too; 0 for none.
        piece: Rows embedded at once when the batch has more; 0 embeds any batch at once.

    Inputs: a context, an answer's text, and any number of mined negatives' texts. ``label`` is the number of the
    answer; or, for each row, that number, the weight of the row, and the numbers of its negatives.
    """

    def __init__(
        self, model: SentenceTransformer, *, classes: int, scale: float = 20.0, memory: int = 0, piece: int = 0
    ) -> None:
        super().__init__()
        self.model = model
        self.scale = scale
        self.classes = classes
        self.memory, self.mini_batch_size = memory, piece
        self.head = ClassLoss(model, classes=classes) if classes else None
        self._seen: tuple[Tensor, Tensor] | None = None

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """See parent."""
        columns = list(sentence_features)
        if self.mini_batch_size and len(labels) > self.mini_batch_size:
            loss: Tensor = self.forward_cached(columns, labels)
            return loss
        return self.of_embeddings([self.model(features)["sentence_embedding"] for features in columns], labels)

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """See parent; the pieces of each column are put together again."""
        if labels is None:
            raise ValueError("AnswerLoss needs labels to know false negatives")
        loss = self.of_embeddings([torch.cat(pieces) for pieces in reps], labels)
        if with_backward:
            loss.backward()
            loss = loss.detach()
        return loss

    def of_embeddings(self, columns: list[Tensor], labels: Tensor) -> Tensor:
        """The loss of (batch, dim) contexts, answers and mined negatives."""
        contexts, *answers = (nn.functional.normalize(column) for column in columns)
        numbers, weights, mined = _labels_of(labels)
        texts, names = torch.cat(answers), torch.cat([numbers, *mined.T])  # (candidates, dim), (candidates,)
        here, earlier = (texts, names), self._seen
        if self.training and earlier is not None:
            texts, names = torch.cat([texts, earlier[0]]), torch.cat([names, earlier[1]])
        scores = contexts @ texts.T * self.scale  # (batch, candidates)
        scores = scores.masked_fill(_false_negatives(numbers, names), float("-inf"))
        targets = torch.arange(len(numbers), device=numbers.device)
        rows = nn.functional.cross_entropy(scores, targets, reduction="none")  # (batch,)
        loss = (rows * weights).sum() / weights.sum()
        self._remember(*here)
        if self.head is None:
            return loss
        return loss + self.head.of_embeddings(contexts, numbers.masked_fill(numbers >= self.classes, IGNORED))

    def _remember(self, texts: Tensor, names: Tensor) -> None:
        if not (self.memory and self.training):
            return
        texts = texts.detach()
        if self._seen is not None:
            texts, names = torch.cat([texts, self._seen[0]]), torch.cat([names, self._seen[1]])
        self._seen = texts[: self.memory], names[: self.memory]


def _labels_of(labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(batch,) numbers of the answers, (batch,) weights, (batch, negatives) numbers of the mined negatives."""
    if labels.ndim == 1:
        return labels, torch.ones(len(labels), device=labels.device), labels.new_zeros((len(labels), 0))
    numbers, mined = labels[:, 0].long(), labels[:, 2:].long()
    return numbers, labels[:, 1].float(), mined


def _false_negatives(numbers: Tensor, names: Tensor) -> Tensor:
    """(batch, candidates) True where a candidate other than the row's own holds the same answer."""
    same = numbers[:, None] == names[None, :]
    own = torch.eye(len(numbers), len(names), dtype=torch.bool, device=numbers.device)
    return same & ~own


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
