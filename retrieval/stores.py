"""Vectors of answers in Milvus, for more of them than one machine shall hold. The only importer of pymilvus.

An index is built as always; its vectors are then copied into a collection named after it, once, by whoever opens it
first. What changes while it serves stays in each process's tail, as with FAISS, until a new snapshot takes it in: so
nobody but the first opener ever writes, and processes cannot disagree about rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np

from data.errors import InputError
from retrieval.dense import VectorIndex
from retrieval.encoder import Vectors
from retrieval.nearest import Found, Ids, Mask

if TYPE_CHECKING:
    from pymilvus import MilvusClient

_NAMED = 2_000
"""So many allowed rows are named in a filter; of more, the nearest of all are asked for and the others left out."""

_MOST_HITS = 16_384
"""Milvus returns no more for a query."""

_SPARE, _CHUNK, _SECONDS = 16, 1_000, 10.0
_EXPECTED = "milvus://HOST:19530[/DATABASE], milvus+tls://USER:PASSWORD@HOST:PORT, or milvus:FILE.db"
_NAME = re.compile(r"[^0-9A-Za-z]+")


@dataclass(frozen=True)
class StoreUrl:
    """Where vectors are.

    Attributes:
        uri: As pymilvus takes it: an address, or the path of a file for Milvus Lite.
        token: ``user:password``, or empty.
        database: Of the server; empty for its default.
    """

    uri: str
    token: str = ""
    database: str = ""

    @classmethod
    def parse(cls, url: str, *, root: Path) -> StoreUrl:
        """Reads ``[index] store``.

        Args:
            url: See ``_EXPECTED``.
            root: Folder that a relative file is meant from.

        Raises:
            InputError: It is none of these. A password in it is not shown.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _no_url(url) from error
        if parts.scheme == "milvus" and not parts.netloc and parts.path.endswith(".db"):
            return cls(str(root / parts.path))
        if parts.scheme not in ("milvus", "milvus+tls") or not parts.hostname or parts.query or parts.fragment:
            raise _no_url(url)
        address = f"{'https' if parts.scheme == 'milvus+tls' else 'http'}://{parts.hostname}:{port or 19530}"
        token = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}" if parts.username else ""
        return cls(address, token, parts.path.strip("/"))


def _no_url(url: str) -> InputError:
    shown = re.sub(r"//[^@/]*@", "//***@", url)
    return InputError(
        "[index] store", got=repr(shown), expected=_EXPECTED, next_step="Mend careline.toml, or leave it empty."
    )


def in_store(url: str, vectors: VectorIndex, *, name: str, root: Path) -> VectorIndex:
    """The same vectors, searched in a store.

    Args:
        url: ``[index] store``; empty gives ``vectors`` back: FAISS.
        vectors: Of an index that was just opened.
        name: Key of the index: a collection of this name is used, or made and filled.
        root: Folder that a relative file is meant from.

    Raises:
        InputError: The URL is wrong, the extra is not installed, or the store does not answer.
    """
    if not url:
        return vectors
    place = StoreUrl.parse(url, root=root)
    with _answering(place):
        client = _open(place)
        base = MilvusBase(client, f"careline_{_NAME.sub('_', name)}", size=len(vectors), dim=vectors.dim)
        if not base.is_filled():
            base.fill(vectors.vectors)
        client.load_collection(base.name)
    return VectorIndex(base)


def _open(place: StoreUrl) -> MilvusClient:
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        raise InputError(
            "[index] store",
            got="Milvus, for which pymilvus is missing",
            expected="the extra `milvus`",
            next_step="Install pymilvus and milvus-lite (pyproject.toml says which), or leave the store empty.",
        ) from error
    if "://" not in place.uri:
        Path(place.uri).parent.mkdir(parents=True, exist_ok=True)
    return MilvusClient(place.uri, token=place.token, db_name=place.database, timeout=_SECONDS)


@contextmanager
def _answering(place: StoreUrl) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # pymilvus raises its own exceptions and grpc's
        raise InputError(
            f"Milvus at {place.uri}",
            got=str(error).splitlines()[0][:200] or type(error).__name__,
            expected="a store that answers",
            next_step="Start it, or leave [index] store empty.",
        ) from error


