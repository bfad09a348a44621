"""Vectors by the content of their texts, so that no text is encoded twice by one encoder.

``var/vectors/ENCODER.f16`` holds rows of float16, ``ENCODER.keys`` an entry a row: the SHA-256 of the text and the
CRC-32 of the vector. Both are only appended to; a row counts when its entry is whole and its checksum fits. So a crash
costs at most what was just being written, and that is encoded again. There is no fsync: what a power cut takes is found
out by the checksums.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from data.artifacts import ModelLayout, hash_json, load_manifest
from data.errors import InputError
from retrieval.encoder import Encoder, Vectors, coverage, unit

_KEY, _ENTRY = 32, 36
"""Bytes of a hash; of a hash and a checksum."""

_MAGIC = b"careline vectors 1\n"
_CHUNK = 1024

MOST_BYTES = 4 << 30
"""Of one encoder's file: 5,500,000 vectors of 384 dimensions. Beyond, nothing is added until a build drops old ones."""

SLACK = 1.5
"""A build drops what it does not use when the file holds so many times as much, and ``LEAST_KEPT`` more."""

LEAST_KEPT = 10_000


def encoder_key(model: ModelLayout) -> str:
    """Hash of what turns text into vectors: two models with one encoder share their vectors.

    Raises:
        InputError: There is no such model.
    """
    files = load_manifest(model.folder, kind="model", verify=False).files
    return hash_json([files.get(path.name) for path in (model.encoder, model.tokenizer, model.encoder_config)])


def key_of(text: str) -> bytes:
    """SHA-256 of a text as the encoder gets it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Keys:
    """Hashes to rows: a sorted array of their first eight bytes for what was there when it was opened, a dict for more.

    A million hashes take 12 MB; whole hashes are compared in the mapped file.
    """

    def __init__(self) -> None:
        self.entries: NDArray[np.uint8] = np.zeros((0, _ENTRY), np.uint8)
        self._sorted: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._order: NDArray[np.uint32] = np.zeros(0, np.uint32)
        self._tail: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def extend(self, entries: NDArray[np.uint8]) -> None:
        """Takes the entries (n, 36) of the file as it is now: those it had, and more behind them."""
        before, self.entries = len(self.entries), entries
        if len(entries) - before > _CHUNK * 8:
            heads = np.ascontiguousarray(entries[:, :8]).view(">u8")[:, 0].astype(np.uint64)
            self._order = np.argsort(heads, kind="stable").astype(np.uint32)
            self._sorted, self._tail = heads[self._order], {}
        else:
            more = entries[before:, :_KEY].tobytes()
            self._tail |= {more[i : i + _KEY]: before + i // _KEY for i in range(0, len(more), _KEY)}

    def row(self, key: bytes) -> int | None:
        """The last row of a hash, or None."""
        if key in self._tail:
            return self._tail[key]
        head = np.uint64(int.from_bytes(key[:8], "big"))
        place = int(np.searchsorted(self._sorted, head, side="right")) - 1
        while place >= 0 and self._sorted[place] == head:
            row = int(self._order[place])
            if self.entries[row, :_KEY].tobytes() == key:
                return row
            place -= 1
        return None

    def crc(self, row: int) -> int:
        """The checksum of a row's vector."""
        return int.from_bytes(self.entries[row, _KEY:].tobytes(), "little")


