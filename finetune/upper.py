"""The upper layers of an encoder that learn, over hidden states of the lower ones that are computed once.

Most of what a small encoder knows of language sits below; what tells a shop's intents apart is learned above. A text's
way through the lower layers is the same in every epoch, so it is walked once, and a step costs only its upper part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from finetune.encoder import supports_bf16
from retrieval.encoder import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

Rows = NDArray[np.int64]

LONGEST = 48
"""Tokens of a message; what comes later rarely says what it is about."""

_CHARACTERS = 2000
"""Of a text, that are looked at: no tokenizer need walk 100 kB to cut after ``LONGEST`` tokens."""


@dataclass(frozen=True)
class States:
    """Hidden states below the layers that learn.

    Attributes:
        values: (tokens of all texts, dim) float16.
        starts: (texts + 1,) where each text's tokens begin.
    """

    values: Tensor
    starts: Rows

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Rows:
        """(texts,) tokens of each."""
        return np.diff(self.starts)


class UpperLayers:
    """Upper layers of a BERT-like encoder (``encoder.layer``), with mean pooling.

    Args:
        model: Its own layers are used, so what they learn is learned by the model.
        frozen: Layers below; their states are taken as they are.
        prompt: Put before each text.
        longest: Tokens after which a text is cut.
    """

    def __init__(self, model: SentenceTransformer, *, frozen: int, prompt: str = "", longest: int = LONGEST) -> None:
        self.model, self.prompt = model, prompt
        self.longest = min(longest, int(model.max_seq_length or longest))
        self.transformer: Any = model[0].auto_model
        self.transformer.set_attn_implementation("eager")
        self.frozen = max(0, min(frozen, len(self.transformer.encoder.layer) - 1))
        self.bf16 = supports_bf16(model.device.type)

    @property
    def layers(self) -> nn.ModuleList:
        """Those that learn, lowest first."""
        upper: nn.ModuleList = self.transformer.encoder.layer[self.frozen :]
        return upper

    def states(self, texts: Sequence[str], *, batch_size: int = 64) -> States:
        """One pass of all texts through the embeddings and the lower layers."""
        import torch

        encode = self.model.tokenizer.encode
        ids = [encode(self.prompt + t[:_CHARACTERS], truncation=True, max_length=self.longest) or [0] for t in texts]
        starts = np.cumsum([0, *(len(row) for row in ids)], dtype=np.int64)
        values = torch.zeros((int(starts[-1]), self.transformer.config.hidden_size), dtype=torch.float16)
        every = self.transformer.encoder.layer
        self.transformer.eval()
        self.transformer.encoder.layer = every[: self.frozen]
        try:
            for rows in by_length(np.diff(starts), batch_size):
                hidden = self._lower([ids[i] for i in rows])
                for row, i in enumerate(rows):
                    values[starts[i] : starts[i + 1]] = hidden[row, : len(ids[i])].half().cpu()
        finally:
            self.transformer.encoder.layer = every
        return States(values, starts)

    def _lower(self, ids: list[list[int]]) -> Tensor:
        import torch

        pad = int(self.model.tokenizer.pad_token_id or 0)
        longest = max(map(len, ids))
        padded = torch.tensor([row + [pad] * (longest - len(row)) for row in ids], device=self.model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids], device=self.model.device)
        with torch.no_grad(), self._precision():
            hidden: Tensor = self.transformer(input_ids=padded, attention_mask=mask).last_hidden_state
        return hidden

    def forward(self, states: States, rows: Rows, *, dropout: float = 0.0, unseen: float = 0.0) -> Tensor:
        """(texts, dim) of length 1: the upper layers, then the mean over tokens.

        Args:
            states: From ``states``.
            rows: Which of them.
            dropout: Share of the states' numbers that is hidden, while training.
            unseen: Share of the tokens that upper layers and mean do without, while training; see ``thinned``.
        """
        import torch
        from torch.nn.functional import dropout as drop
        from torch.nn.functional import normalize

        lengths = torch.from_numpy(states.lengths[rows])
        there = torch.arange(int(lengths.max()))[None, :] < lengths[:, None]  # (texts, tokens)
        offsets, there = thinned(there, unseen)  # both (texts, tokens that are seen)
        places = torch.from_numpy(states.starts[rows])[:, None] + offsets * there
        hidden = (states.values[places] * there[:, :, None]).float().to(self.model.device)  # (texts, tokens, dim)
        mask = there.float().to(hidden.device)
        if dropout:
            hidden = drop(hidden, dropout)
        hide = (1 - mask)[:, None, None, :] * torch.finfo(torch.float32).min
        with self._precision():
            for layer in self.layers:
                found = layer(hidden, attention_mask=hide)
                hidden = found[0] if isinstance(found, tuple) else found
        pooled = (hidden.float() * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return normalize(pooled, dim=1)

    def encode(self, states: States, *, batch_size: int = 128) -> Vectors:
        """Vectors (texts, dim) of length 1, without dropout."""
        import torch

        self.layers.eval()
        out = np.zeros((len(states), states.values.shape[1]), dtype=np.float32)
        with torch.no_grad():
            for rows in by_length(states.lengths, batch_size):
                out[rows] = self.forward(states, rows).cpu().numpy()
        return out

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        precision: AbstractContextManager[Any] = torch.autocast(
            self.model.device.type, dtype=torch.bfloat16, enabled=self.bf16
        )
        return precision


def thinned(there: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Leaves out tokens at random: what a message means must not hang on one word of it.

    The first and the last token of a text stay; they are the marks that every text has.

    Args:
        there: (texts, tokens) where a text has a token.
        share: 0..1 of the tokens that are left out.

    Returns:
        Offsets of the tokens that stay, in their order, and where there is one: (texts, most that stay) each.
    """
    import torch

    if share:
        last = there.sum(dim=1, keepdim=True) - 1
        marks = torch.zeros_like(there).scatter(1, last, True)
        marks[:, 0] = True
        there = there & (marks | (torch.rand(there.shape) >= share))
    order = torch.argsort((~there).to(torch.uint8), dim=1, stable=True)[:, : int(there.sum(dim=1).max())]
    return order, there.gather(1, order)


def by_length(lengths: Rows, size: int) -> Iterator[Rows]:
    """Row numbers in batches, those of like length together."""
    order = np.argsort(lengths, kind="stable").astype(np.int64)
    for start in range(0, len(order), size):
        yield order[start : start + size]
