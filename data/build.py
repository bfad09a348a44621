"""Log to dataset: read, clean, redact, group the answers, split, find the topics, write the artefact."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.artifacts import DatasetLayout, Manifest, create, hash_file, hash_json, is_complete
from data.dedupe import group_answers
from data.errors import InputError
from data.intake import Intake, read_logs
from data.label import find_topics
from data.pairs import agent_utterances, make_answers, make_examples
from data.progress import Progress
from data.rasa_export import nlu_files, static_examples
from data.records import write_rows
from data.redact import Redactor
from data.report import describe
from data.schema import Conversation
from data.split import split_conversations
from data.workspace import PROJECT, Workspace

if TYPE_CHECKING:
    from rich.console import Console

CODE_VERSION = 4
"""Raised with every change that makes another dataset from the same log."""

STATIC = PROJECT / "data" / "rasa"


def build_dataset(
    paths: Sequence[Path],
    workspace: Workspace,
    *,
    format: str | None = None,
    mapping: str | None = None,
    strict: bool = False,
    console: Console | None = None,
    static: Path = STATIC,
) -> DatasetLayout:
    """Makes the dataset of some logs, or finds it when the same was made before.

    Args:
        paths: The logs; read in this order as one log.
        workspace: Where the dataset goes, and what is kept when redacting.
        format: Reader for all of them; None recognises each by content.
        mapping: ``field=column`` pairs for tables.
        strict: Whether the first broken line is fatal.
        console: Where progress and remarks go (stderr); None is quiet.
        static: Folder with Rasa's NLU files, whose intents topics must not take.

    Returns:
        The layout of a complete dataset in ``var/datasets``.

    Raises:
        InputError: A log that cannot be used; nothing is written.
    """
    recipe = _recipe(paths, workspace, format, mapping, static)
    layout = DatasetLayout(workspace.folder("dataset") / hash_json(recipe))
    if is_complete(layout.folder, kind="dataset") and not (strict and _refused(layout)):
        return layout
    with Progress(console).shown() as progress:
        intake = read_logs(paths, format=format, mapping=mapping, strict=strict, progress=progress)
        manifest = Manifest("dataset", layout.folder.name, recipe=recipe)
        with create(workspace.folder("dataset"), manifest) as draft:
            report = _write(DatasetLayout(draft.folder), intake, workspace, static, progress)
            draft.metrics.update({name: value for name, value in report.items() if isinstance(value, int)})
    return layout


def _recipe(
    paths: Sequence[Path], workspace: Workspace, format: str | None, mapping: str | None, static: Path
) -> dict[str, Any]:
    if not paths:
        raise InputError("careline", got="no log", expected="at least one file", next_step="Name a log.")
    return {
        "logs": [hash_file(path) if path.is_file() else str(path) for path in paths],
        "names": [path.name for path in paths],
        "format": format,
        "mapping": mapping,
        "keep": list(workspace.settings.learn.keep),
        "static": {path.name: hash_file(path) for path in nlu_files(static)},
        "code": CODE_VERSION,
    }


def _refused(layout: DatasetLayout) -> int:
    return int(json.loads(layout.report.read_text(encoding="utf-8"))["refused_lines"])


def _write(
    layout: DatasetLayout, intake: Intake, workspace: Workspace, static: Path, progress: Progress
) -> dict[str, Any]:
    """Runs the stages on what was read and writes each file of the dataset."""
    conversations, redactor = _redact(intake.conversations, workspace, progress)
    write_rows(layout.conversations, conversations)
    splits, split_by = split_conversations(conversations)
    groups = group_answers(agent_utterances(progress.over("answers", conversations)))
    write_rows(layout.examples, make_examples(progress.over("examples", conversations), groups, splits))
    with progress.step("topics"):
        found = find_topics(conversations, splits, static_examples(static))
    write_rows(layout.intents, [*found.static, *found.examples])
    write_rows(layout.topics, found.topics)
    write_rows(layout.answers, make_answers(conversations, groups, found.of, splits))
    report = describe(
        layout, intake, redacted=redactor.counts, splits=splits, split_by=split_by, found=found, groups=groups
    )
    layout.report.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def _redact(
    conversations: Sequence[Conversation], workspace: Workspace, progress: Progress
) -> tuple[list[Conversation], Redactor]:
    redactor = Redactor.of(conversations, keep=workspace.settings.learn.keep)
    return [redactor.redact(c) for c in progress.over("redact", conversations)], redactor
