"""Artefacts: folders with a manifest that is written last, verified at load and refused on mismatch.

Every arrow between two packages is such a folder. A stage writes into a temporary folder beside its place, fsyncs,
writes the manifest, and renames: a reader sees a whole artefact or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from data.errors import InputError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
HASHED_AT_ONCE = 4
"""Files; they are read piece by piece."""


@dataclass(frozen=True)
class Manifest:
    """What an artefact is, what it was made from, and the hash of each of its files.

    Attributes:
        kind: ``dataset``, ``model``, ``index`` or ``rasa``.
        key: Hash of all inputs, 12 hex digits; also the folder's name.
        parents: Kind of artefact to its key.
        recipe: The settings it was made with.
        metrics: Figures measured while making it.
        files: Relative path to SHA-256.
        created: UTC, ISO 8601.
        seconds: Wall time of making it.
    """

    kind: str
    key: str
    parents: Mapping[str, str] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    seconds: float = 0.0
    schema: int = SCHEMA_VERSION


def hash_file(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _hashed(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Relative path to SHA-256; several files at once, as hashing leaves the other threads alone."""
    names = list(names)
    with ThreadPoolExecutor(HASHED_AT_ONCE) as pool:
        return dict(zip(names, pool.map(lambda name: hash_file(folder / name), names), strict=True))


def hash_json(value: object) -> str:
    """First 12 hex digits of the SHA-256 of canonical JSON: the key of a stage from its inputs."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def write_atomic(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Writes a text file so that a reader sees the old or the new one whole (temporary name, fsync, rename).

    Args:
        path: Its folder is made where it is missing.
        text: The whole content.
        mode: Permissions, less what the umask takes away; ``0o600`` for what only its owner may read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def sync_folder(folder: Path) -> None:
    """Makes a new file's name durable, not only its content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Draft:
    """An artefact being written: put files into ``folder``, figures into ``metrics``.

    Attributes:
        hashes: Relative path to SHA-256 of files that are links to those of a verified artefact; they are not read.
    """

    folder: Path
    metrics: dict[str, Any] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)


