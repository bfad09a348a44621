"""The files of a source: what is looked at in a folder, and what is left alone and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from data.articles.document import Document, LeftOutError
from data.errors import InputError
from data.readers.encoding import detect_encoding

MEGABYTE = 1 << 20
LARGEST = {"text": 16 * MEGABYTE, "binary": 128 * MEGABYTE, "table": 2048 * MEGABYTE}
"""Bytes of a page, of a DOCX or PDF, and of a table, which is read row by row."""

MOST_FILES = 20_000

TEXTS = frozenset((".md", ".markdown", ".mdown", ".html", ".htm", ".xhtml"))
BINARIES = frozenset((".docx", ".pdf"))
TABLES = frozenset((".csv", ".tsv", ".tab", ".xlsx", ".jsonl", ".ndjson", ".json", ".parquet"))
FEEDS = frozenset((".xml", ".rss", ".atom"))
READ = TEXTS | BINARIES | TABLES | FEEDS


@dataclass(frozen=True)
class File:
    """A file of a source.

    Attributes:
        path: Where it is.
        place: Its path within the source, with ``/``; the name alone for a source of one file.
    """

    path: Path
    place: str

    @property
    def ending(self) -> str:
        """Of its name, in lower case: what it is read as."""
        return self.path.suffix.lower()

    @property
    def kind(self) -> str:
        """``text``, ``binary`` or ``table``, for ``LARGEST``."""
        return "text" if self.ending in TEXTS else "binary" if self.ending in BINARIES else "table"


def files_of(source: Path, report: Callable[[str, str], None]) -> list[File]:
    """The files of a source in the order of their names.

    Hidden files and folders are passed over; so is what links lead to outside the folder, which is reported.

    Args:
        source: A file or a folder.
        report: Called with place and reason for each file that is left out.

    Raises:
        InputError: No such path, a file of an unknown kind, or a folder without any of a known one.
    """
    expected = f"a folder or a file of {', '.join(sorted(READ))}"
    if source.is_file():
        if source.suffix.lower() not in READ:
            raise InputError(
                str(source), got=f"a file {source.suffix or 'without ending'}", expected=expected,
                next_step="Save it as one of these.",
            )  # fmt: skip
        return [File(source, source.name)]
    if not source.is_dir():
        got = "something that is neither file nor folder" if source.exists() else "no such file or folder"
        raise InputError(str(source), got=got, expected=expected, next_step="Check the path.")
    found = list(_walk(source, report))
    if len(found) > MOST_FILES:
        raise InputError(
            str(source), got=f"{len(found):,} files", expected=f"at most {MOST_FILES:,}",
            next_step="Import its folders one by one, each under its own --name.",
        )  # fmt: skip
    if not found:
        raise InputError(str(source), got="a folder without articles", expected=expected, next_step="Check the path.")
    return found


def _walk(source: Path, report: Callable[[str, str], None]) -> Iterator[File]:
    root = source.resolve()
    for folder, folders, names in os.walk(source):  # links to folders are not followed
        here = Path(folder)
        for name in folders:
            if (here / name).is_symlink():
                report((here / name).relative_to(source).as_posix(), "a link to a folder, which is not followed")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = here / name
            place = path.relative_to(source).as_posix()
            if name.startswith((".", "~$")):
                continue
            if path.suffix.lower() not in READ:
                report(place, f"a file {path.suffix.lower()[:12] or 'without ending'}, which is not read")
            elif not path.resolve().is_relative_to(root):
                report(place, "a link that leaves the folder")
            elif not path.is_file():
                report(place, "no regular file")
            else:
                yield File(path, place)


def check_size(file: File) -> None:
    """Refuses an empty file and a huge one.

    Raises:
        LeftOutError: It is one of them, or cannot be opened.
    """
    try:
        size = file.path.stat().st_size
        with file.path.open("rb"):
            pass
    except OSError as error:
        raise LeftOutError(f"a file that cannot be opened ({error.strerror})") from error
    if not size:
        raise LeftOutError("an empty file")
    if size > (most := LARGEST[file.kind]):
        raise LeftOutError(f"a file of {size / MEGABYTE:,.0f} MB; at most {most // MEGABYTE:,} MB are read")


def read_document(file: File) -> Document:
    """Parses an article.

    Raises:
        LeftOutError: It cannot be read, or nothing in it can be seen.
    """
    if file.ending == ".pdf":
        from data.articles.pdf import read_pdf

        document = read_pdf(file.path)
    elif file.ending == ".docx":
        from data.articles.word import read_word

        document = read_word(file.path)
    elif file.ending in (".html", ".htm", ".xhtml"):
        from data.articles.pages import read_page

        document = read_page(text_of_page(file))
    else:
        from data.articles.markdown import read_markdown

        document = read_markdown(text_of_file(file))
    if not any(character.isalnum() for block in document.blocks for character in block.text):
        hidden = f"; {document.hidden:,} characters are hidden and were not read" if document.hidden else ""
        raise LeftOutError(f"no text that a person sees{hidden}")
    return document


def text_of_file(file: File) -> str:
    """A text file as text, in whatever encoding it is.

    Raises:
        LeftOutError: Binary, or in an encoding that cannot be told.
    """
    return _decoded(file, file.path.read_bytes())


def text_of_page(file: File) -> str:
    """The same of HTML, which may name its encoding; UTF-8 is tried first, since pages often name a wrong one."""
    from bs4.dammit import EncodingDetector

    raw = file.path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        named = EncodingDetector.find_declared_encoding(raw[:4096], is_html=True)
    if named and named.lower().replace("_", "-") not in ("utf-8", "utf8"):
        try:
            return raw.decode("gb18030" if named.lower() in ("gb2312", "gbk") else named)
        except (LookupError, UnicodeDecodeError):
            pass  # what it names is wrong, so the bytes must tell
    return _decoded(file, raw)


def _decoded(file: File, raw: bytes) -> str:
    try:
        encoding = detect_encoding(file.path, raw, whole=True)
    except InputError as error:
        raise LeftOutError(f"{error.got}; expected {error.expected}") from error
    text = raw.decode(encoding, errors="replace")
    if text.count("\ufffd") * 100 > len(text):
        raise LeftOutError(f"bytes that are not {encoding}; save it as UTF-8")
    return text
