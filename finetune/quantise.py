"""From a float32 graph to the form that serves: the smallest one that answers as well as it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder import Encoder

Form = Literal["int8", "int8-blocks", "fp32"]
FORMS: tuple[Form, ...] = ("int8", "int8-blocks", "fp32")
"""In the order they are tried. ``int8``: a scale for each channel of the weights, activations quantised as a whole.
``int8-blocks``: a scale for each 128 weights and for each 128 activations of a token, so that a batch equals its texts
one by one; cosine with fp32 .999 instead of .993, but slower by half. Seen with MiniLM-L6 on AVX-512."""

MOST_LOST = 0.3
"""Points of accuracy that a form may lose against fp32."""

_BLOCK = 128

Judge = Callable[[Encoder], NDArray[np.bool_]]
"""Tells for each of the same held-out rows whether an encoder gets it right."""


def quantise(source: Path, target: Path, form: Form) -> None:
    """Writes a form of a float32 graph; the embedding table is int8 in both quantised ones.

    Matrices of ``int8`` keep to 7 bits: AVX2 kernels saturate on 8, and a model travels to other machines.

    Args:
        source: float32 ONNX.
        target: Written whole or, on an error, left to the caller to remove.
        form: Which.
    """
    if form == "fp32":
        shutil.copyfile(source, target)
        return
    if form == "int8":
        _dynamic(source, target, ["MatMul", "Gather"])
        return
    _dynamic(source, target, ["Gather"])
    _blocks(target)


def _dynamic(source: Path, target: Path, operators: list[str]) -> None:
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _hushed():
        quantize_dynamic(
            str(source), str(target), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
            op_types_to_quantize=operators,
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
        )  # fmt: skip


def _blocks(path: Path) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    config = DefaultWeightOnlyQuantConfig(
        block_size=_BLOCK, is_symmetric=True, accuracy_level=4, bits=8, op_types_to_quantize=("MatMul",)
    )
    with _hushed():
        quantizer = MatMulNBitsQuantizer(onnx.load(str(path)), algo_config=config)
        quantizer.process()
        quantizer.model.save_model_to_file(str(path))


@contextmanager
def _hushed() -> Iterator[None]:
    """Both quantisers advertise through the root logger, and thereby turn on everyone's debug messages."""
    root = logging.getLogger()
    level, handlers, ours = root.level, list(root.handlers), logging.getLogger("onnxruntime")
    root.setLevel(logging.ERROR)
    before, ours.disabled = ours.disabled, True
    try:
        yield
    finally:
        ours.disabled = before
        root.setLevel(level)
        root.handlers[:] = handlers


def lost_points(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float:
    """Points of accuracy lost on the same rows; negative for a gain, 0 without rows."""
    return 100 * float(before.mean() - after.mean()) if len(before) else 0.0


def loses_too_much(before: NDArray[np.bool_], after: NDArray[np.bool_], *, most: float = MOST_LOST) -> bool:
    """Whether more than ``most`` points are lost, and more than by chance.

    Of the rows that only one of both gets right, chance alone gives a difference of their number's square root
    (McNemar 1947): one row of 100 is a point, and says nothing.
    """
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    return lost_points(before, after) > most and lost - won > np.sqrt(lost + won)


def first_good(
    forms: Sequence[Form], opened: Callable[[Form], Encoder], judge: Judge
) -> tuple[Form, dict[str, dict[str, float]]]:
    """The first form that does not lose too much against the last of them, and what each that was tried lost.

    Args:
        forms: Smallest first; the last is the yardstick.
        opened: Writes and opens a form.
        judge: On held-out rows.

    Returns:
        The form; and for each tried one ``accuracy`` (0..1), ``lost`` (points) and ``n``.
    """
    yardstick = judge(opened(forms[-1]))
    figures: dict[str, dict[str, float]] = {forms[-1]: _figures(yardstick, yardstick)}
    for form in forms[:-1]:
        right = judge(opened(form))
        figures[form] = _figures(yardstick, right)
        if not loses_too_much(yardstick, right):
            return form, figures
    return forms[-1], figures


def _figures(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> dict[str, float]:
    accuracy = round(float(after.mean()), 4) if len(after) else 0.0
    return {"accuracy": accuracy, "lost": round(lost_points(before, after), 3), "n": float(len(after))}
