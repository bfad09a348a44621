"""A dataset and a model to an index, as an artefact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.articles.sources import FOLDER, answers_in, sources_in
from data.artifacts import (
    DatasetLayout,
    IndexLayout,
    Manifest,
    ModelLayout,
    create,
    hash_json,
    is_complete,
    load_manifest,
)
from data.errors import InputError
from data.records import read_rows
from data.schema import Answer, Example, IntentExample
from retrieval.encoder import Encoder, OnnxEncoder, Vectors
from retrieval.index import Index
from retrieval.journal import Change, Follower, Mark, mark_of
from retrieval.relearn import with_changes
from retrieval.vectors import CachedEncoder, VectorCache, encoder_key

if TYPE_CHECKING:
    from rich.console import Console

CODE_VERSION = 5
"""Raise when the files of an index change, so that existing ones are built again."""

MOST_CONTEXTS = 20_000
"""Newest training contexts that are indexed: more add little to ranking, and a core encodes 100 to 300 a second."""

MOST_PER_ANSWER = 60
"""Newest contexts of one answer: a template that was sent 3,000 times is no better known by all of them."""

MOST_INTENTS = 20_000

STATE = frozenset({"journal", "journal_crc", "compacted"})
"""Keys of an index's recipe that say up to where it is, and not how it was made."""

_CHUNK = 256


def build_index(
    dataset: DatasetLayout,
    model: ModelLayout,
    parent: Path,
    *,
    console: Console | None = None,
    journal: Path | None = None,
    vectors: Path | None = None,
    sources: Path | None = None,
) -> IndexLayout:
    """Builds the index of a dataset's answers and training contexts; skipped when it is there already.

    The answers of all imported sources join them, and their questions count as logged ones. Each source's hash is a
    parent, so that the index of a source that has changed is another. An index that was built before the last changes
    of the journal is as good: whoever serves it applies the rest.

    Answers that are not reusable are in it too, for experiments with ranking: search leaves them out.

    Args:
        dataset: Whose answers; only its ``train`` split is asked from.
        model: Whose encoder.
        parent: Folder of all indexes.
        console: Where progress is shown; None for silence.
        journal: What people changed (`retrieval.journal`); None for nothing.
        vectors: Folder of the vectors made before (`retrieval.vectors`); None encodes everything.
        sources: Folder of the imported sources; None takes ``sources`` beside the folder of all indexes.

    Returns:
        The finished index.

    Raises:
        InputError: The dataset, the model, a source or the journal is missing, damaged or of another kind.
    """
    imported = Sources(sources or parent.parent / FOLDER)
    parents = {
        "dataset": load_manifest(dataset.folder, kind="dataset").key,
        "model": load_manifest(model.folder, kind="model").key,
        **imported.parents,
    }
    recipe = _recipe(model)
    if (found := find_index(parent, parents, recipe, journal)) is not None:
        return found
    changed, state = _changes_in(journal)
    recipe |= state
    manifest = Manifest("index", hash_json(["index", parents, recipe]), parents=parents, recipe=recipe)
    answers, contexts, intents = _contents(dataset, imported, changed)
    with create(parent, manifest) as draft, _opened(model, vectors, console) as encoder:
        index = Index.from_parts(answers, contexts, encoder, intents=intents)
        index.save(IndexLayout(draft.folder))
        draft.metrics.update(
            answers=len(answers), sayable=int(index.sayable.sum()), contexts=len(contexts), intents=len(intents)
        )
    return IndexLayout(parent / manifest.key)


def _contents(
    dataset: DatasetLayout, imported: Sources, changed: Sequence[Change]
) -> tuple[list[Answer], list[Example], list[IntentExample]]:
    """Answers, contexts and examples of intents that are indexed."""
    answers, asked = with_changes([*read_rows(dataset.answers, Answer), *imported.answers], changed)
    if not answers:
        raise InputError(
            str(dataset.folder), got="no answer", expected="a log in which agents answer, or imported articles",
            next_step="Import articles with `careline index import`; labelled messages alone need no index.",
        )  # fmt: skip
    contexts = [*indexed_contexts(training_contexts(dataset)), *asked]
    intents = islice((i for i in read_rows(dataset.intents, IntentExample) if i.split == "train"), MOST_INTENTS)
    return answers, contexts, list(intents)


