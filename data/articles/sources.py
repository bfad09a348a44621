"""Imported sources on disk: ``var/sources/NAME`` with the answers and, written last, what they are and their hash.

The file of answers is named by its content and stays until the import after the next, so that a reader finds the old
source or the new one whole at any moment.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from data.articles.intake import Imported
from data.articles.options import NAME, Options
from data.artifacts import hash_file, write_atomic
from data.errors import InputError
from data.records import read_rows
from data.schema import Answer

FOLDER = "sources"
ABOUT = "source.json"
_SHOWN = 100
"""Of what was left out, so much is kept."""


@dataclass(frozen=True)
class Source:
    """What ``source.json`` says.

    Attributes:
        name: Of the source.
        origin: The path that was imported.
        imported: UTC, ISO 8601.
        hash: SHA-256 of the answers' file.
        file: Its name.
        answers: How many.
        files: How many files were read.
        kinds: How many of each kind.
        options: What differs from the defaults.
        left_out: (place, reason), the first hundred.
    """

    name: str
    origin: str
    imported: str
    hash: str
    file: str
    answers: int
    files: int
    kinds: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    left_out: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Difference:
    """What another import changes, as ids."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    same: int

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.added or self.changed or self.gone)


def compare(old: Sequence[Answer], new: Sequence[Answer]) -> Difference:
    """Answers that are new, have changed under their id, or are gone."""
    before = {answer.id: answer.digest for answer in old}
    after = {answer.id: answer.digest for answer in new}
    return Difference(
        tuple(key for key in after if key not in before),
        tuple(key for key, digest in after.items() if key in before and before[key] != digest),
        tuple(key for key in before if key not in after),
        sum(before.get(key) == digest for key, digest in after.items()),
    )


def write_source(parent: Path, imported: Imported, options: Options, origin: Path) -> Source:
    """Writes a source, or replaces the one of this name.

    Args:
        parent: Folder of all sources.
        imported: What was read.
        options: How.
        origin: From where.
    """
    folder = parent / options.name
    rows = (json.dumps(answer.to_json(), ensure_ascii=False, separators=(",", ":")) for answer in imported.answers)
    text = "".join(f"{row}\n" for row in rows)
    digest = hashlib.sha256(text.encode()).hexdigest()
    name = f"answers-{digest[:12]}.jsonl"
    before = _named_in(folder)
    write_atomic(folder / name, text)
    source = Source(
        name=options.name,
        origin=str(origin.resolve()),
        imported=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        hash=digest,
        file=name,
        answers=len(imported.answers),
        files=imported.files,
        kinds=dict(imported.kinds),
        options=options.to_json(),
        left_out=imported.left_out[:_SHOWN],
    )
    write_atomic(folder / ABOUT, json.dumps(asdict(source), indent=2, ensure_ascii=False) + "\n")
    for old in folder.glob("answers-*.jsonl"):
        if old.name not in (name, before):  # who has read the old source.json still finds what it names
            old.unlink(missing_ok=True)
    return source


def _named_in(folder: Path) -> str:
    """The file of answers that a source has now; empty where there is none, or it is damaged."""
    try:
        return read_about(folder).file
    except InputError:
        return ""


def earlier_answers(parent: Path, name: str) -> list[Answer] | None:
    """The answers that a source has now; None where there is none, or it is damaged and an import shall mend it."""
    try:
        return answers_in(parent, read_about(parent / name))
    except InputError:
        return None


def sources_in(parent: Path) -> list[Source]:
    """All sources, by name.

    Raises:
        InputError: One is damaged.
    """
    if not parent.is_dir():
        return []
    return [read_about(folder) for folder in sorted(parent.iterdir()) if (folder / ABOUT).is_file()]


def read_about(folder: Path) -> Source:
    """What ``source.json`` of a source says.

    Raises:
        InputError: There is none, or it is damaged.
    """
    path = folder / ABOUT
    try:
        source = Source(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise InputError(
            f"source {folder.name}", got="no such source", expected="a name of `careline index sources`",
            next_step="Check the name.",
        ) from error  # fmt: skip
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(folder, f"unreadable {ABOUT} ({type(error).__name__})") from error
    if not re.fullmatch(r"answers-[0-9a-f]{12}\.jsonl", source.file) or source.name != folder.name:
        raise _damaged(folder, f"a {ABOUT} of something else")
    return source


def answers_in(parent: Path, source: Source) -> list[Answer]:
    """The answers of a source, verified by its hash.

    Raises:
        InputError: The file is missing or has another content.
    """
    path = parent / source.name / source.file
    if not path.is_file() or hash_file(path) != source.hash:
        raise _damaged(parent / source.name, "answers that are not those that were imported")
    return list(read_rows(path, Answer))


def drop_source(parent: Path, name: str) -> Source:
    """Removes a source and returns what it was.

    Raises:
        InputError: There is no such source.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            "the name", got=repr(name[:60]), expected="a source's name", next_step="See `careline index sources`."
        )
    source = read_about(parent / name)
    (parent / name / ABOUT).unlink()  # from now on it is none, whatever happens
    shutil.rmtree(parent / name)
    return source


def _damaged(folder: Path, got: str) -> InputError:
    return InputError(
        f"source {folder.name}", got=got, expected="what an import wrote",
        next_step=f"Import it again with --name {folder.name}, or remove {folder}.",
    )  # fmt: skip
