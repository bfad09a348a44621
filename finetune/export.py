"""The trained encoder as ONNX with int8 weights: what serving runs without torch."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.artifacts import ModelLayout
from data.errors import InputError
from finetune.encoder import BaseModel, quiet
from finetune.examples import TrainingData, evenly
from finetune.graph import is_writable, pooling_of, write_graph
from finetune.linear import fit_linear
from finetune.quantise import FORMS, Form, Judge, first_good, quantise
from finetune.recipe import Recipe
from retrieval.encoder import Encoder, EncoderConfig, OnnxEncoder, TrainingEncoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_OPSET = 17
_JUDGED_TRAIN, _JUDGED_VALID = 2000, 1000


def export_encoder(
    model: SentenceTransformer, layout: ModelLayout, *, base: BaseModel, recipe: Recipe, probes: Sequence[str],
    judge: Judge | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Writes ``encoder.onnx``, ``encoder.json``, ``tokenizer.json`` and the checkpoint.

    The encoder is int8; where that loses more than 0.3 points it is int8 in blocks, where that does too float32. The
    float32 weights stay in the checkpoint in either case, so that training can go on from them.

    Args:
        model: Trained; left in evaluation mode.
        layout: Where to.
        base: What was trained.
        recipe: For the prompt.
        probes: Texts on which the exported encoder is compared with the trained one.
        judge: Tells on held-out rows what a form gets right; None takes int8 as it is.

    Returns:
        Figures: mean and least cosine between both on the probes, size in MB, the form, and what each form lost.

    Raises:
        OSError: The disk is full; the caller's draft is then removed (`data.artifacts.create`).
    """
    model.eval()
    model.tokenizer.backend_tokenizer.save(str(layout.tokenizer))
    dim = int(model.get_embedding_dimension() or 0)
    config = EncoderConfig(dim, model.max_seq_length, recipe.prompt, base.name, base.sha256)
    config.save(layout.encoder_config)
    fp32 = layout.folder / "fp32.onnx"
    write_encoder(model, fp32)
    form, figures = _smallest(layout, fp32, judge)
    fp32.unlink()
    with quiet():
        model.save(str(layout.checkpoint), safe_serialization=True, create_model_card=False)
    shutil.rmtree(layout.checkpoint / "eval", ignore_errors=True)
    size = round(layout.encoder.stat().st_size / 1e6, 1)
    return {**_agreement(model, layout, recipe, probes), "mb": size, "form": form, "forms": figures}


def write_encoder(model: SentenceTransformer, path: Path) -> None:
    """Writes a float32 graph: node by node where the architecture is known, else traced."""
    if is_writable(model):
        write_graph(model, path)
    else:
        trace_encoder(model, path)


def _smallest(layout: ModelLayout, fp32: Path, judge: Judge | None) -> tuple[Form, dict[str, dict[str, float]]]:
    """Writes the smallest form that is good enough as ``encoder.onnx``."""

    def opened(form: Form) -> OnnxEncoder:
        quantise(fp32, layout.encoder, form)
        return OnnxEncoder.load(layout)

    if judge is None:
        quantise(fp32, layout.encoder, "int8")
        return "int8", {}
    form, figures = first_good(FORMS, opened, judge)
    if form == "fp32":
        quantise(fp32, layout.encoder, form)
    return form, figures


def intent_judge(data: TrainingData, *, seed: int = 0) -> Judge | None:
    """Fits a linear classifier of intents to an encoder's vectors, and tells what it gets right on validation rows.

    Args:
        data: At most 2,000 training and 1,000 validation messages are looked at; the test split is not.
        seed: Of the fit.

    Returns:
        None where there are fewer than two intents or no validation rows.
    """
    train, valid = data.intents_of("train"), data.intents_of("valid")
    labels = sorted({row.intent for row in train})
    valid = tuple(row for row in valid if row.intent in set(labels))
    if len(labels) < 2 or not valid:
        return None
    train = tuple(train[i] for i in np.random.default_rng(seed).permutation(len(train))[:_JUDGED_TRAIN])
    valid = tuple(valid[i] for i in evenly(len(valid), _JUDGED_VALID))
    gold = [np.array([labels.index(row.intent) for row in rows], dtype=np.int64) for rows in (train, valid)]

    def judge(encoder: Encoder) -> NDArray[np.bool_]:
        from scipy.sparse import csr_matrix

        vectors = encoder.encode([row.text for row in train])
        nothing = csr_matrix((len(train), 1), dtype=np.float32)
        fit = fit_linear(vectors, nothing, gold[0], classes=len(labels), passes=5, steps=600, seed=seed)
        scores = encoder.encode([row.text for row in valid]) @ fit.dense.T + fit.bias  # (valid, classes)
        return np.asarray(scores.argmax(axis=1) == gold[1])

    return judge


def trace_encoder(model: SentenceTransformer, path: Path) -> None:
    """Writes transformer and pooling as one fp32 graph.

    Raises:
        InputError: The base model pools otherwise than by the mean or by its first token.
    """
    import torch
    from torch import Tensor, nn

    pooling = pooling_of(model)
    if pooling is None:
        raise InputError(
            "base model", got="another pooling", expected="mean or cls", next_step="Name another base model."
        )
    transformer = model[0].auto_model.to("cpu").eval()
    transformer.set_attn_implementation("eager")

    class Pooled(nn.Module):
        """Mean of the last layer over the tokens that are there, or its first token."""

        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            """See class; (batch, length) each -> (batch, dim)."""
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            if pooling == "cls":
                return hidden[:, 0]
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


def _agreement(
    model: SentenceTransformer, layout: ModelLayout, recipe: Recipe, probes: Sequence[str]
) -> dict[str, float]:
    exported = OnnxEncoder.load(layout).encode(list(probes))
    trained = TrainingEncoder(model, prompt=recipe.prompt).encode(list(probes))
    cosines: Any = np.sum(exported * trained, axis=1)
    if not len(cosines):
        return {}
    return {"cosine_mean": round(float(cosines.mean()), 4), "cosine_min": round(float(cosines.min()), 4)}
