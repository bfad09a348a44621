"""Teaches an encoder which of two questions ask the same: the upper layers, on hidden states that are computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from finetune.adapt import Lower, above, below, forward
from finetune.encoder import supports_bf16
from retrieval.encoder import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

SCALE = 20.0
"""Multiplies cosines in the loss."""

WARMUP = 0.1
"""Share 0..1 of the steps over which the learning rate rises; then it falls to 0 in a line."""


@dataclass(frozen=True)
class Pair:
    """Two texts, and whether they mean the same."""

    one: str
    other: str
    same: bool


def learn_pairs(
    model: SentenceTransformer,
    pairs: Sequence[Pair],
    *,
    layers: int = 4,
    epochs: int = 2,
    batch_size: int = 64,
    learning_rate: float = 1e-4,
    prompt: str = "",
    seed: int = 0,
) -> None:
    """Trains so that pairs which mean the same have a higher cosine than those which do not.

    The loss compares all pairs of a batch with each other, as the area under the ROC curve does (CoSENT: Su 2022,
    https://kexue.fm/archives/8847).

    Args:
        model: Changed in place.
        pairs: Of both kinds.
        layers: Upper layers that learn.
        epochs: Passes over the pairs.
        batch_size: Pairs a step.
        learning_rate: Peak.
        prompt: Put before each text.
        seed: Of the order.
    """
    import torch

    torch.manual_seed(seed)
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.one, pair.other)))
    row = {text: i for i, text in enumerate(texts)}
    ends = np.array([(row[pair.one], row[pair.other]) for pair in pairs])  # (pairs, 2)
    same = torch.tensor([pair.same for pair in pairs])
    lower = below(model, [prompt + text for text in texts], layers=layers)
    weights = [w for layer in model[0].auto_model.encoder.layer[-layers:] for w in layer.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=learning_rate, weight_decay=0.01)
    batches = [order[i : i + batch_size] for order in _orders(len(pairs), epochs, seed)
               for i in range(0, len(order), batch_size)]  # fmt: skip
    model.train()
    for step, rows in enumerate(batches):
        done = step / len(batches)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min((done + 1 / len(batches)) / WARMUP, (1 - done) / (1 - WARMUP))
        loss = pair_loss(_cosines(model, lower, ends[rows], layers), same[rows])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
    model.eval()


def pair_loss(cosines: Tensor, same: Tensor) -> Tensor:
    """log(1 + sum of exp(scale * (cosine of a differing pair - cosine of a same pair))).

    Args:
        cosines: (batch,).
        same: (batch,) bool.
    """
    import torch

    scores = cosines * SCALE
    gaps = scores[~same][:, None] - scores[same][None, :]  # (differing, same)
    return torch.logsumexp(torch.cat([torch.zeros(1), gaps.flatten()]), dim=0)


def pair_vectors(model: SentenceTransformer, texts: Sequence[str], *, prompt: str = "") -> Vectors:
    """(n, dim) unit vectors of texts, as ``learn_pairs`` sees them."""
    return above(model, below(model, [prompt + text for text in texts], layers=1), layers=1)


def _orders(count: int, epochs: int, seed: int) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    return [random.permutation(count) for _ in range(epochs)]


def _cosines(model: SentenceTransformer, lower: Lower, ends: NDArray[np.int64], layers: int) -> Tensor:
    import torch

    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=supports_bf16("cpu")):
        vectors = forward(model, lower, ends.T.reshape(-1), layers=layers).float()  # (2 * batch, dim)
    return (vectors[: len(ends)] * vectors[len(ends) :]).sum(dim=1)
