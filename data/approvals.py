"""What a person decided about answers: kept as lines that are only ever appended, and applied to every dataset.

A decision is about a wording. It holds for the answer that is shown in these words, in this language, whatever id it
has; when a log has grown so that an answer is shown in other words, a person is asked again. The newest decision about
a wording counts; ``undo`` takes them all back. See docs/how-to/approve-answers.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from data.appended import TORN, append_row, lines_in
from data.dedupe import PLACEHOLDER, answer_key
from data.errors import InputError
from data.schema import Answer, Record

Verdict = Literal["approve", "edit", "reject", "undo"]
_VERDICTS: tuple[str, ...] = get_args(Verdict)
_REJECTED = "a person rejected it"

Key = tuple[str, str]
"""Language and words."""


@dataclass(frozen=True)
class Approval(Record):
    """A decision about one wording.

    Attributes:
        language: Of the answer.
        said: The answer as it was shown.
        verdict: What was decided.
        by: Who decided.
        time: Unix seconds.
        text: With ``edit``, what is said instead.
    """

    language: str
    said: str
    verdict: Verdict
    by: str
    time: float
    text: str | None = None

    @property
    def key(self) -> Key:
        """What it holds for."""
        return self.language, answer_key(self.said)


def decide(answer: Answer, verdict: Verdict, *, by: str, text: str | None = None, said: str | None = None) -> Approval:
    """Makes a decision about an answer.

    Args:
        answer: As the dataset has it.
        verdict: What is decided.
        by: Who decides.
        text: With ``edit``, what is to be said instead.
        said: How the log has it, where the dataset shows what a person made of it.

    Raises:
        InputError: What would be said is empty or holds a placeholder.
    """
    would_say = " ".join((answer.text if text is None else text).split())
    if verdict in {"approve", "edit"} and (not would_say or PLACEHOLDER.search(would_say)):
        raise InputError(
            f"answer {answer.id}",
            got=repr(would_say),
            expected="a text without placeholders such as <NAME_1>",
            next_step="Edit it, or reject it.",
        )
    kept = would_say if verdict == "edit" else None
    return Approval(answer.language, said or answer.text, verdict, by, time.time(), kept)


def decisions(
    answer: Answer, verdict: Verdict, earlier: Iterable[Approval], *, by: str, text: str | None = None
) -> list[Approval]:
    """A decision about an answer as the dataset shows it, for every wording of the log that it stands for.

    An edited answer is kept under the words of the log, several if they were edited to the same. To approve it approves
    what is shown, the edit, and not the words behind it.

    Args:
        answer: As the dataset has it.
        verdict: What is decided.
        earlier: What counts so far.
        by: Who decides.
        text: With ``edit``, what is to be said instead.

    Raises:
        InputError: See `decide`.
    """
    if answer.decided != "edited":
        return [decide(answer, verdict, by=by, text=text)]
    behind = [one.said for one in earlier if (one.language, one.text) == (answer.language, answer.text)]
    if verdict == "approve":
        verdict, text = "edit", answer.text
    return [decide(answer, verdict, by=by, text=text, said=said) for said in behind or [answer.text]]


def append_approval(path: Path, approval: Approval) -> None:
    """Appends one line and returns when it is on disk; safe with several processes."""
    append_row(path, approval)


def read_approvals(path: Path) -> dict[Key, Approval]:
    """What counts for each wording: its newest decision, unless that took the others back. No file: nothing.

    Raises:
        InputError: A whole line that is not a decision. A line that a crash tore is left out.
    """
    found: dict[Key, Approval] = {}
    if not path.is_file():
        return found
    for number, row in lines_in(path.read_bytes()):
        if row is TORN:
            continue
        approval = _approval(row, f"{path} line {number}")
        found.pop(approval.key, None)
        if approval.verdict != "undo":
            found[approval.key] = approval
    return found


def _approval(row: object, place: str) -> Approval:
    try:
        if not isinstance(row, dict):
            raise TypeError("not an object")
        approval = Approval.from_json(row)
        texts = (approval.language, approval.said, approval.by, approval.text or "")
        if not all(isinstance(text, str) for text in texts) or approval.verdict not in _VERDICTS:
            raise TypeError(f"verdict {approval.verdict!r}, or a field that is not a text")
    except TypeError as error:
        raise InputError(
            place, got=str(error), expected="a decision about an answer", next_step="Mend or remove the line."
        ) from error
    return approval


def applied(answers: Iterable[Answer], approvals: Mapping[Key, Approval]) -> Iterator[Answer]:
    """The answers as people decided; each keeps its id, so that training rows stay right."""
    for answer in answers:
        approval = approvals.get((answer.language, answer_key(answer.text)))
        yield answer if approval is None else _as_decided(answer, approval)


def _as_decided(answer: Answer, approval: Approval) -> Answer:
    if approval.verdict == "reject":
        return replace(answer, reusable=False, held_back=_REJECTED, decided="rejected")
    text = answer.text if approval.text is None else approval.text
    if PLACEHOLDER.search(text):  # a line written by hand, perhaps: a placeholder is never said
        return answer
    decided: Literal["approved", "edited"] = "approved" if approval.text is None else "edited"
    return replace(answer, text=text, reusable=True, held_back=None, template=None, slots=(), decided=decided)
