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


class Linear(Given):
    """A model that learns: one matrix over what it is given."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.matrix = nn.Parameter(torch.eye(dim))

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"sentence_embedding": features["input_ids"] @ self.matrix}


def _columns(rows: int, columns: int, dim: int = 4) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [{"input_ids": torch.randn(rows, dim, generator=generator)} for _ in range(columns)]


def test_cached_pieces_give_the_gradient_of_the_whole_batch() -> None:
    labels = torch.tensor([[0, 1.0, 9], [1, 0.5, 8], [0, 1.5, 7], [3, 1.0, 0], [4, 1.0, 9]])
    gradients, losses = [], []
    for piece in (0, 2):
        torch.manual_seed(0)
        model: Any = Linear(4)
        loss = AnswerLoss(model, classes=2, piece=piece)
        value = loss(_columns(5, 3), labels)
        value.backward()
        losses.append(float(value.detach()))
        gradients.append((model.matrix.grad.clone(), loss.head.classifier.weight.grad.clone()))  # type: ignore[union-attr]
    assert abs(losses[0] - losses[1]) < 1e-5
    for whole, pieces in zip(*gradients, strict=True):
        assert torch.allclose(whole, pieces, atol=1e-5)


def test_a_mined_negative_counts_unless_it_is_the_answer() -> None:
    eye = [{"vectors": torch.eye(2)}] * 2
    negative = {"vectors": torch.tensor([[1.0, 0.0], [1.0, 0.0]])}
    loss = AnswerLoss(Given(2), classes=0, scale=3.0)  # type: ignore[arg-type]
    plain = float(loss(eye, torch.tensor([0, 1])))
    with_negative = float(loss([*eye, negative], torch.tensor([[0, 1.0, 5], [1, 1.0, 5]])))
    false_negative = float(loss([*eye, negative], torch.tensor([[0, 1.0, 0], [1, 1.0, 1]])))
    assert with_negative > plain
    assert false_negative < with_negative


def test_weights_shift_the_mean() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    columns = [{"vectors": vectors}, {"vectors": torch.tensor([[1.0, 0.0], [1.0, 0.0]])}]
    loss = AnswerLoss(Given(2), classes=0, scale=5.0)  # type: ignore[arg-type]
    even = float(loss(columns, torch.tensor([[0, 1.0], [1, 1.0]])))
    assert abs(even - float(loss(columns, torch.tensor([0, 1])))) < 1e-6
    columns[1] = {"vectors": torch.tensor([[1.0, 0.0], [0.0, 1.0]])}
    easy = float(loss(columns, torch.tensor([[0, 1.0], [1, 0.01]])))
    hard = float(loss(columns, torch.tensor([[0, 0.01], [1, 1.0]])))
    assert easy < hard


def test_answers_of_earlier_steps_are_negatives_until_they_are_forgotten() -> None:
    loss = AnswerLoss(Given(2), classes=0, scale=3.0, memory=2)  # type: ignore[arg-type]
    eye, labels = [{"vectors": torch.eye(2)}] * 2, torch.tensor([0, 1])
    first = float(loss(eye, labels))
    again = float(loss(eye, labels))  # its own answer is masked, the other one counts twice
    assert abs(again + math.log(math.exp(3.0) / (math.exp(3.0) + 2.0))) < 1e-6
    others = float(loss(eye, torch.tensor([2, 3])))  # both remembered ones count
    assert others > again > first
    loss.eval()
    assert abs(float(loss(eye, torch.tensor([8, 9]))) - first) < 1e-6