class VectorCache:
    """The vectors of one encoder on disk; several processes read and add at once.

    Args:
        folder: ``var/vectors``; made when something is added.
        encoder: From ``encoder_key``.
        dim: Length of a vector.
        most_bytes: See ``MOST_BYTES``.
    """

    def __init__(self, folder: Path, encoder: str, dim: int, *, most_bytes: int = MOST_BYTES) -> None:
        self.folder, self.dim, self.most_bytes = folder, dim, most_bytes
        self.path, self.keys_path = folder / f"{encoder}.f16", folder / f"{encoder}.keys"
        self._head = _MAGIC + dim.to_bytes(4, "little")
        self._seen: tuple[int, int] | None = None
        self._keys = Keys()
        self._rows: NDArray[np.float16] = np.zeros((0, dim), np.float16)

    def __len__(self) -> int:
        self._refresh()
        return len(self._keys)

    def get(self, texts: Sequence[str]) -> tuple[Vectors, NDArray[np.bool_]]:
        """Looks texts up.

        Returns:
            (n, dim) float32 of length 1, zeros where there is none, and (n,) which were found whole.
        """
        self._refresh()
        out, found = np.zeros((len(texts), self.dim), np.float32), np.zeros(len(texts), dtype=bool)
        for i, text in enumerate(texts):
            if (row := self._whole(key_of(text))) is not None:
                out[i], found[i] = self._rows[row], True
        return unit(out), found

    def put(self, texts: Sequence[str], vectors: Vectors) -> int:
        """Adds the vectors of texts that are not there yet, and returns how many; a full disk or limit adds none.

        Args:
            texts: As the encoder got them.
            vectors: (n, dim) of length 1.
        """
        with self._held():
            self._refresh()
            new = {key: i for i, text in enumerate(texts) if self._whole(key := key_of(text)) is None}
            count = len(self._keys)
            if not new or (count + len(new)) * self.dim * 2 > self.most_bytes:
                return 0
            rows = np.ascontiguousarray(vectors[list(new.values())], dtype=np.float16)  # (new, dim)
            entries = b"".join(key + _crc(row) for key, row in zip(new, rows, strict=True))
            try:
                _write_at(self.path, count * self.dim * 2, rows.tobytes())
                _write_at(self.keys_path, len(self._head) + count * _ENTRY, entries)
            except OSError:  # a full disk: whole entries count, and a cache may be incomplete
                return 0
        return len(new)

    def keep(self, keys: Collection[bytes]) -> int:
        """Drops what is not under one of these keys, once that is much (``SLACK``); returns how many.

        Args:
            keys: Of the texts of the index that was just built.
        """
        if len(self) <= len(keys) * SLACK + LEAST_KEPT:
            return 0
        with self._held():
            self._refresh()
            found = (self._whole(key) for key in keys)
            kept = np.array(sorted({row for row in found if row is not None}), dtype=np.int64)
            dropped = len(self._keys) - len(kept)
            self._replace(kept)
        return dropped

    def _whole(self, key: bytes) -> int | None:
        """The row of a hash, if its vector is the one that was written."""
        row = self._keys.row(key)
        return row if row is not None and zlib.crc32(self._rows[row].tobytes()) == self._keys.crc(row) else None

    def _refresh(self) -> None:
        """Takes in what others have added; begins again where the file was replaced."""
        if self._stamp() == self._seen:
            return
        seen, entries = None, Keys().entries
        self._rows = np.zeros((0, self.dim), np.float16)
        with suppress(FileNotFoundError), self.keys_path.open("rb") as keys, self.path.open("rb") as rows:
            seen = _stamp_of(os.fstat(keys.fileno()))  # of what is mapped: another file may have the name by now
            if count := self._count(keys, rows):
                self._rows = np.memmap(rows, np.float16, "r", shape=(count, self.dim))
                entries = np.memmap(keys, np.uint8, "r", offset=len(self._head), shape=(count, _ENTRY))
        if self._seen is None or seen is None or seen[0] != self._seen[0] or seen[1] < self._seen[1]:
            self._keys = Keys()
        self._keys.extend(entries)
        self._seen = seen

    def _stamp(self) -> tuple[int, int] | None:
        try:
            return _stamp_of(self.keys_path.stat())
        except FileNotFoundError:
            return None

    def _count(self, keys: BinaryIO, rows: BinaryIO) -> int:
        """Whole entries, as far as there are rows; none in a file of another kind."""
        if keys.read(len(self._head)) != self._head:
            return 0
        entries = (os.fstat(keys.fileno()).st_size - len(self._head)) // _ENTRY
        return min(entries, os.fstat(rows.fileno()).st_size // (self.dim * 2))

    def _replace(self, kept: NDArray[np.int64]) -> None:
        """Writes both files anew. Between the two renames entries and rows do not fit: their checksums say so."""
        for path, head, rows in ((self.path, b"", self._rows), (self.keys_path, self._head, self._keys.entries)):
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            with temporary.open("wb") as stream:
                stream.write(head)
                for start in range(0, len(kept), _CHUNK):
                    stream.write(np.ascontiguousarray(rows[kept[start : start + _CHUNK]]).tobytes())
            os.replace(temporary, path)

    @contextmanager
    def _held(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            head = b""
            if self.keys_path.exists() and self.path.exists():
                with self.keys_path.open("rb") as stream:
                    head = stream.read(len(self._head))
            if head != self._head:
                self._replace(np.zeros(0, np.int64))
            yield


class CachedEncoder:
    """An encoder that looks into the cache first and adds what it had to encode, piece by piece.

    So a build that was interrupted goes on where it was.

    Args:
        encoder: What encodes the rest.
        cache: Of this encoder.

    Attributes:
        encoded: How many texts were not found.
    """

    def __init__(self, encoder: Encoder, cache: VectorCache) -> None:
        self.encoder, self.cache = encoder, cache
        self.encoded = 0
        self._asked: set[bytes] = set()

    @property
    def dim(self) -> int:
        """See parent."""
        return self.encoder.dim

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        """See parent. What comes from the cache was rounded to float16; a cache that cannot be read is none."""
        self._asked.update(map(key_of, texts))
        vectors, found = np.zeros((len(texts), self.dim), np.float32), np.zeros(len(texts), dtype=bool)
        with suppress(OSError):
            vectors, found = self.cache.get(texts)
        missing = sorted((i for i in range(len(texts)) if not found[i]), key=lambda i: len(texts[i]))
        for start in range(0, len(missing), _CHUNK):
            rows = missing[start : start + _CHUNK]
            part = [texts[i] for i in rows]
            vectors[rows] = self.encoder.encode(part, batch_size=batch_size)
            with suppress(OSError):
                self.cache.put(part, vectors[rows])
        self.encoded += len(missing)
        return vectors

    def tidy(self) -> int:
        """Drops vectors that nobody asked this encoder for, once they are many; for after a build."""
        return self.cache.keep(self._asked)

    def coverage(self, texts: Sequence[str]) -> Vectors:
        """See ``KnowsItsVocabulary``."""
        return coverage(self.encoder, texts)


def prune_vectors(folder: Path, models: Path) -> list[str]:
    """Removes the vectors of encoders that no model has any more; returns their keys.

    Args:
        folder: ``var/vectors``.
        models: ``var/models``.
    """
    held = set()
    for path in models.glob("*/manifest.json"):
        try:
            held.add(encoder_key(ModelLayout(path.parent)))
        except InputError:  # not whole: it cannot serve either
            continue
    gone = sorted({path.stem for path in folder.glob("*.keys")} - held)
    for key in gone:
        for path in folder.glob(f"{key}.*"):
            path.unlink()
    return gone


def _stamp_of(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_size


def _crc(row: NDArray[np.float16]) -> bytes:
    return zlib.crc32(row.tobytes()).to_bytes(4, "little")


def _write_at(path: Path, place: int, data: bytes) -> None:
    """Writes behind what counts, over what a crash has left there."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(descriptor, place)
        while data:
            written = os.pwrite(descriptor, data, place)
            place, data = place + written, data[written:]
    finally:
        os.close(descriptor)
