"""Indexes of a workspace: built with what people changed, and made anew when the journal after them grows long."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from data.artifacts import (
    DatasetLayout,
    IndexLayout,
    Manifest,
    ModelLayout,
    create,
    hash_json,
    load_manifest,
)
from data.errors import InputError
from data.workspace import Live, Workspace
from retrieval.build import STATE, build_index, mark_in
from retrieval.encoder import EncoderConfig, OnnxEncoder, Vectors
from retrieval.index import Index
from retrieval.journal import Change, Follower, Journal
from retrieval.living import apply_changes, checked_mark
from retrieval.relearn import take_over_changes
from retrieval.vectors import CachedEncoder, VectorCache, encoder_key, prune_vectors

if TYPE_CHECKING:
    from rich.console import Console

KEPT = 3
"""Snapshots of one model and dataset that stay: whoever still opens an old one finds it."""


class AtWork(InputError):
    """Another process compacts this workspace already."""


def build_for(
    workspace: Workspace, dataset: DatasetLayout, model: ModelLayout, *, console: Console | None = None
) -> IndexLayout:
    """Builds the index of a dataset and a model as people want it; skipped where there is one.

    Changes that an index of the old way lists become records of the journal first, once.

    Args:
        workspace: Whose journal and vectors.
        dataset: Whose answers.
        model: Whose encoder.
        console: Where progress is shown; None for silence.

    Raises:
        InputError: See ``build_index``.
    """
    if (workspace.var / "live.json").is_file():
        take_over_changes(Journal(workspace.changes), workspace.live_index())
    index = build_index(
        dataset, model, workspace.folder("index"), console=console, journal=workspace.changes, vectors=workspace.vectors
    )
    prune_vectors(workspace.vectors, workspace.folder("model"))
    return index


def rebuild_live(workspace: Workspace, *, console: Console | None = None) -> IndexLayout:
    """Builds the index of what serves and switches to it; again where something else went live meanwhile.

    Args:
        workspace: Where something serves.
        console: Where progress is shown; None for silence.

    Raises:
        InputError: See ``build_index``.
    """
    while True:
        live = workspace.live()
        index = build_for(workspace, workspace.live_dataset(), workspace.live_model(), console=console)
        if workspace.go_live(replace(live, index=index.folder.name), instead_of=live):
            return index


def compact(workspace: Workspace, *, least: int = 1) -> IndexLayout | None:
    """Makes a new snapshot of the live index and the journal after it, and has it serve.

    The old one serves until the new one is whole and verified. Nothing is encoded but what no cache knows.

    Args:
        workspace: Whose live index.
        least: Do nothing where fewer records are behind the snapshot.

    Returns:
        The new index; None where there was nothing to do, or another index went live meanwhile.

    Raises:
        AtWork: Another compaction is at work.
        InputError: Something of the old index or the journal is damaged.
    """
    with _alone(workspace):
        live, old, model = workspace.live(), workspace.live_index(), workspace.live_model()
        manifest = load_manifest(old.folder, kind="index")
        changes = Follower(workspace.changes, checked_mark(old, model))
        new = changes.new()
        if len(new) < max(1, least):
            return None
        recipe = {**manifest.recipe, **mark_in(changes.mark), "compacted": old.folder.name}
        key = hash_json(["index", dict(manifest.parents), recipe])
        draft = Manifest("index", key, parents=manifest.parents, recipe=recipe, metrics=manifest.metrics)
        made = _written(workspace, old, model, draft, new)
        went_live = workspace.go_live(replace(live, index=key), instead_of=live)
        prune_indexes(workspace, made)
    return made if went_live else None


def _written(
    workspace: Workspace, old: IndexLayout, model: ModelLayout, manifest: Manifest, changes: Sequence[Change]
) -> IndexLayout:
    index, encoder = Index.load(old), _LateEncoder(model)
    cache = VectorCache(workspace.vectors, encoder_key(model), encoder.dim)
    if failed := apply_changes(index, changes, CachedEncoder(encoder, cache)):
        raise InputError(
            str(workspace.changes), got=f"{len(failed)} changes that cannot be applied, the first {failed[0].number}",
            expected="all of them in the new index", next_step="Run `careline index build`; the old index serves on.",
        )  # fmt: skip
    made = IndexLayout(old.folder.parent / manifest.key)
    with create(made.folder.parent, manifest) as draft:
        index.save(IndexLayout(draft.folder))
        draft.metrics.update(answers=len(index.row_of), sayable=int(index.sayable.sum()))
    load_manifest(made.folder, kind="index")  # what the disk really holds
    if len(Index.load(made).answers) != len(index.row_of):
        raise InputError(
            str(made.folder), got="another number of answers", expected=f"{len(index.row_of):,}",
            next_step="Run `careline index build`; the old index serves on.",
        )  # fmt: skip
    return made


def prune_indexes(workspace: Workspace, like: IndexLayout) -> list[str]:
    """Removes old snapshots of one model and dataset, but for the last ``KEPT`` and what serves; returns their keys.

    Args:
        workspace: Whose indexes.
        like: One of them; indexes of other models stay, for going back.
    """
    manifest, live = load_manifest(like.folder, kind="index", verify=False), workspace.live()
    found: list[tuple[int, str, Path]] = []
    for path in like.folder.parent.glob("*/manifest.json"):
        try:
            other = load_manifest(path.parent, kind="index", verify=False)
        except InputError:
            continue
        if dict(other.parents) == dict(manifest.parents) and _made_with(other) == _made_with(manifest):
            found.append((int(other.recipe.get("journal", 0)), other.created, path.parent))
    gone = [folder for *_, folder in sorted(found)[:-KEPT] if folder.name != live.index]
    for folder in gone:
        aside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")  # half a folder must not look like an index
        os.replace(folder, aside)
        shutil.rmtree(aside, ignore_errors=True)
    return [folder.name for folder in gone]


def is_compaction(workspace: Workspace, new: Live, old: Live) -> bool:
    """Whether an index says what another says with the journal after it, so that nobody need wait for it."""
    if new.model != old.model or new.index == old.index:
        return False
    try:
        manifest = load_manifest(workspace.folder("index") / new.index, kind="index", verify=False)
    except InputError:
        return False
    return manifest.recipe.get("compacted") == old.index


def _made_with(manifest: Manifest) -> dict[str, object]:
    return {name: value for name, value in manifest.recipe.items() if name not in STATE}


class _LateEncoder:
    """An encoder that is loaded when a text really needs it."""

    def __init__(self, model: ModelLayout) -> None:
        self._model = model
        self._loaded: OnnxEncoder | None = None
        self.dim = EncoderConfig.load(model.encoder_config).dim

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        """See parent."""
        self._loaded = self._loaded or OnnxEncoder.load(self._model, threads=1)
        return self._loaded.encode(texts, batch_size=batch_size)


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    folder = workspace.changes.parent
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "compact.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AtWork(
                str(workspace.root), got="another compaction at work", expected="one at a time",
                next_step="Wait for it to finish.",
            ) from error  # fmt: skip
        yield
