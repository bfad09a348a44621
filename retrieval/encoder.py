"""Texts to unit vectors: the ONNX encoder that serves, and the sentence-transformers one that is being trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from data.artifacts import ModelLayout
from data.errors import InputError

if TYPE_CHECKING:
    import onnxruntime
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """Turns texts into unit vectors.

    Attributes:
        dim: Length of a vector.
    """

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        """Encodes texts of any length, empty ones included.

        Args:
            texts: What to encode; longer ones are truncated by the encoder.
            batch_size: How many go through at once.

        Returns:
            (n, dim) float32, each row of length 1, in the order of ``texts``.
        """


@runtime_checkable
class KnowsItsVocabulary(Protocol):
    """An encoder that can tell how much of a text it can read at all."""

    def coverage(self, texts: Sequence[str]) -> Vectors:
        """(n,) share 0..1 of each text's tokens that are in the vocabulary; 1 for a text without tokens."""


def coverage(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """How much of each text the encoder can read: 1 everywhere for an encoder that cannot tell.

    An English encoder maps most Chinese characters to one unknown token, so that all Chinese texts look alike to it;
    ranking weighs its evidence by this share.
    """
    if isinstance(encoder, KnowsItsVocabulary):
        return encoder.coverage(texts)
    return np.ones(len(texts), dtype=np.float32)


def unit(vectors: NDArray[np.floating[Any]]) -> Vectors:
    """Rows (n, dim) divided by their length; a row of zeros stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)  # (n, 1)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)


@dataclass(frozen=True)
class EncoderConfig:
    """``encoder.json`` of a model.

    Attributes:
        dim: Length of a vector.
        max_length: Tokens after which a text is cut, special tokens included.
        prompt: Put before each text (``"query: "`` for the e5 family), or empty.
        base_model: What was fine-tuned.
        base_sha256: Hash of the base model's weights.
    """

    dim: int
    max_length: int = 128
    prompt: str = ""
    base_model: str = ""
    base_sha256: str = ""

    def save(self, path: Path) -> None:
        """Writes the file."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> EncoderConfig:
        """Reads what ``save`` wrote; keys of later versions are ignored.

        Raises:
            InputError: The file is missing or not such a configuration.
        """
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{f.name: row[f.name] for f in fields(cls) if f.name in row})
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                str(path), got=str(error), expected="an encoder's configuration", next_step="Run `careline learn`."
            ) from error


class OnnxEncoder:
    """Runs ``encoder.onnx``, whose graph pools already; needs neither torch nor transformers.

    A batch equals its texts one by one up to padding noise (1e-5) for a float32 graph. A dynamically quantised graph
    measures the range of its activations over the whole batch, so a text's vector moves a little with its neighbours:
    cosine with its vector alone stays above .97 (seen: .99 on average), and rankings of clear winners do not change.
    Serving always sends one message, so that it gives the same vector each time.
    """

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, config: EncoderConfig) -> None:
        self.session, self.tokenizer, self.config = session, tokenizer, config
        self._unknown = _unknown_id(tokenizer)

    @classmethod
    def load(cls, layout: ModelLayout, *, threads: int = 0) -> OnnxEncoder:
        """Opens the encoder of a model.

        Args:
            layout: The model; its manifest is verified by whoever opens the whole model.
            threads: Of ONNX Runtime within one pass; 0 lets it take all cores.

        Raises:
            InputError: A file is missing or cannot be read.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        config = EncoderConfig.load(layout.encoder_config)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # it never gives back what one long batch took
        try:
            session = onnxruntime.InferenceSession(str(layout.encoder), options, providers=["CPUExecutionProvider"])
            tokenizer = Tokenizer.from_file(str(layout.tokenizer))
        except Exception as error:  # both libraries raise bare or private exception types
            raise InputError(
                str(layout.folder),
                got=f"an encoder that does not load ({str(error).splitlines()[0]})",
                expected="encoder.onnx and tokenizer.json",
                next_step="Run `careline learn` again.",
            ) from error
        tokenizer.enable_truncation(config.max_length)
        tokenizer.no_padding()
        return cls(session, tokenizer, config)

    @property
    def dim(self) -> int:
        """See parent."""
        return self.config.dim

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        """See parent. Texts of like length share a batch, so that little is padded."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        ids = [e.ids or [0] for e in self.tokenizer.encode_batch([self.config.prompt + text for text in texts])]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            out[rows] = self._run([ids[i] for i in rows])
        return out

    def _run(self, ids: list[list[int]]) -> Vectors:
        shape = (len(ids), max(map(len, ids)))
        tokens, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, line in enumerate(ids):
            tokens[row, : len(line)] = line
            mask[row, : len(line)] = 1
        (pooled,) = self.session.run(["embedding"], {"input_ids": tokens, "attention_mask": mask})
        return unit(pooled)  # (batch, dim)

    def coverage(self, texts: Sequence[str]) -> Vectors:
        """See ``KnowsItsVocabulary``."""
        lines = [e.ids for e in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        return _known_share(lines, self._unknown)


class TrainingEncoder:
    """A sentence-transformers model behind the same door, for evaluation while it is being trained."""

    def __init__(self, model: SentenceTransformer, *, prompt: str = "") -> None:
        self.model, self.prompt = model, prompt

    @property
    def dim(self) -> int:
        """See parent."""
        return int(self.model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        """See parent."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        vectors = self.model.encode(
            [self.prompt + text for text in texts],
            batch_size=batch_size,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return unit(np.asarray(vectors, dtype=np.float32))

    def coverage(self, texts: Sequence[str]) -> Vectors:
        """See ``KnowsItsVocabulary``."""
        tokenizer = self.model.tokenizer
        lines = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
        return _known_share(lines, tokenizer.unk_token_id)


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    for token in ("[UNK]", "<unk>"):
        if (found := tokenizer.token_to_id(token)) is not None:
            return int(found)
    return None


def _known_share(lines: Sequence[Sequence[int]], unknown: int | None) -> Vectors:
    shares = [1.0 - sum(i == unknown for i in line) / len(line) if line else 1.0 for line in lines]
    return np.asarray(shares, dtype=np.float32)
