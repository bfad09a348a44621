"""The trained encoder as ONNX with int8 weights: what serving runs without torch."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.artifacts import ModelLayout
from finetune.checkpoints import as_os_error
from finetune.encoder import BaseModel, quiet
from finetune.recipe import Recipe
from retrieval.encoder import EncoderConfig, OnnxEncoder, TrainingEncoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_OPSET = 17


def export_encoder(
    model: SentenceTransformer, layout: ModelLayout, *, base: BaseModel, recipe: Recipe, probes: Sequence[str]
) -> dict[str, float]:
    """Writes ``encoder.onnx``, ``encoder.json``, ``tokenizer.json`` and the checkpoint.

    Args:
        model: Trained; left in evaluation mode.
        layout: Where to.
        base: What was trained.
        recipe: For the prompt.
        probes: Texts on which the exported encoder is compared with the trained one.

    Raises:
        OSError: The disk is full, or another reason that the system gives.

    Returns:
        Figures: mean and least cosine between both on the probes, and the size in MB.
    """
    model.eval()
    fp32 = layout.folder / "fp32.onnx"
    trace_encoder(model, fp32)
    _quantise(fp32, layout.encoder)
    fp32.unlink()
    model.tokenizer.backend_tokenizer.save(str(layout.tokenizer))
    dim = int(model.get_embedding_dimension() or 0)
    config = EncoderConfig(dim, model.max_seq_length, recipe.prompt, base.name, base.sha256)
    config.save(layout.encoder_config)
    _save(model, layout.checkpoint)
    shutil.rmtree(layout.checkpoint / "eval", ignore_errors=True)
    return {**_agreement(model, layout, recipe, probes), "mb": round(layout.encoder.stat().st_size / 1e6, 1)}


def _save(model: SentenceTransformer, folder: Path) -> None:
    """The model as sentence-transformers reads it again; a prefix, which cannot be merged, as an adapter of peft's."""
    from safetensors import SafetensorError  # type: ignore[attr-defined]

    try:
        with quiet():
            model.save(str(folder), safe_serialization=True, create_model_card=False)
    except SafetensorError as error:
        raise as_os_error(error, folder) from error


def trace_encoder(model: SentenceTransformer, path: Path) -> None:
    """Writes transformer and mean pooling as one fp32 graph."""
    import torch
    from torch import Tensor, nn

    transformer = model[0].auto_model.to("cpu").eval()
    transformer.set_attn_implementation("eager")

    class Pooled(nn.Module):
        """Mean of the last layer over the tokens that are there."""

        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            """See class; (batch, length) each -> (batch, dim)."""
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (batch, length, 1)
            return (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)

    names = ["input_ids", "attention_mask"]
    example = (torch.ones((2, 8), dtype=torch.int64), torch.ones((2, 8), dtype=torch.int64))
    axes = {name: {0: "batch", 1: "length"} for name in names} | {"embedding": {0: "batch"}}
    with quiet(), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the tracer about shapes that it takes for constants
        torch.onnx.export(
            Pooled().eval(), example, str(path), input_names=names, output_names=["embedding"], dynamic_axes=axes,
            opset_version=_OPSET, dynamo=False,
        )  # fmt: skip


def _quantise(source: Path, target: Path) -> None:
    """Dynamic int8 of all matrices, a scale for each channel; the embedding table too.

    Weights keep to 7 bits: AVX2 kernels saturate on 8, and a model travels to machines other than this one (cosine with
    fp32 seen on AVX2: .984 against .982).
    """
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    root.setLevel(logging.ERROR)  # quantize_dynamic advertises pre-processing through the root logger
    try:
        quantize_dynamic(
            str(source),
            str(target),
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=["MatMul", "Gather"],
        )
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers  # and thereby turns on everyone's debug messages


def _agreement(
    model: SentenceTransformer, layout: ModelLayout, recipe: Recipe, probes: Sequence[str]
) -> dict[str, float]:
    exported = OnnxEncoder.load(layout).encode(list(probes))
    trained = TrainingEncoder(model, prompt=recipe.prompt).encode(list(probes))
    cosines: Any = np.sum(exported * trained, axis=1)
    if not len(cosines):
        return {}
    return {"cosine_mean": round(float(cosines.mean()), 4), "cosine_min": round(float(cosines.min()), 4)}