class MilvusBase:
    """Unit vectors in a collection, under their rows; what ``VectorIndex`` searches in.

    Args:
        client: Open.
        name: Of the collection.
        size: How many rows belong in it.
        dim: Length of a vector.
    """

    def __init__(self, client: MilvusClient, name: str, *, size: int, dim: int) -> None:
        self.client, self.name, self.size, self.dim = client, name, size, dim

    def is_filled(self) -> bool:
        """Whether the collection is there and holds all rows."""
        if not self.client.has_collection(self.name):
            return False
        (row,) = self.client.query(self.name, filter="", output_fields=["count(*)"])
        return int(row["count(*)"]) == self.size

    def fill(self, vectors: Callable[[Ids], Vectors]) -> None:
        """Writes all rows; safe to do again, and by several at once, for a row is always the same.

        Args:
            vectors: (n,) rows to (n, dim).
        """
        if not self.client.has_collection(self.name):
            self._make()
        for start in range(0, self.size, _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, self.size))
            pairs = zip(rows.tolist(), vectors(rows), strict=True)
            self.client.upsert(self.name, [{"row": row, "vector": vector} for row, vector in pairs])
        self.client.flush(self.name)

    def _make(self) -> None:
        from pymilvus import DataType

        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("row", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self.dim)
        index = self.client.prepare_index_params()
        index.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
        self.client.create_collection(self.name, schema=schema, index_params=index, consistency_level="Strong")

    def search(self, vectors: Vectors, k: int, among: Mask | None) -> Found:
        """See ``VectorIndex.search``; an allowed row is never missed for want of asking."""
        if among is None:
            return _table(self._ask(vectors, min(k, _MOST_HITS)), k)
        allowed = np.flatnonzero(among)
        wanted = min(k, len(allowed))
        if len(allowed) <= _NAMED:
            return _table(self._named(vectors, wanted, allowed) if wanted else [[] for _ in vectors], wanted)
        limit = min(_MOST_HITS, self.size, math.ceil(2 * wanted * self.size / len(allowed)) + _SPARE)
        while True:
            kept = [[hit for hit in hits if among[hit[0]]] for hits in self._ask(vectors, limit)]
            if min(map(len, kept)) >= wanted:
                return _table(kept, wanted)
            if limit >= min(_MOST_HITS, self.size):
                break
            limit = min(_MOST_HITS, self.size, 4 * limit)
        pieces = [self._named(vectors, wanted, allowed[i : i + _NAMED]) for i in range(0, len(allowed), _NAMED)]
        merged = [[hit for hits in each for hit in hits] for each in zip(*pieces, strict=True)]
        return _table([sorted(hits, key=lambda hit: -hit[1]) for hits in merged], wanted)

    def _named(self, vectors: Vectors, k: int, rows: Ids) -> list[list[tuple[int, float]]]:
        return self._ask(vectors, min(k, len(rows)), filter=f"row in {rows.tolist()}")

    def _ask(self, vectors: Vectors, k: int, **more: Any) -> list[list[tuple[int, float]]]:
        """(row, cosine) of the nearest, for each query."""
        found = self.client.search(
            self.name, data=list(vectors), limit=k, search_params={"metric_type": "IP"}, timeout=_SECONDS, **more
        )
        return [
            [(int(hit["row"] if "row" in hit else hit["id"]), float(hit["distance"])) for hit in hits] for hits in found
        ]

    def take(self, rows: Ids) -> Vectors:
        """(n, dim) vectors of rows, in their order."""
        out = np.zeros((len(rows), self.dim), dtype=np.float32)
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            read = self.client.get(self.name, ids=part.tolist(), output_fields=["row", "vector"])
            at = {int(hit["row"]): hit["vector"] for hit in read}
            out[start : start + len(part)] = [at[row] for row in part.tolist()]
        return out

    def save(self, path: Path) -> None:
        """Writes the vectors as FAISS reads them: a snapshot is the same file wherever it was served from."""
        VectorIndex.build(self.take(np.arange(self.size))).save(path)


def _table(found: list[list[tuple[int, float]]], k: int) -> Found:
    """Cosines and rows (n, k); -1 where fewer were found."""
    scores, rows = np.full((len(found), k), -np.inf, np.float32), np.full((len(found), k), -1, np.int64)
    for i, hits in enumerate(found):
        for j, (row, score) in enumerate(hits[:k]):
            rows[i, j], scores[i, j] = row, score
    return scores, rows