def _recipe(model: ModelLayout) -> dict[str, Any]:
    return {
        "code": CODE_VERSION,
        "most_contexts": MOST_CONTEXTS,
        "most_per_answer": MOST_PER_ANSWER,
        "most_intents": MOST_INTENTS,
        "encoder": encoder_key(model),
    }


def _changes_in(journal: Path | None) -> tuple[list[Change], dict[str, Any]]:
    """All changes, and what the recipe says about them."""
    if journal is None:
        return [], {}
    follower = Follower(journal)
    return follower.new(), mark_in(follower.mark)


def find_index(
    parent: Path, parents: Mapping[str, str], recipe: Mapping[str, Any], journal: Path | None
) -> IndexLayout | None:
    """The index that was made so and holds most of the journal, whole; None where there is none.

    Args:
        parent: Folder of all indexes.
        parents: As in the manifest.
        recipe: As in the manifest, but for the journal.
        journal: It must hold what the index holds.
    """
    made: list[tuple[int, Path]] = []
    for path in parent.glob("*/manifest.json"):
        try:
            manifest = load_manifest(path.parent, kind="index", verify=False)
            mark = mark_of(manifest)
            made_with = {name: value for name, value in manifest.recipe.items() if name not in STATE}
            if dict(manifest.parents) != dict(parents) or made_with != dict(recipe):
                continue
            if journal is not None:
                Follower(journal, mark).new(parsed=False)
            elif mark.number:
                continue
            made.append((mark.number, path.parent))
        except InputError:  # broken, or of another journal
            continue
    for _, folder in sorted(made, reverse=True):
        if is_complete(folder, kind="index"):
            return IndexLayout(folder)
    return None


def mark_in(mark: Mark) -> dict[str, Any]:
    """What the recipe of an index says about the journal."""
    return {"journal": mark.number, "journal_crc": mark.crc}


class Sources:
    """The imported articles and catalogues of a workspace.

    Args:
        folder: Of all sources; there may be none.

    Raises:
        InputError: One is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._sources = folder, sources_in(folder)

    @property
    def parents(self) -> dict[str, str]:
        """For the manifest: each source's name and the hash of its answers."""
        return {f"source:{source.name}": source.hash[:12] for source in self._sources}

    @cached_property
    def answers(self) -> list[Answer]:
        """The answers of all of them; an id belongs to one source only, as it follows the source's name."""
        return [answer for source in self._sources for answer in answers_in(self._folder, source)]


def training_contexts(dataset: DatasetLayout) -> list[Example]:
    """The examples of the train split, which alone may be searched in."""
    return [example for example in read_rows(dataset.examples, Example) if example.split == "train"]


def indexed_contexts(examples: Sequence[Example]) -> list[Example]:
    """The training contexts that are worth indexing: what the ranker is trained with and what serving searches in."""
    kept: Counter[str] = Counter()
    chosen = []
    for example in reversed(newest(examples, len(examples))):
        kept[example.answer] += 1
        if kept[example.answer] <= MOST_PER_ANSWER:
            chosen.append(example)
    return chosen[:MOST_CONTEXTS][::-1]


def newest(examples: Sequence[Example], most: int) -> list[Example]:
    """The last ``most`` by time; those without a time count as oldest, and equal times keep their order."""
    ordered = sorted(examples, key=lambda e: float("-inf") if e.time is None else e.time)
    return ordered[max(0, len(ordered) - most) :]


class _ShownEncoder:
    """An encoder that moves a progress bar."""

    def __init__(self, encoder: Encoder, console: Console) -> None:
        self.encoder, self.console = encoder, console

    @property
    def dim(self) -> int:
        return self.encoder.dim

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        import numpy as np
        from rich.progress import track

        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        starts = range(0, len(texts), _CHUNK)
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        label = f"encoding {len(texts):,} texts"
        for start in track(starts, label, console=self.console, transient=True, disable=not len(starts)):
            rows = order[start : start + _CHUNK]
            out[rows] = self.encoder.encode([texts[i] for i in rows], batch_size=batch_size)
        return out


@contextmanager
def _opened(model: ModelLayout, vectors: Path | None, console: Console | None) -> Iterator[Encoder]:
    """The encoder, looking up what it encoded before, with a progress bar; drops afterwards what is used no more."""
    encoder: Encoder = OnnxEncoder.load(model)
    cached = None
    if vectors is not None:
        encoder = cached = CachedEncoder(encoder, VectorCache(vectors, encoder_key(model), encoder.dim))
    yield encoder if console is None else _ShownEncoder(encoder, console)
    if cached is not None:
        cached.tidy()
