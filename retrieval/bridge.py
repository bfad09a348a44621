"""A map from what is asked to what is answered: the two seldom look alike, but they correspond."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from data.errors import InputError
from retrieval.encoder import Vectors, unit


@dataclass(frozen=True, eq=False)
class Bridge:
    """Linear maps of the encoder's vectors into a space in which a context is near the answers it gets.

    Attributes:
        context: (rank, dim) map of the rendered context's vector.
        message: (rank, dim) map of the bare message's vector, added to it.
        answer: (rank, dim) map of an answer's vector.
        centre_context: (dim,) mean vector of contexts, subtracted first.
        centre_message: (dim,) the same of messages.
        centre_answer: (dim,) the same of answers.
    """

    context: Vectors
    message: Vectors
    answer: Vectors
    centre_context: Vectors
    centre_message: Vectors
    centre_answer: Vectors

    def __post_init__(self) -> None:
        shape = self.context.shape
        for name in ("message", "answer"):
            if getattr(self, name).shape != shape:
                raise ValueError(f"the map of {name} has the shape {getattr(self, name).shape}, not {shape}")
        for name in ("centre_context", "centre_message", "centre_answer"):
            if getattr(self, name).shape != shape[1:]:
                raise ValueError(f"{name} has the shape {getattr(self, name).shape}, not {shape[1:]}")

    def asked(self, contexts: Vectors, messages: Vectors) -> Vectors:
        """(n, rank) unit vectors of what is asked, from (n, dim) each."""
        by_context = (contexts - self.centre_context) @ self.context.T  # (n, rank)
        return unit(by_context + (messages - self.centre_message) @ self.message.T)

    def answered(self, answers: Vectors) -> Vectors:
        """(n, rank) unit vectors of answers, from (n, dim)."""
        return unit((answers - self.centre_answer) @ self.answer.T)

    def save(self, path: Path) -> None:
        """Writes one ``.npz`` without pickles."""
        with path.open("wb") as stream:
            np.savez(stream, **{f.name: np.asarray(getattr(self, f.name), dtype=np.float32) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Bridge:
        """Reads what ``save`` wrote.

        Raises:
            InputError: The file is missing or is no bridge.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(**{f.name: np.asarray(stored[f.name], dtype=np.float32) for f in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise InputError(
                str(path), got=str(error), expected="a bridge made by training", next_step="Run `careline learn` again."
            ) from error
