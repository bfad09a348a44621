"""A BERT-style encoder as an ONNX graph, node by node: attention, normalisation and gelu as one node each.

Tracing gives 700 nodes, of which ONNX Runtime's optimiser cannot put attention together again (transformers 5 spells
it differently from what it looks for); written out it is 11 nodes a layer, is made in a second instead of twelve, and
runs quicker. Operators of the domain ``com.microsoft`` are those of ONNX Runtime (docs/ContribOperators.md there).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Pooling = Literal["mean", "cls"]
Array = NDArray[Any]

OPSET = 17
_MS = "com.microsoft"
_POSITIONS_FROM = {"bert": 0, "xlm-roberta": 2, "roberta": 2}
"""Families that can be written, and the row of the position table that the first token reads."""


def pooling_of(model: SentenceTransformer) -> Pooling | None:
    """How the tokens' vectors become one, as the base model's own files say; None for a way we do not know."""
    mode = getattr(model[1], "pooling_mode", None) if len(model) > 1 else None
    return mode if mode in ("mean", "cls") else None


def is_writable(model: SentenceTransformer) -> bool:
    """Whether ``write_graph`` knows the architecture; otherwise it must be traced."""
    config = model[0].auto_model.config
    known = config.model_type in _POSITIONS_FROM and getattr(config, "hidden_act", "") == "gelu"
    return bool(known and pooling_of(model) and getattr(config, "position_embedding_type", "absolute") == "absolute")


def write_graph(model: SentenceTransformer, path: Path) -> None:
    """Writes transformer and pooling as one float32 graph: ids, mask (batch, length) -> embedding (batch, dim).

    Args:
        model: One for which ``is_writable``.
        path: Of the ONNX file.
    """
    import onnx

    pooling = pooling_of(model)
    assert pooling is not None, "ask is_writable first"
    transformer = model[0].auto_model
    weights = {name: w.detach().to("cpu").float().numpy() for name, w in transformer.named_parameters()}
    graph = _Graph()
    states = _embeddings(graph, weights, transformer.config, limit=int(model.max_seq_length))
    mask = graph.add("Cast", ["attention_mask"], "mask", to=onnx.TensorProto.INT32)
    for number in range(transformer.config.num_hidden_layers):
        states = _layer(graph, _layer_weights(weights, number), f"layer{number}", states, mask, transformer.config)
    _pool(graph, states, pooling)
    onnx.save(graph.model(dim=transformer.config.hidden_size), str(path))


@dataclass
class _Graph:
    """Nodes and constants in the order they were added."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, inputs: list[str], output: str, *, domain: str = "", **attributes: object) -> str:
        """Appends a node with one output, and returns the output's name."""
        self.several(operator, inputs, [output], domain=domain, **attributes)
        return output

    def several(
        self, operator: str, inputs: list[str], outputs: list[str], *, domain: str = "", **attributes: object
    ) -> None:
        """Appends a node with several outputs."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, name=outputs[0], domain=domain, **attributes))

    def constant(self, name: str, value: Array) -> str:
        """Stores an array, and returns its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def model(self, *, dim: int) -> Any:
        """The whole, with its two inputs and its output."""
        from onnx import TensorProto, helper

        names = ("input_ids", "attention_mask")
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"]) for n in names]
        output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", dim])
        graph = helper.make_graph(self.nodes, "encoder", inputs, [output], self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_MS, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="careline")


def _embeddings(graph: _Graph, weights: dict[str, Array], config: Any, *, limit: int) -> str:
    """Words and positions, normalised; the one token type is added to the positions beforehand."""
    first = _POSITIONS_FROM[config.model_type]
    positions = weights["embeddings.position_embeddings.weight"][first : first + limit]
    types = weights["embeddings.token_type_embeddings.weight"][:1]
    words = graph.constant("words", weights["embeddings.word_embeddings.weight"])
    graph.constant("positions", positions + types)  # (limit, dim)
    found = graph.add("Gather", [words, "input_ids"], "word_vectors")  # (batch, length, dim)
    shape = graph.add("Shape", ["input_ids"], "length", start=1, end=2)  # (1,)
    zero = graph.constant("zero", np.zeros(1, np.int64))
    here = graph.add("Slice", ["positions", zero, shape, zero], "here")  # (length, dim)
    summed = graph.add("Add", [found, here], "placed")
    scale = graph.constant("embedded_gamma", weights["embeddings.LayerNorm.weight"])
    shift = graph.constant("embedded_beta", weights["embeddings.LayerNorm.bias"])
    return graph.add(
        "LayerNormalization", [summed, scale, shift], "embedded", axis=-1, epsilon=float(config.layer_norm_eps)
    )


