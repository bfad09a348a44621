"""What people changed holds when an index is built again: the journal is applied to the new dataset's answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from data.artifacts import IndexLayout, load_manifest
from data.dedupe import answer_key
from data.errors import InputError
from data.records import read_rows
from data.schema import Answer, Example
from retrieval.answers import applied
from retrieval.journal import Change, Journal, standing

WITHDRAWN = "withdrawn by a person"
"""``Answer.held_back`` of what was removed."""


def with_changes(answers: Iterable[Answer], changes: Sequence[Change]) -> tuple[list[Answer], list[Example]]:
    """A dataset's answers as people want them, and the questions that they gave to them.

    By id; and since a mined answer's id follows its text, and the wording that stands for many may become another when
    the log grows, what was withdrawn or reworded stays away under another id too, as long as its text is the same.

    Args:
        answers: Of the dataset.
        changes: The whole journal.

    Returns:
        The answers, with those that people wrote at the end, and each question that is not among an answer's own as a
        context that got its answer.

    Raises:
        InputError: Two answers that differ have one id.
    """
    made: dict[str, Answer] = {}
    for answer in answers:
        if made.setdefault(answer.id, answer) != answer:
            raise InputError(
                f"answer {answer.id}", got="two answers with this id", expected="an id of its own for each",
                next_step="Change one of them where it comes from, and build again.",
            )  # fmt: skip
    of_answer: dict[str, list[Change]] = defaultdict(list)
    for change in standing(changes):
        of_answer[change.answer.id].append(change)
    gone = {words for name, steps in of_answer.items() if (words := _words_gone(steps)) and name not in made}
    for name, answer in made.items():
        if name not in of_answer and answer.source != "curated" and gone and _words(answer) in gone:
            made[name] = replace(answer, reusable=False, held_back=WITHDRAWN)
    asked = []
    for name, steps in of_answer.items():
        now = made.get(name)
        for change in steps:
            now = applied(change, now)
        if now is not None and (name in made or (now.source == "curated" and now.reusable)):
            made[name] = now
            more = (q for q in steps[-1].questions if now.source == "log" or q not in now.questions)
            asked += [Example("", 0, q, name, "train", now.language, time=steps[-1].time) for q in more]
    return list(made.values()), asked


def _words_gone(steps: Sequence[Change]) -> tuple[str, str] | None:
    """Language and words of a mined answer that was withdrawn or reworded; None where it may be said as it was."""
    before, now = steps[0].before, steps[-1].answer
    if before is None or before.source == "curated":
        return None
    return _words(before) if not now.reusable or _words(now) != _words(before) else None


def _words(answer: Answer) -> tuple[str, str]:
    return answer.language, answer_key(answer.text)


def take_over_changes(journal: Journal, index: IndexLayout) -> int:
    """Writes the changes that the manifest of an index of the old way lists to the journal, once; returns how many.

    Until version 4 an added answer was in the index itself, and the manifest said so.

    Args:
        journal: Of the workspace.
        index: The one that serves.

    Raises:
        InputError: The journal is damaged or cannot be written.
    """
    try:
        changes = load_manifest(index.folder, kind="index", verify=False).recipe.get("changes", [])
        by = f"index {index.folder.name}"
        if not changes or any(change.by == by for change in journal.read()):
            return 0
        answers = {answer.id: answer for answer in read_rows(index.answers, Answer)}
    except InputError:
        if journal.path.exists():
            journal.read()  # a damaged journal is refused; an index that is gone has nothing to say
        return 0
    return len(journal.append(*_as_records(changes, answers, by)))


def _as_records(changes: Sequence[dict[str, str]], answers: dict[str, Answer], by: str) -> list[Change]:
    made: dict[str, Change] = {}
    records = []
    for change in changes:
        name = change.get("added") or change.get("removed") or ""
        if name not in answers:
            continue
        earlier, answer = made.get(name), answers[name]
        before = earlier.answer if earlier else None if answer.source == "curated" else _back(answer)
        asked = earlier.questions if earlier else ()
        if "added" in change:
            text = replace(_back(answer), support=0)
            record = Change("add", by, text, tuple(dict.fromkeys((*asked, change["question"]))), before, asked)
        else:
            withdrawn = replace(answer, reusable=False, held_back=WITHDRAWN)
            record = Change("remove", by, withdrawn, asked, before, asked)
        records.append(record)
        made[name] = record
    return records


def _back(answer: Answer) -> Answer:
    """As it was before it was withdrawn: the old way told by ``reusable`` alone."""
    return answer if answer.held_back else replace(answer, reusable=True)
