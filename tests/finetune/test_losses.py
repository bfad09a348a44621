import math
from typing import Any

import torch
from torch import nn

from finetune.losses import IGNORED, AnswerLoss, ClassLoss


class Given(nn.Module):
    """A model whose embeddings are what it is given."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def get_embedding_dimension(self) -> int:
        return self.dim

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"sentence_embedding": features["vectors"]}


def _loss(model: Any, contexts: torch.Tensor, answers: torch.Tensor, labels: list[int], *, scale: float) -> float:
    loss = AnswerLoss(model, classes=0, scale=scale)
    return float(loss([{"vectors": contexts}, {"vectors": answers}], torch.tensor(labels)))


def test_ranking_loss_equals_the_softmax_by_hand() -> None:
    eye = torch.eye(2)
    by_hand = -math.log(math.exp(3.0) / (math.exp(3.0) + 1.0))
    assert abs(_loss(Given(2), eye, eye, [0, 1], scale=3.0) - by_hand) < 1e-6


def test_rows_with_the_same_answer_are_not_each_others_negatives() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    masked = _loss(Given(2), vectors, vectors, [7, 7, 8], scale=5.0)
    rows = [-math.log(math.exp(5.0) / (math.exp(5.0) + 1.0))] * 2 + [-math.log(math.exp(5.0) / (math.exp(5.0) + 2.0))]
    assert abs(masked - sum(rows) / 3) < 1e-6
    assert _loss(Given(2), vectors, vectors, [7, 9, 8], scale=5.0) > masked


def test_rare_answers_have_no_part_in_the_class_loss() -> None:
    loss = ClassLoss(Given(2), classes=3)
    vectors = torch.eye(2, requires_grad=True)
    both = loss([{"vectors": vectors}], torch.tensor([1, IGNORED]))
    first = loss([{"vectors": vectors[:1]}], torch.tensor([1]))
    assert torch.allclose(both, first)
    none = loss([{"vectors": vectors}], torch.tensor([IGNORED, IGNORED]))
    none.backward()
    assert float(none.detach()) == 0.0
