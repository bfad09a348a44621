from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from data.artifacts import ModelLayout
from data.errors import InputError
from retrieval.encoder import EncoderConfig, OnnxEncoder, coverage
from tests.contracts.encoder_contract import check_encoder

WORDS = ["[PAD]", "[UNK]", "where", "is", "my", "order", "the", "tent", "?"]
DIM = 6


def write_model(folder: Path) -> ModelLayout:
    """A little real model: word vectors and their mean, as an ONNX graph."""
    layout = ModelLayout(folder)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(layout.tokenizer))
    EncoderConfig(dim=DIM, max_length=8).save(layout.encoder_config)
    table = np.random.default_rng(0).standard_normal((len(WORDS), DIM)).astype(np.float32)
    onnx.save(_graph(table), str(layout.encoder))
    return layout


def _graph(table: np.ndarray) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        helper.make_node("Mul", ["vectors", "column"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["column", "middle"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["embedding"]),
    ]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "t"]) for n in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["b", DIM])
    constants = {"table": table, "last": np.array([2]), "middle": np.array([1])}
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "mean", inputs, [output], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_the_onnx_encoder_keeps_the_contract(tmp_path: Path) -> None:
    check_encoder(OnnxEncoder.load(write_model(tmp_path), threads=1))


def test_a_vector_is_the_mean_of_its_words_vectors_of_length_one(tmp_path: Path) -> None:
    layout = write_model(tmp_path)
    table = numpy_helper.to_array(onnx.load(str(layout.encoder)).graph.initializer[0])
    mean = table[[WORDS.index("where"), WORDS.index("tent")]].mean(axis=0)
    got = OnnxEncoder.load(layout, threads=1).encode(["where is the order", "where tent", "my"])[1]
    np.testing.assert_allclose(got, mean / np.linalg.norm(mean), rtol=1e-5)


def test_coverage_is_the_share_of_known_words(tmp_path: Path) -> None:
    encoder = OnnxEncoder.load(write_model(tmp_path), threads=1)
    np.testing.assert_allclose(coverage(encoder, ["where is my dog", "全部 未知", ""]), [0.75, 0, 1])


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "encoder.json"])
def test_a_missing_or_broken_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    layout = write_model(tmp_path)
    (tmp_path / name).write_text("not it")
    with pytest.raises(InputError, match="careline learn"):
        OnnxEncoder.load(layout)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match="careline learn"):
        OnnxEncoder.load(layout)