def _layer_weights(weights: dict[str, Array], number: int) -> dict[str, Array]:
    start = f"encoder.layer.{number}."
    return {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}


def _layer(graph: _Graph, own: dict[str, Array], name: str, states: str, mask: str, config: Any) -> str:
    """Attention and feed-forward, each added to its input and normalised."""
    parts = [f"attention.self.{part}" for part in ("query", "key", "value")]
    together = np.concatenate([own[f"{part}.weight"].T for part in parts], axis=1)  # (dim, 3 dim)
    biases = np.concatenate([own[f"{part}.bias"] for part in parts])
    asked = _product(graph, f"{name}_qkv", states, together)
    split = [f"{name}_{part}" for part in ("q", "k", "v")]
    graph.several("Split", [asked], split, axis=-1)
    bias = graph.constant(f"{name}_qkv_bias", biases)
    heads = int(config.num_attention_heads)
    seen = graph.add("MultiHeadAttention", [*split, bias, mask], f"{name}_seen", domain=_MS, num_heads=heads)
    told = _product(graph, f"{name}_out", seen, own["attention.output.dense.weight"].T)
    states = _added(graph, f"{name}_attended", told, states, own, "attention.output", config)
    wide = _product(graph, f"{name}_wide", states, own["intermediate.dense.weight"].T)
    bias = graph.constant(f"{name}_wide_bias", own["intermediate.dense.bias"])
    bent = graph.add("BiasGelu", [wide, bias], f"{name}_bent", domain=_MS)
    narrow = _product(graph, f"{name}_narrow", bent, own["output.dense.weight"].T)
    return _added(graph, f"{name}_done", narrow, states, own, "output", config)


def _product(graph: _Graph, name: str, states: str, matrix: Array) -> str:
    return graph.add("MatMul", [states, graph.constant(f"{name}_weight", matrix)], name)


def _added(graph: _Graph, name: str, new: str, old: str, own: dict[str, Array], part: str, config: Any) -> str:
    """Sum of new, bias and old, normalised."""
    inputs = [
        graph.constant(f"{name}_{short}", own[f"{part}.{long}"])
        for short, long in (("gamma", "LayerNorm.weight"), ("beta", "LayerNorm.bias"), ("bias", "dense.bias"))
    ]
    epsilon = float(config.layer_norm_eps)
    return graph.add("SkipLayerNormalization", [new, old, *inputs], name, domain=_MS, epsilon=epsilon)


def _pool(graph: _Graph, states: str, pooling: Pooling) -> None:
    """The mean over the tokens that are there, or the first token's vector."""
    from onnx import TensorProto

    one = graph.constant("one", np.ones(1, np.int64))
    if pooling == "cls":
        first = graph.add("Slice", [states, "zero", one, one], "first")  # (batch, 1, dim)
        graph.add("Squeeze", [first, one], "embedding")
        return
    there = graph.add("Cast", ["attention_mask"], "there", to=TensorProto.FLOAT)
    row = graph.add("Unsqueeze", [there, one], "row")  # (batch, 1, length)
    summed = graph.add("MatMul", [row, states], "summed")  # (batch, 1, dim)
    total = graph.add("Squeeze", [summed, one], "total")  # (batch, dim)
    count = graph.add("ReduceSum", [there, one], "count", keepdims=1)  # (batch, 1)
    least = graph.constant("least", np.array([1e-9], np.float32))
    graph.add("Div", [total, graph.add("Max", [count, least], "counted")], "embedding")
