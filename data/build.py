"""Log to dataset: survey, redact, group the answers, split, pair, find the topics, write the artefact.

The work is cut into blocks of the log (`data.blocks`). Each stage is a function of one block or shard that any process
can run (`data.engine`); between them stand a few steps over columns of numbers. A shard's name holds the hash of all
that it was made from: what an interrupted run, or the dataset of a log that has grown since, made already is linked.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.approvals import read_approvals
from data.articles.sources import answers_in, sources_in
from data.artifacts import DatasetLayout, Manifest, create, hash_file, hash_json, is_complete, load_manifest
from data.engine import choose_engine
from data.errors import InputError
from data.intake import check_paths
from data.people import KEY_FILE, workspace_key
from data.progress import Progress
from data.proposals import accepted_labels
from data.rasa_export import nlu_files, static_examples
from data.readers.database import database_source
from data.records import write_rows
from data.schema import Answer, IntentExample
from data.weak import rules_of
from data.workspace import PROJECT, Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from data.stages import Options

CODE_VERSION = 10
"""Raised with every change that makes another dataset from the same log."""

ARTICLES = "articles"
"""The one topic of a shop without logs."""

MOST_ASKED = 2000
"""Questions of it that are learned from."""

STATIC = PROJECT / "data" / "rasa"

SMALL = 8 << 20
"""Bytes of logs below which starting processes takes longer than they save."""


def build_dataset(
    paths: Sequence[Path],
    workspace: Workspace,
    *,
    format: str | None = None,
    mapping: str | None = None,
    strict: bool = False,
    engine: str | None = None,
    fresh: bool = False,
    console: Console | None = None,
    static: Path = STATIC,
) -> DatasetLayout:
    """Makes the dataset of some logs, or finds it when the same was made before.

    Args:
        paths: The logs; read in this order as one log. None in a workspace with imported sources: see ``build_bare``.
        workspace: Where the dataset goes, and what is kept when redacting.
        format: Reader for all of them; None recognises each by content.
        mapping: ``field=column`` pairs for tables.
        strict: Whether the first broken line is fatal.
        engine: See `data.engine.choose_engine`.
        fresh: Decide everything anew, and use nothing of earlier datasets.
        console: Where progress and remarks go (stderr); None is quiet.
        static: Folder with Rasa's NLU files, whose intents topics must not take.

    Returns:
        The layout of a complete dataset in ``var/datasets``.

    Raises:
        InputError: A log that cannot be used; nothing is written.
    """
    from data.stages import build

    if not paths and sources_in(workspace.sources):
        return build_bare(workspace, static=static)
    check_paths(paths)
    settings = _settings(workspace, format, mapping, static)
    options = _options(paths, workspace, format=format, mapping=mapping, strict=strict, fresh=fresh, static=static)
    recipe = settings | _inputs(options)
    parent = workspace.folder("dataset")
    layout = DatasetLayout(parent / hash_json(recipe))
    if not fresh and is_complete(layout.folder, kind="dataset") and not (strict and _refused(layout)):
        return layout
    small = sum(path.stat().st_size for path in paths if path.is_file()) < SMALL
    with (
        Progress(console).shown() as progress,
        choose_engine(engine, small=small) as workers,
        _as_before(parent, workspace.var / KEY_FILE),
    ):
        prepared = options.open(progress)  # before anything is written: what cannot be read at all is refused here
        key = workspace_key(workspace.var)
        manifest = Manifest("dataset", layout.folder.name, recipe=recipe)
        with create(parent, manifest, resume=not fresh) as draft:
            made = build(DatasetLayout(draft.folder), prepared, key=key, engine=workers, settings=settings)
            report, draft.hashes = made
            draft.metrics.update({name: value for name, value in report.items() if isinstance(value, int)})
    return layout


def is_bare(dataset: DatasetLayout) -> bool:
    """Whether a dataset was made without logs, by ``build_bare``.

    Raises:
        InputError: It has no manifest.
    """
    return "bare" in load_manifest(dataset.folder, kind="dataset", verify=False).recipe


def build_bare(workspace: Workspace, *, static: Path = STATIC) -> DatasetLayout:
    """Makes the dataset of a shop without logs: the static intents, and what the imported sources answer as one topic.

    The topic keeps a question that an article answers from being taken for a static intent. The answers themselves
    join at the index.

    Args:
        workspace: Where it goes.
        static: Folder with Rasa's NLU files.
    """
    sources = sources_in(workspace.sources)
    recipe = {
        "bare": {source.name: source.hash for source in sources},
        "static": {path.name: hash_file(path) for path in nlu_files(static)},
        "code": CODE_VERSION,
    }
    parent = workspace.folder("dataset")
    layout = DatasetLayout(parent / hash_json(recipe))
    if is_complete(layout.folder, kind="dataset"):
        return layout
    with create(parent, Manifest("dataset", layout.folder.name, recipe=recipe)) as draft:
        made = DatasetLayout(draft.folder)
        for folder in (made.conversations, made.examples):
            folder.mkdir()
            (folder / "empty.jsonl").touch()
        for path in (made.answers, made.contradictions, made.topics):
            path.touch()
        answers = [answer for source in sources for answer in answers_in(workspace.sources, source)]
        intents = write_rows(made.intents, [*static_examples(static), *_asked_of(answers)])
        report = {"conversations": 0, "messages": 0, "examples": 0, "answers": 0, "topics": 0, "refused_lines": 0}
        made.report.write_text(json.dumps(report) + "\n", encoding="utf-8")
        draft.metrics.update(report, intent_examples=intents)
    return layout


def _asked_of(answers: Sequence[Answer]) -> list[IntentExample]:
    """The questions of articles and products, evenly drawn, as examples of one topic."""
    every = [(question, answer.language) for answer in answers for question in answer.questions]
    step = max(1, -(-len(every) // MOST_ASKED))
    return [
        IntentExample(question, ARTICLES, "topic", "train", language, source="article")
        for question, language in every[::step]
    ]


def _options(
    paths: Sequence[Path],
    workspace: Workspace,
    *,
    format: str | None,
    mapping: str | None,
    strict: bool,
    fresh: bool,
    static: Path,
) -> Options:
    from data.stages import Options

    learn = workspace.settings.learn
    return Options(
        paths=tuple(paths),
        format=format,
        mapping=mapping,
        strict=strict,
        learn=learn,
        static=static,
        fresh=fresh,
        corrections=workspace.corrections,
        accepted=accepted_labels(workspace.proposals),
        rules=tuple(rules_of(workspace)),
        approvals=read_approvals(workspace.approvals),
    )


def _inputs(options: Options) -> dict[str, Any]:
    """What a dataset is made from, by content."""
    return {
        "logs": [_fingerprint(path) for path in options.paths],
        "corrections": {path.name: hash_file(path) for path in sorted(options.corrections.glob("*.jsonl"))},
        "accepted": hash_json(options.accepted),
        "approvals": hash_json([options.approvals[key].to_json() for key in sorted(options.approvals)]),
    }


@contextmanager
def _as_before(parent: Path, key: Path) -> Iterator[None]:
    """When a log is refused, a workspace that was new is new again: without a key and without an empty folder."""
    had_key = key.exists()
    try:
        yield
    except InputError:
        if not had_key:
            key.unlink(missing_ok=True)
        for folder in (parent, parent.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _settings(workspace: Workspace, format: str | None, mapping: str | None, static: Path) -> dict[str, Any]:
    """What shapes a dataset besides its logs."""
    learn, rules = workspace.settings.learn, workspace.rules
    return {
        "format": format,
        "mapping": mapping,
        "keep": list(learn.keep),
        "redact": list(learn.redact),
        "surrogates": learn.surrogates,
        "ask": learn.ask,
        "rules": hash_file(rules) if rules and rules.is_file() else "",
        "static": {path.name: hash_file(path) for path in nlu_files(static)},
        "code": CODE_VERSION,
    }


def _fingerprint(path: Path) -> dict[str, str]:
    """Name and content of a log. A database has no content to compare, so it is read anew at each build."""
    if path.is_file():
        return {"name": path.name, "hash": hash_file(path)}
    source = database_source(path)
    return {"name": str(source.path if source else path), "hash": secrets.token_hex(8) if source else ""}


def _refused(layout: DatasetLayout) -> int:
    return int(json.loads(layout.report.read_text(encoding="utf-8"))["refused_lines"])
