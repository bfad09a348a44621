"""A little real model on disk: word vectors and their mean as an ONNX graph, with a tokenizer."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from data.artifacts import ModelLayout
from retrieval.encoder import EncoderConfig

WORDS = ["[PAD]", "[UNK]", "where", "is", "my", "order", "the", "tent", "?", "torn", "send", "back", "hello"]
DIM = 16


def write_model(folder: Path) -> ModelLayout:
    """Writes ``encoder.onnx``, ``tokenizer.json`` and ``encoder.json`` into a folder."""
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
