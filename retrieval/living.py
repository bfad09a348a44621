"""An index that takes in what people change while it serves: a snapshot, and the journal after it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.artifacts import IndexLayout, ModelLayout, load_manifest
from data.errors import InputError
from data.workspace import Workspace
from retrieval.answers import applied, has_part
from retrieval.encoder import Encoder, Vectors
from retrieval.index import Index, Logged, searched_text
from retrieval.journal import Change, Follower, Mark, Rewound, mark_of
from retrieval.search import Searcher
from retrieval.vectors import CachedEncoder, VectorCache, encoder_key

logger = logging.getLogger(__name__)

LONG, LONG_SHARE = 1_000, 0.01
"""A journal with more records than these, or than this share of the answers, behind the snapshot is compacted."""

_FEW = 8
_NEAR = 256


class LivingIndex:
    """A searcher whose index takes in what people change, between two searches.

    Args:
        searcher: Of a snapshot.
        changes: The journal, from the snapshot's mark on.
        encoder: Of new texts; the searcher's by default.

    Attributes:
        late: How many records were applied behind the snapshot.
        stale: Whether the journal is another one than was read, so that the snapshot must be opened anew.
    """

    def __init__(self, searcher: Searcher, changes: Follower, *, encoder: Encoder | None = None) -> None:
        self.searcher, self._changes = searcher, changes
        self._encoder = encoder or searcher.encoder
        self.late, self.stale = 0, False
        self._complaint = ""

    @classmethod
    def open(
        cls,
        index: IndexLayout,
        model: ModelLayout,
        *,
        journal: Path,
        vectors: Path | None = None,
        threads: int = 0,
        store: str = "",
    ) -> LivingIndex:
        """Opens and verifies a snapshot and its model, and applies the journal after it.

        Args:
            index: The snapshot.
            model: The one it was made with.
            journal: Of the workspace; it need not be there yet.
            vectors: Folder of the vectors made before.
            threads: See ``Searcher.open``.
            store: See ``Searcher.open``.

        Raises:
            InputError: A file is missing or damaged, the index is of another encoder, or of another journal.
        """
        searcher = Searcher.open(index, model, threads=threads, store=store)
        encoder = searcher.encoder
        if vectors is not None:
            encoder = CachedEncoder(encoder, VectorCache(vectors, encoder_key(model), encoder.dim))
        made = cls(searcher, Follower(journal, checked_mark(index, model)), encoder=encoder)
        made._apply(made._changes.new())
        return made

    @property
    def is_long(self) -> bool:
        """Whether compaction pays."""
        return self.late > max(LONG, LONG_SHARE * len(self.searcher.index.answers))

    def refresh(self) -> int:
        """Applies what was changed since the last call; one ``stat`` where that is nothing.

        What cannot be read or applied is reported once, and the index serves on as it is.

        Returns:
            How many records there were.
        """
        try:
            changes = self._changes.new()
            self._complaint = ""
        except Rewound:
            self.stale = True
            return 0
        except (InputError, OSError) as error:
            if str(error) != self._complaint:
                logger.error("Changes of answers are not seen: %s", error)
            self._complaint = str(error)
            return 0
        self._apply(changes)
        return len(changes)

    def _apply(self, changes: Sequence[Change]) -> None:
        apply_changes(self.searcher.index, changes, self._encoder)
        self.late += len(changes)


def open_live(workspace: Workspace) -> Searcher:
    """What serves in a workspace now, with all that people changed: for commands that search.

    Raises:
        InputError: Nothing was learned, or see ``LivingIndex.open``.
    """
    index, model = workspace.live_index(), workspace.live_model()
    return LivingIndex.open(
        index, model, journal=workspace.changes, vectors=workspace.vectors, store=workspace.settings.index.store
    ).searcher


def apply_changes(index: Index, changes: Sequence[Change], encoder: Encoder) -> list[Change]:
    """Applies records to an index in memory; returns those that could not be applied, each reported.

    Args:
        index: Of the model whose encoder this is.
        changes: In order.
        encoder: Reads new texts, few of them one by one as serving reads messages, many at once.
    """
    known = _encoded(changes, encoder) if len(changes) > _FEW else {}
    failed = []
    for change in changes:
        try:
            _apply(index, change, encoder, known)
        except Exception as error:  # noqa: BLE001 - whatever one record does, the others and the bot go on
            logger.error("Change %d of answer %s was not applied: %s", change.number, change.answer.id, error)
            failed.append(change)
    return failed


def _encoded(changes: Sequence[Change], encoder: Encoder) -> dict[str, Vectors]:
    """Vectors of all texts at once; none where one of them spoils it, so that each record is tried by itself."""
    texts = dict.fromkeys(
        text for c in changes for text in (searched_text(c.answer), *c.questions, *c.asked_before) if text
    )
    try:
        return dict(zip(texts, encoder.encode(list(texts)), strict=True))
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises exceptions of its own
        logger.warning("Changes are encoded one by one, as they cannot be together: %s", error)
        return {}


def _apply(index: Index, change: Change, encoder: Encoder, known: dict[str, Vectors]) -> None:
    def vectors(texts: Sequence[str]) -> Vectors:
        rows = [known[text] if text in known else encoder.encode([text])[0] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(rows), encoder.dim)

    answer_id = change.answer.id
    row = index.row_of.get(answer_id)
    current = None if row is None else index.answers[row]
    if not has_part(change, current):
        return
    answer = applied(change, current)
    asked = change.questions if current is None else change.added
    new = [Logged(text, answer_id, language=answer.language, time=change.time) for text in asked]
    if row is None or current is None:
        index.append([answer], new, vectors([searched_text(answer)]), vectors(asked))
    elif answer == current:
        index.append([], new, vectors([]), vectors(asked))
    else:
        same = searched_text(answer) == searched_text(current)
        vector = index.dense.vectors([row]) if same else vectors([searched_text(answer)])
        index.replace(answer, new, vector, vectors(asked))
    places = [place for text in change.dropped for place in _places(index, text, answer_id, vectors([text]))]
    if places:
        index.retire_questions(places)


def _places(index: Index, text: str, answer_id: str, vector: Vectors) -> list[int]:
    """Where a question of an answer stands among the logged ones: it is its own nearest neighbour."""
    (near,) = index.dense_logged.search(vector, _NEAR)[1]
    logged = ((int(place), index.logged[int(place)]) for place in near if place >= 0)
    return [place for place, row in logged if row.text == text and row.answer == answer_id and not row.conversation]


def checked_mark(index: IndexLayout, model: ModelLayout) -> Mark:
    """Up to where a snapshot holds the journal, once it is known to be of this model's encoder.

    Raises:
        InputError: Another encoder made its vectors, or it has no manifest.
    """
    manifest = load_manifest(index.folder, kind="index", verify=False)
    theirs, ours = manifest.recipe.get("encoder"), encoder_key(model)
    if theirs not in (None, ours):
        raise InputError(
            str(index.folder), got=f"vectors of encoder {theirs}", expected=f"those of {ours}",
            next_step="Run `careline index build`.",
        )  # fmt: skip
    return mark_of(manifest)
