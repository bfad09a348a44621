"""What a block leaves for the stages after redaction: small columns beside each shard of redacted conversations.

Apache Arrow files, mapped into memory where they are read: a million messages cost the reader their numbers only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.leaks import LeakRow
from data.split import SplitRow

SKETCH = 18
"""Numbers of `data.leaks.sketch`."""

CONVERSATION_COLUMNS = pa.schema(
    [
        ("id", pa.string()),
        ("started", pa.float64()),
        ("complete", pa.bool_()),
        ("question", pa.uint64()),
        ("sketch", pa.list_(pa.uint64(), SKETCH)),
        ("people", pa.list_(pa.string())),
        ("opening", pa.string()),
        ("topic", pa.string()),
        ("language", pa.string()),
        ("messages", pa.int32()),
        ("weight", pa.float32()),
        ("label", pa.string()),
    ]
)
"""One row a conversation of a shard, in its order. ``opening`` is null for one that says nothing, ``label`` the intent
that the log itself gives its only message."""

UTTERANCE_COLUMNS = pa.schema(
    [
        ("conversation", pa.int32()),
        ("turn", pa.int32()),
        ("text", pa.string()),
        ("label", pa.string()),
        ("language", pa.string()),
        ("time", pa.float64()),
        ("question", pa.string()),
    ]
)
"""One row a message of an agent that may be an answer; ``conversation`` is the row of the other table."""

BANDS = 16

KEY_COLUMNS = pa.schema(
    [
        ("bare", pa.string()),
        ("words", pa.string()),
        ("group", pa.uint64()),
        ("wording", pa.uint64()),
        ("text", pa.uint64()),
        ("question", pa.uint64()),
        ("bands", pa.list_(pa.uint64(), BANDS)),
    ]
)
"""One row a row of the utterances: without courtesies and stock; its words; hashes of what groups it, of its words, of
its text and of the question before it; and where near-duplicates meet."""


def write_table(
    path: Path,
    schema: pa.Schema,
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    *,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Writes columns; whole or not at all.

    Args:
        path: The file.
        schema: Names and types.
        columns: By name, of equal length.
        notes: JSON-able values that go with them.
    """
    schema = schema.with_metadata({"notes": json.dumps(notes or {}, sort_keys=True)})
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    arrays = [_array(columns[field.name], field.type) for field in schema]
    with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    os.replace(temporary, path)


def _array(values: Sequence[Any] | NDArray[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(kind):
        flat = np.asarray(values, dtype=np.uint64).reshape(-1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), kind.list_size)
    return pa.array(values, type=kind)


def read_table(path: Path) -> pa.Table:
    """Maps what ``write_table`` wrote; its pages are read when they are looked at."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def notes_of(table: pa.Table) -> dict[str, Any]:
    """The notes that were written with a table."""
    found: dict[str, Any] = json.loads((table.schema.metadata or {}).get(b"notes", b"{}"))
    return found


def wide(column: pa.ChunkedArray, width: int) -> NDArray[np.uint64]:
    """(n, width) a column of lists of fixed size."""
    chunks = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    flat = np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.uint64)
    return np.asarray(flat, dtype=np.uint64).reshape(-1, width)


def split_rows(table: pa.Table) -> Iterator[SplitRow]:
    """What splitting needs of each conversation of a shard."""
    sketches = wide(table["sketch"], SKETCH)
    columns = (table[name].to_pylist() for name in ("id", "started", "complete", "question", "people"))
    for sketch, name, started, complete, question, people in zip(sketches, *columns, strict=True):
        yield SplitRow(started, complete, question, LeakRow(name, sketch, tuple(people)))
