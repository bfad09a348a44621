"""Answers that people write or withdraw: each change makes a new index beside the old one.

The changes are listed in the index's manifest; ``carry_over`` makes them again in the index of another model.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace

import numpy as np

from data.artifacts import IndexLayout, Manifest, ModelLayout, create, hash_json, load_manifest
from data.errors import InputError
from data.records import read_rows
from data.schema import Answer
from retrieval.answers import is_sayable
from retrieval.encoder import Encoder, OnnxEncoder, Vectors
from retrieval.index import Index, Logged
from retrieval.lexical import language_of


def add_answer(index: IndexLayout, model: ModelLayout, *, question: str, text: str) -> tuple[IndexLayout, str]:
    """Adds an answer together with a question that it answers; an answer that is there already gets the question.

    Args:
        index: The present index; it stays as it is.
        model: The one it was made with.
        question: What a customer might ask.
        text: What the bot shall say.

    Returns:
        The new index and the answer's id.

    Raises:
        InputError: The text or the question is empty, or the text holds an unfilled placeholder.
    """
    old = Index.load(index)
    most = max((a.support for a in old.answers), default=1)
    answer = replace(_curated(question.strip(), text.strip()), support=most)  # so that it stands against common ones
    new = with_answer(old, answer, question.strip(), OnnxEncoder.load(model))
    return _written(index, new, {"added": answer.id, "question": question.strip()}), answer.id


def carry_over(old: IndexLayout, new: IndexLayout, model: ModelLayout) -> IndexLayout:
    """Makes what people changed in one index again in another, in the same order.

    Args:
        old: The index that served.
        new: Of another model or a newer log, not changed by hand; it stays as it is.
        model: The one that ``new`` was made with.

    Returns:
        ``new`` itself where nothing was changed; an answer that is withdrawn and not in it has no part.
    """
    changes = load_manifest(old.folder, kind="index").recipe.get("changes", [])
    texts = {answer.id: answer.text for answer in read_rows(old.answers, Answer)} if changes else {}
    for change in changes:
        if "added" in change:
            new, _ = add_answer(new, model, question=change["question"], text=texts[change["added"]])
        elif change["removed"] in Index.load(new).row_of:
            new = remove_answer(new, change["removed"])
    return new


def with_answer(index: Index, answer: Answer, question: str, encoder: Encoder) -> Index:
    """The same index with an answer and one question for it; it is changed in place."""
    asked = [Logged(question, answer.id, language=answer.language, time=answer.last_used)]
    vector, question_vector = encoder.encode([answer.text]), encoder.encode([question])
    if answer.id in index.row_of:
        index.replace(answer, asked, vector, question_vector)
    else:
        index.append([answer], asked, vector, question_vector)
    return index


def remove_answer(index: IndexLayout, answer_id: str) -> IndexLayout:
    """Marks an answer as one that is never said; its row stays, so that ids elsewhere keep their meaning.

    Args:
        index: The present index; it stays as it is.
        answer_id: Which.

    Raises:
        InputError: There is no such answer.
    """
    old = Index.load(index)
    row = old.row_of.get(answer_id)
    if row is None:
        raise InputError(
            f"answer {answer_id}",
            got="no such id in the index",
            expected="an id from `careline index search`",
            next_step="Search for it first.",
        )
    old.replace(replace(old.answers[row], reusable=False), [], old.dense.vectors([row]), _no_vectors(old))
    return _written(index, old, {"removed": answer_id})


def _no_vectors(index: Index) -> Vectors:
    return np.zeros((0, index.dense.dim), dtype=np.float32)


def _curated(question: str, text: str) -> Answer:
    digest = hashlib.sha256(" ".join(text.lower().split()).encode()).hexdigest()[:12]
    answer = Answer(
        id=f"c{digest}",
        text=text,
        language=language_of(text),
        last_used=float(int(time.time())),
        questions=(question,),
        source="curated",
    )
    if not is_sayable(answer) or not question:
        raise InputError(
            "the new answer" if question else "the question",
            got=repr(text if question else question),
            expected="text without unfilled places such as <NAME> or {slot}",
            next_step="Write it out.",
        )
    return answer


def _written(index: IndexLayout, new: Index, change: dict[str, str]) -> IndexLayout:
    before = load_manifest(index.folder, kind="index")
    changes = [*before.recipe.get("changes", []), change]
    recipe = {**before.recipe, "changes": changes}
    key = hash_json(["index", dict(before.parents), recipe])
    manifest = Manifest("index", key, parents=before.parents, recipe=recipe, metrics=before.metrics)
    with create(index.folder.parent, manifest) as draft:
        new.save(IndexLayout(draft.folder))
        draft.metrics.update(answers=len(new.row_of), sayable=int(new.sayable.sum()))
    return IndexLayout(index.folder.parent / key)