@contextmanager
def create(parent: Path, manifest: Manifest, *, resume: bool = False) -> Iterator[Draft]:
    """Writes the artefact ``parent/manifest.key``; an exception leaves nothing behind.

    Args:
        parent: Folder of all artefacts of the kind, such as ``var/models``.
        manifest: Without ``files``, ``created`` and ``seconds``, which are filled in here.
        resume: Begin with what an interrupted run with the same key left, and leave as much when interrupted.

    Yields:
        The draft to write into.
    """
    parent.mkdir(parents=True, exist_ok=True)
    started = datetime.now(timezone.utc)
    folder = parent / f".{manifest.key}.{os.getpid()}.tmp"
    shutil.rmtree(folder, ignore_errors=True)
    _take_over(parent, folder if resume else None, manifest.key)
    folder.mkdir(exist_ok=True)
    try:
        draft = Draft(folder, dict(manifest.metrics))
        yield draft
        names = [str(p.relative_to(folder)) for p in sorted(folder.rglob("*")) if p.is_file()]
        hashes = draft.hashes | _hashed(folder, [name for name in names if name not in draft.hashes])
        files = {name: hashes[name] for name in names}
        seconds = (datetime.now(timezone.utc) - started).total_seconds()
        row = asdict(manifest) | {
            "files": files,
            "metrics": draft.metrics,
            "created": started.isoformat(timespec="seconds"),
            "seconds": round(seconds, 2),
        }
        write_atomic(folder / MANIFEST, json.dumps(row, indent=2, ensure_ascii=False) + "\n")
        final = parent / manifest.key
        if final.exists():  # a broken one, or one that a second process has finished meanwhile
            shutil.rmtree(final)
        os.replace(folder, final)
    except BaseException as error:
        if not (resume and isinstance(error, KeyboardInterrupt)):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _take_over(parent: Path, folder: Path | None, key: str) -> None:
    """Removes the drafts of processes that are gone; one with this key becomes ``folder`` instead."""
    for draft in sorted(parent.glob(".*.tmp")):
        name, _, process = draft.name.removesuffix(".tmp").removeprefix(".").rpartition(".")
        if not draft.is_dir() or not process.isdigit() or _is_alive(int(process)):
            continue
        if folder is not None and name == key and not folder.exists():
            draft.rename(folder)
        else:
            shutil.rmtree(draft, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def load_manifest(folder: Path, *, kind: str, verify: bool = True) -> Manifest:
    """Reads and checks the manifest of an artefact.

    Args:
        folder: The artefact.
        kind: What it must be.
        verify: Hash every file and compare. Reading 100 MB takes about 0.1 s; workers do it at each load.

    Raises:
        InputError: No manifest, another kind or schema, or a file that differs from its hash.
    """
    path = folder / MANIFEST
    again = f"Run `careline learn` again, or remove {folder}."
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(**row)
    except FileNotFoundError as error:
        raise InputError(str(folder), got="no manifest", expected=f"a finished {kind}", next_step=again) from error
    except (ValueError, TypeError) as error:
        raise InputError(str(path), got=f"unreadable JSON ({error})", expected="a manifest", next_step=again) from error
    if manifest.kind != kind or manifest.schema != SCHEMA_VERSION:
        raise InputError(
            str(path),
            got=f"{manifest.kind} of schema {manifest.schema}",
            expected=f"{kind} of schema {SCHEMA_VERSION}",
            next_step=again,
        )
    if verify:
        _verify_files(folder, manifest, again)
    return manifest


def _verify_files(folder: Path, manifest: Manifest, again: str) -> None:
    found = _hashed(folder, (name for name in manifest.files if (folder / name).is_file()))
    for name, expected in manifest.files.items():
        path = folder / name
        actual = found.get(name, "no file")
        if actual != expected:
            raise InputError(str(path), got=f"SHA-256 {actual[:12]}", expected=expected[:12], next_step=again)


def is_complete(folder: Path, *, kind: str) -> bool:
    """True when the artefact exists, is of this kind and every file matches: its stage can be skipped."""
    try:
        load_manifest(folder, kind=kind)
    except InputError:
        return False
    return True


class _Member:
    """A file of a layout: reads as the path inside the artefact's folder."""

    def __init__(self, name: str, holds: str) -> None:
        self.name = name
        self.__doc__ = holds

    def __get__(self, layout: DatasetLayout | ModelLayout | IndexLayout, owner: type) -> Path:
        return layout.folder / self.name


@dataclass(frozen=True)
class DatasetLayout:
    """Files of a dataset (``var/datasets/KEY``)."""

    folder: Path

    conversations = _Member("conversations", "Shards of redacted `Conversation` rows.")
    examples = _Member("examples", "Shards of `Example` rows.")
    rows = _Member("columns/rows", "A table a shard: what splitting and topics need of each conversation.")
    utterances = _Member("columns/utterances", "A table a shard: the agents' messages.")
    words = _Member("columns/words", "A table a shard: what those messages say beneath their courtesies.")
    groups = _Member("groups.arrow", "Wordings to answers, for the growth of the log.")
    splits = _Member("splits.arrow", "The split of each complete conversation, for the growth of the log.")
    labels = _Member("labels.arrow", "The topic of each conversation and who says so, for the growth of the log.")
    survey = _Member("survey.arrow", "Ids and hashes of the conversations of each block, for the growth of the log.")
    facts = _Member("facts.json", "What the log told about the shop itself.")
    intents = _Member("intents.jsonl", "`IntentExample` rows.")
    answers = _Member("answers.jsonl", "`Answer` rows.")
    contradictions = _Member("contradictions.jsonl", "Answers to one question that contradict each other.")
    topics = _Member("topics.jsonl", "`Topic` rows.")
    report = _Member("report.json", "Counts: read, refused, redacted, duplicates.")


@dataclass(frozen=True)
class ModelLayout:
    """Files of a model (``var/models/KEY``)."""

    folder: Path

    encoder = _Member("encoder.onnx", "ONNX, int8 unless that loses too much: ids, mask -> (batch, dim).")
    encoder_config = _Member("encoder.json", "dim, max_length, prompt, base model and its hash.")
    tokenizer = _Member("tokenizer.json", "Hugging Face `tokenizers` file.")
    intent_head = _Member("intent_head.npz", "`retrieval.head.LinearHead`.")
    scope = _Member("scope.npz", "`retrieval.scope.IntentScope`.")
    answer_head = _Member("answer_head.npz", "`retrieval.head.LinearHead`.")
    bridge = _Member("bridge.npz", "`retrieval.bridge.Bridge`.")
    mood_head = _Member("mood_head.npz", "`retrieval.head.LinearHead` of `retrieval.mood.MoodHead`.")
    ranker = _Member("ranker.json", "`retrieval.rank.Ranker`.")
    thresholds = _Member("thresholds.json", "`retrieval.search.Thresholds`.")
    card = _Member("card.md", "For people: trained on what, figures, thresholds, what it is not for.")
    checkpoint = _Member("checkpoint", "sentence-transformers folder, safetensors: what learning on starts from.")


@dataclass(frozen=True)
class IndexLayout:
    """Files of an index (``var/indexes/KEY``)."""

    folder: Path

    answers = _Member("answers.jsonl", "`Answer` rows; `answers.starts.npy` says where each begins.")
    questions = _Member("questions.jsonl", "Logged contexts, `retrieval.index.Logged`; with `questions.starts.npy`.")
    dense = _Member("answers.faiss", "FAISS index of the answers' texts; above 50,000 with `answers.half.npy`.")
    dense_questions = _Member("questions.faiss", "FAISS index of the logged contexts, likewise.")
    lexical = _Member("lexical", "BM25 postings of answers and of questions, `retrieval.postings.Postings`.")
    columns = _Member("columns", "What filters and evidence read, as arrays, `retrieval.columns.Columns`.")
