"""A second pass over each batch with word embeddings moved where the loss grows fastest (FGM).

Miyato, Dai, Goodfellow 2017, arXiv:1605.07725, section 3: the perturbation of a text is ``r · g / |g|`` with ``g`` the
gradient of its loss with respect to its embeddings. Both passes add to the gradient of the step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Adversary:
    """Watches the embedding layer of a transformer and can move what it gives.

    Args:
        transformer: With ``get_input_embeddings``.
        strength: Length of the move, as a multiple of the mean length of the texts' embeddings (all tokens of a text
            taken as one vector); 0.1 to 1 are usual.
    """

    def __init__(self, transformer: Any, *, strength: float) -> None:
        self.strength = strength
        self._seen: list[Tensor] = []
        self._moves: list[Tensor] | None = None
        self._layer = transformer.get_input_embeddings()
        self._handle: Any = None

    def __enter__(self) -> Adversary:
        self._handle = self._layer.register_forward_hook(self._hook)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()
        self._seen, self._moves = [], None

    def move(self) -> None:
        """Turns the gradients of the first pass into the moves of the second; call between the two."""
        self._moves = []
        for seen in self._seen:  # (batch, tokens, dim)
            gradient = torch.zeros_like(seen) if seen.grad is None else seen.grad
            length = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)  # (batch,)
            usual = seen.detach().flatten(1).norm(dim=1).mean()
            self._moves.append(gradient * (self.strength * usual / length)[:, None, None])
        self._seen = []

    def _hook(self, layer: Any, inputs: Any, output: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return output
        if self._moves is not None:
            return output + self._moves.pop(0)
        output = output.detach().requires_grad_() if not output.requires_grad else output
        output.retain_grad()
        self._seen.append(output)
        return output
