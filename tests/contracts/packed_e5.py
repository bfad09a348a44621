"""A model in the packed form that `finetune.e5` reads, small enough for tests."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

SPACE = "\u2581"
PIECES = ["<s>", "<pad>", "</s>", "<unk>", ",", SPACE, SPACE + "parcel", "par", "cel", "c", "e", "l", "p", "a", "r"]
PIECES += ["快递", "快", "递", "～", "!", "почта", "п", SPACE + "zebra", "<mask>"]
SCORES = [0.0] * 4 + [-float(i) / 2 for i in range(4, len(PIECES) - 1)] + [0.0]

HIDDEN, INNER, POSITIONS, TYPES = 32, 64, 16, 2
_MATRICES = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN)}
_MATRICES |= {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}


def write_packed(path: Path, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Writes a model of one layer with whole multiples of a scale as weights, and returns its matrices."""
    rng = np.random.default_rng(seed)
    matrices = {f"l0.{name}": rng.integers(-8, 8, shape) / np.float32(32) for name, shape in _MATRICES.items()}
    words = rng.integers(-8, 8, (len(PIECES) + 3, HIDDEN)) / np.float32(4)  # three rows that no piece has
    tensors = {"emb.word": (1, _blocks(words), words.size)}
    plain = {"emb.pos": (POSITIONS, HIDDEN), "emb.type": (TYPES, HIDDEN)}
    for name in ("emb.ln", "l0.aln", "l0.oln"):
        plain |= {f"{name}.w": (HIDDEN,), f"{name}.b": (HIDDEN,)}
    for name, matrix in matrices.items():
        tensors[f"{name}.w"] = 1, _blocks(matrix), matrix.size
        plain[f"{name}.b"] = (len(matrix),)
    for name, shape in plain.items():
        values = np.ones(shape, "<f4") if "ln.w" in name else rng.normal(size=shape).astype("<f4") / 8
        tensors[name] = 0, values.tobytes(), values.size
    path.write_bytes(_head(len(words)) + _tensors(tensors))
    return {"emb.word": words, **matrices}


def _blocks(values: np.ndarray) -> bytes:
    """Blocks of 32: a float16 scale, then 4 bits each, the first half low; exact for -8..7 times 1/32 or 1/4."""
    scale = np.float16(1 / 32 if abs(values).max() <= 0.25 else 1 / 4)
    whole = (values.reshape(-1, 32) / np.float32(scale) + 8).astype(np.uint8)
    return b"".join(scale.tobytes() + (row[:16] | row[16:] << 4).tobytes() for row in whole)


def _head(rows: int) -> bytes:
    text = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, text)]).astype("<u4")
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, 1, 2, INNER, rows, POSITIONS, TYPES, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1])) + offsets.tobytes()
    head += np.array(SCORES, "<f4").tobytes() + b"".join(text)
    table = struct.pack("<IBI", ord("！"), 1, ord("!"))
    return head + struct.pack("<iI", 1, len(table)) + table


def _tensors(tensors: dict[str, tuple[int, bytes, int]]) -> bytes:
    directory, body = struct.pack("<i", len(tensors)), b""
    start = len(_head(0)) + 4 + sum(23 + len(name) for name in tensors)
    for name, (kind, data, count) in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, count, start + len(body), len(data))
        body += data
    return directory + body
