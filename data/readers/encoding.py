"""In which encoding a log is written."""

from __future__ import annotations

import re
from pathlib import Path

from data.errors import InputError

WESTERN_CHAOS = 0.05
"""Accents alone do not tell French from Baltic code pages; where Western European reads about as well, it is that."""

RARE_NUL = 0.001
"""Up to this share of NUL bytes is dirt in a text (a crashed writer leaves some); above it the file is binary."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ESCAPED = re.compile("[\udc80-\udcff]")
_REPLACED = re.compile("\ufffd")


def detect_encoding(path: Path, sample: bytes, *, whole: bool) -> str:
    """Tells the encoding of a text by its first bytes.

    Args:
        path: For messages.
        sample: The first bytes.
        whole: Whether they are all: where a sample ends, a character may be cut.

    Raises:
        InputError: Binary, or in an encoding that cannot be told.
    """
    for bom, name in _BOMS:
        if sample.startswith(bom):
            return name
    if b"\x00" in sample:
        if wide := _wide(sample):
            return wide
        if sample.count(0) > RARE_NUL * len(sample) + 2:
            expected = "text (JSON lines, CSV, TSV, a chat or mail export), XLSX, Parquet or SQLite"
            raise _refuse(path, "a binary file", expected, "Export it as CSV, XLSX or JSON lines.")
    if _decodes(sample, "utf-8", whole=whole):
        return "utf-8"
    if _looks_chinese(sample):
        return "gb18030"
    return _guess(path, sample)


def error_handler(encoding: str) -> str:
    """How wrong bytes are marked. Only UTF-8 can give each a mark of its own; wider codes would raise there."""
    return "surrogateescape" if encoding.startswith("utf-8") else "replace"


def undecoded(encoding: str) -> re.Pattern[str]:
    """Finds what ``error_handler`` leaves of wrong bytes."""
    return _ESCAPED if encoding.startswith("utf-8") else _REPLACED


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte of line ends, blanks and digits is zero."""
    pairs = min(len(sample), 1 << 14) // 2
    for name, zeros, others in (("utf-16-le", sample[1::2], sample[0::2]), ("utf-16-be", sample[0::2], sample[1::2])):
        if zeros[:pairs].count(0) > 0.2 * pairs and others[:pairs].count(0) == 0:
            return name
    return None


def _decodes(sample: bytes, encoding: str, *, whole: bool) -> bool:
    """True when no more than one byte in 2,000 is wrong; a single broken line is a broken line, not an encoding."""
    wrong = len(_ESCAPED.findall(sample.decode(encoding, errors="surrogateescape")))
    return wrong * 2000 <= len(sample) or (wrong <= 4 and not whole)


def _looks_chinese(sample: bytes) -> bool:
    """True when the sample is whole in GB 18030 and most of what is not ASCII is common Chinese."""
    text = sample.decode("gb18030", errors="replace")
    foreign = [c for c in text if c > "\x7f"]
    if not foreign or "\ufffd" in foreign[:-3]:
        return False
    common = sum("\u4e00" <= c <= "\u9fa5" or c in "，。？！：；、“”‘’（）《》…—" for c in foreign)
    return common >= 0.9 * len(foreign)


def _guess(path: Path, sample: bytes) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(sample[: 1 << 16])
    best = matches.best()
    if best is None:
        raise _refuse(path, "an unknown encoding", "UTF-8 text", "Save it as UTF-8.")
    western = (m for m in matches if "cp1252" in m.could_be_from_charset and m.chaos <= best.chaos + WESTERN_CHAOS)
    return "cp1252" if next(western, None) else str(best.encoding)


def _refuse(path: Path, got: str, expected: str, next_step: str) -> InputError:
    return InputError(str(path), got=got, expected=expected, next_step=next_step)
