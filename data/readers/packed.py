"""Packed logs: gzip, zstd and zip are read as they are, with bounds on what they may unpack to."""

from __future__ import annotations

import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, cast

from data.courtesy import words
from data.errors import InputError

if TYPE_CHECKING:
    import zipfile

MOST_RATIO = 250
"""A packed log may unpack to this many times its size. Real logs reach 5 to 40; deflate ends at 1,032 (a bomb)."""

FREE_BYTES = 64 << 20
"""Below this many unpacked bytes the ratio does not matter."""

LARGEST_COPY = 4 << 30
"""Bytes of a packed spreadsheet, Parquet or SQLite file, which has to be unpacked to a temporary file."""

MOST_MEMBERS = 10_000
"""Logs in one zip."""

_BUFFER = 1 << 18
_ZSTD_STEP = 1 << 10
"""Packed bytes given to zstd at once: 3 of them may stand for 128 KiB, so 1 KiB stays below 45 MB in any case."""

_LOGS = words(".txt .csv .tsv .tab .json .jsonl .ndjson .mbox .mbx .yml .yaml .xlsx .parquet .db .sqlite .sqlite3 .log")
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"


@dataclass(frozen=True)
class Place:
    """Where the bytes of one log are.

    Attributes:
        file: The file.
        packing: ``gzip``, ``zstd``, ``zip`` or nothing.
        member: Name inside a zip.
    """

    file: Path
    packing: str = ""
    member: str = ""

    @property
    def path(self) -> Path:
        """For messages: ``ARCHIVE/MEMBER``, on one line whatever the member is called."""
        member = "".join(mark if mark.isprintable() else "?" for mark in self.member).lstrip("/")
        return self.file / member if member else self.file

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Opens the unpacked bytes; reading them raises InputError when they are damaged or grow without measure."""
        with _guarded(self.path, self.packing):
            if not self.packing:
                with self.file.open("rb") as plain:
                    yield plain
                return
            with _unpacking(self) as inner:
                size = max(self.file.stat().st_size, 1)
                yield cast("IO[bytes]", io.BufferedReader(_Measured(inner, size, self.path), _BUFFER))

    @contextmanager
    def local(self) -> Iterator[Path]:
        """The log as a file of its own, for formats that need one; unpacked to a temporary file where it is packed.

        Raises:
            InputError: More than ``LARGEST_COPY`` bytes.
        """
        if not self.packing:
            yield self.file
            return
        with tempfile.NamedTemporaryFile(suffix=self.path.suffix) as copy, self.open() as stream:
            for chunk in iter(lambda: stream.read(1 << 20), b""):
                copy.write(chunk)
                if copy.tell() > LARGEST_COPY:
                    raise too_large(self.path, f"more than {LARGEST_COPY >> 30} GB unpacked")
            copy.flush()
            yield Path(copy.name)


def find_places(path: Path) -> list[Place]:
    """The logs in a file: one, or those inside a zip; an XLSX, which is a zip as well, is one.

    Raises:
        InputError: A damaged or encrypted zip, or one without a log.
    """
    with path.open("rb") as raw:
        start = raw.read(4)
    if start.startswith(_GZIP):
        return [Place(path, "gzip")]
    if start == _ZSTD:
        return [Place(path, "zstd")]
    return _members(path) if start == _ZIP else [Place(path)]


def _members(path: Path) -> list[Place]:
    import zipfile

    with _guarded(path, "zip"), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    if any(info.filename == "xl/workbook.xml" for info in infos):
        return [Place(path)]
    logs = [info for info in infos if _is_log(info.filename)]
    if not logs or len(logs) > MOST_MEMBERS:
        raise InputError(
            str(path),
            got=f"a zip archive with {len(logs) or 'no'} logs",
            expected=f"1 to {MOST_MEMBERS} files such as CSV, JSON lines, TXT, XLSX or mbox in it",
            next_step="Unpack it and name the log files.",
        )
    for info in logs:
        if info.flag_bits & 1 or info.compress_type not in (0, 8, 12, 14):
            got = "an encrypted zip" if info.flag_bits & 1 else f"packing method {info.compress_type} in a zip"
            raise InputError(str(path), got=got, expected="a plain zip", next_step="Unpack it and name the files.")
    return [Place(path, "zip", info.filename) for info in logs]


def _is_log(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return bool(parts) and not hidden and PurePosixPath(name).suffix.lower() in _LOGS


@contextmanager
def _unpacking(place: Place) -> Iterator[Any]:
    if place.packing == "gzip":
        with gzip.open(place.file, "rb") as stream:
            yield stream
    elif place.packing == "zstd":
        with place.file.open("rb") as raw:
            yield _Zstd(raw)
    else:
        import zipfile

        with zipfile.ZipFile(place.file) as archive, archive.open(place.member) as member:
            yield member


class _Zstd:
    """Unpacks zstd frames. The library's own reader takes the end of a cut file for the end of its content."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._rest, self._ready = raw, b"", io.BytesIO()
        self._frame: Any = None

    def read(self, size: int) -> bytes:
        while not (data := self._ready.read(size)) and self._advance():
            pass
        return data

    def _advance(self) -> bool:
        import zstandard

        packed = self._rest or self._raw.read(_ZSTD_STEP)
        self._rest = b""
        if not packed:
            if self._frame is not None:
                raise EOFError("it ends before its end marker was reached")
            return False
        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._ready = io.BytesIO(self._frame.decompress(packed))
        if self._frame.eof:
            self._rest, self._frame = self._frame.unused_data, None
        return True


class _Measured(io.RawIOBase):
    """Counts what is unpacked and refuses a bomb."""

    def __init__(self, inner: Any, packed: int, path: Path) -> None:
        self._inner, self._packed, self._path, self._count = inner, packed, path, 0

    def readable(self) -> bool:
        """See parent."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See parent."""
        data = self._inner.read(len(buffer))
        self._count += len(data)
        if self._count > max(FREE_BYTES, MOST_RATIO * self._packed):
            raise too_large(self._path, f"a packed file that unpacks to more than {MOST_RATIO} times its size")
        buffer[: len(data)] = data
        return len(data)


def unpacks_without_measure(archive: zipfile.ZipFile, file: Path) -> bool:
    """Whether what is in a zip is larger than any honest one's: see ``MOST_RATIO``."""
    total = sum(info.file_size for info in archive.infolist())
    return total > max(FREE_BYTES, MOST_RATIO * file.stat().st_size)


def too_large(path: Path, got: str) -> InputError:
    """What refuses a bomb."""
    return InputError(str(path), got=got, expected="a log", next_step="Unpack it yourself if it is what you meant.")


@contextmanager
def _guarded(path: Path, packing: str) -> Iterator[None]:
    import zipfile

    damaged: tuple[type[Exception], ...] = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)
    damaged += _zstd_errors(packing)
    try:
        yield
    except damaged as error:
        name = "zip or XLSX" if packing == "zip" else packing
        raise InputError(
            str(path), got=f"a damaged {name} file", expected="a whole one", next_step="Export or copy the log again."
        ) from error


def _zstd_errors(packing: str) -> tuple[type[Exception], ...]:
    if packing != "zstd":
        return ()
    import zstandard

    return (zstandard.ZstdError,)
