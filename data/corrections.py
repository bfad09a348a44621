"""What agents corrected: kept as lines that are only ever appended, and merged by rules into one ruling a reply.

An agent's correction beats a label of the log; the newest beats the older; where two agents disagree the newest wins
and the conflict is listed for a person to decide. `data.learned` makes training rows of the rulings.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from data.artifacts import sync_folder, write_atomic
from data.errors import InputError
from data.schema import Correction, Record

WITHIN = 14 * 86400.0
"""Seconds within which two agents who decide differently disagree; later, what is right has changed."""

PRIVATE = "private"
"""The tag that keeps a correction from being learned."""

Key = tuple[str, int]
"""Conversation and sequence number of the reply."""

Decision = Literal["intent", "reply"]


@dataclass(frozen=True)
class Conflict:
    """Two agents who decided differently about one reply, not long after each other.

    Attributes:
        about: ``intent`` or ``reply``.
        kept: The newer correction, which counts until a person decides.
        against: The older one.
    """

    about: Decision
    kept: Correction
    against: Correction


@dataclass(frozen=True)
class Ruling:
    """What counts for one reply.

    Attributes:
        intent: The right intent or topic, or None where nobody changed it.
        answer: Id of the right answer, or None.
        text: A new or edited answer, or None.
        tags: Of all corrections that count here.
        time: Unix seconds of the newest that counts.
        lost: Corrections that a newer one replaced, newest first.
    """

    intent: str | None = None
    answer: str | None = None
    text: str | None = None
    tags: tuple[str, ...] = ()
    time: float = 0.0
    lost: tuple[Correction, ...] = ()


@dataclass(frozen=True)
class Merged:
    """All corrections, merged.

    Attributes:
        rulings: By conversation and sequence number.
        conflicts: Newest first.
        counts: ``read``, ``repeated`` (sent twice), ``late_clock`` (appended later with an earlier time), ``future``.
    """

    rulings: dict[Key, Ruling] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)


def append_correction(path: Path, correction: Correction) -> None:
    """Appends one line and returns when it is on disk; safe with several processes and after a torn write.

    Args:
        path: A file in ``var/corrections``; made when missing.
        correction: Its text is redacted by the caller, who knows the conversation.
    """
    append_row(path, correction)


def append_row(path: Path, row: Record) -> None:
    """Appends any record as one line; see ``append_correction``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    line = json.dumps(row.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n"
    with _locked(path) as stream:
        end = stream.seek(0, os.SEEK_END)
        torn = end > 0 and os.pread(stream.fileno(), 1, end - 1) != b"\n"
        stream.write((("\n" if torn else "") + line).encode())  # what was torn stays a line of its own
        stream.flush()
        os.fsync(stream.fileno())
    if fresh:
        sync_folder(path.parent)


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The file, held by this process alone, and still the one of that name: `remove_conversations` replaces files."""
    while True:
        with path.open("ab+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                yield stream
                return


def read_corrections(folder: Path) -> tuple[list[Correction], int]:
    """Reads all files of a folder.

    Returns:
        The corrections, oldest first, and how many lines were torn by a crash and are left out. Files are merged by
        time. Within a file the order of the lines of one reply stands, whatever their clocks say, and no time is later
        than the file's last change. No folder means no corrections.

    Raises:
        InputError: A whole line that is not a correction.
    """
    found: list[tuple[float, int, int, Correction]] = []
    torn = 0
    for place, path in enumerate(sorted(folder.glob("*.jsonl"))):
        changed, latest = path.stat().st_mtime, defaultdict[Key, float](lambda: -math.inf)
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            if not line.strip():
                continue
            if (row := _row(line)) is None:
                torn += 1
                continue
            correction = _correction(row, f"{path} line {number}")
            key = correction.conversation, correction.seq
            latest[key] = max(latest[key], min(correction.time, changed))
            found.append((latest[key], place, number, correction))
    return [correction for *_, correction in sorted(found, key=lambda item: item[:3])], torn


def _correction(row: object, place: str) -> Correction:
    try:
        if not isinstance(row, dict):
            raise TypeError("not an object")
        correction = Correction.from_json(row)
        _check_types(correction)
    except TypeError as error:
        raise InputError(
            place, got=str(error), expected="a correction as JSON", next_step="Mend or remove the line."
        ) from error
    return correction


def _check_types(correction: Correction) -> None:
    """Refuses what would break sorting or hashing later."""
    texts = (correction.conversation, correction.agent, *correction.tags)
    optional = (correction.intent, correction.answer, correction.text)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(t, (str, type(None))) for t in optional):
        raise TypeError("a field that is not a text")
    if type(correction.seq) is not int or not isinstance(correction.time, (int, float)):
        raise TypeError("seq or time is not a number")
    if not math.isfinite(correction.time):
        raise TypeError("a time that is not finite")


def remove_conversations(folder: Path, conversations: Iterable[str]) -> int:
    """Takes the corrections of forgotten conversations out of the files; returns how many.

    Torn lines go too: nobody can say whose they are.
    """
    forgotten = frozenset(conversations)
    removed = 0
    for path in sorted(folder.glob("*.jsonl")):
        with _locked(path) as stream:
            stream.seek(0)
            rows = [row for line in stream.read().split(b"\n") if isinstance(row := _row(line), dict)]
            kept = [row for row in rows if row.get("conversation") not in forgotten]
            if len(kept) < len(rows):
                removed += len(rows) - len(kept)
                write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))
    return removed


def _row(line: bytes) -> object:
    """What a line says, or None for a torn one."""
    try:
        found: object = json.loads(line)
    except ValueError:  # UnicodeDecodeError is one too
        return None
    return found


def merge(corrections: Sequence[Correction], *, now: float) -> Merged:
    """Merges corrections into one ruling a reply; pure.

    Order is by time. A correction that was appended after another of the same reply is newer even if its clock says
    otherwise, and one whose clock is ahead counts as made now, so that it does not win for ever.

    Args:
        corrections: In the order in which they were appended.
        now: Unix seconds.
    """
    counts: Counter[str] = Counter(read=len(corrections))
    of_key: dict[Key, dict[Correction, float]] = defaultdict(dict)
    for correction in corrections:
        made = of_key[correction.conversation, correction.seq]
        if correction in made:
            counts["repeated"] += 1
            continue
        counts["future"] += correction.time > now
        time, latest = min(correction.time, now), max(made.values(), default=correction.time)
        counts["late_clock"] += time < min(latest, now)
        made[correction] = max(time, min(latest, now))
    rulings: dict[Key, Ruling] = {}
    conflicts: list[tuple[float, Conflict]] = []
    for key, made in of_key.items():
        rulings[key], found = _rule(made)
        conflicts.extend(found)
    ordered = tuple(conflict for _, conflict in sorted(conflicts, key=lambda item: -item[0]))
    return Merged(rulings, ordered, +counts)


def _rule(made: Mapping[Correction, float]) -> tuple[Ruling, list[tuple[float, Conflict]]]:
    """The ruling of one reply, with its conflicts and their times."""
    newest = [c for c, _ in sorted(made.items(), key=lambda item: item[1])][::-1]  # of equal times the last appended
    intents = [c for c in newest if c.intent is not None]
    replies = [c for c in newest if c.answer is not None or c.text is not None]
    winners = [*intents[:1], *replies[:1]] or newest[:1]
    ruling = Ruling(
        intent=intents[0].intent if intents else None,
        answer=replies[0].answer if replies else None,
        text=replies[0].text if replies else None,
        tags=tuple(dict.fromkeys(tag for c in (newest[0], *winners) for tag in c.tags)),
        time=max(made[c] for c in winners),
        lost=tuple(c for c in newest if c not in winners),
    )
    return ruling, [*_conflicts("intent", intents, made), *_conflicts("reply", replies, made)]


def _conflicts(
    about: Decision, newest: Sequence[Correction], made: Mapping[Correction, float]
) -> Iterator[tuple[float, Conflict]]:
    """Yields the other agents whose last word differs from the winner's; who changes their own mind is no conflict."""
    heard = {newest[0].agent} if newest else set()
    for other in newest[1:]:
        if other.agent in heard:
            continue
        heard.add(other.agent)
        kept = newest[0]
        if _decided(about, other) != _decided(about, kept) and made[kept] - made[other] <= WITHIN:
            yield made[kept], Conflict(about, kept, other)


def _decided(about: Decision, correction: Correction) -> object:
    if about == "intent":
        return correction.intent
    return correction.answer if correction.text is None else " ".join(correction.text.split()).lower()
