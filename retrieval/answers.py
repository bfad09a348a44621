"""The answers that can be given again, by id, and the guard that nothing half-filled is ever said."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.artifacts import IndexLayout
from data.errors import InputError
from data.records import read_rows
from data.schema import Answer
from retrieval.journal import Change, Follower, Rewound

logger = logging.getLogger(__name__)

_PLACEHOLDER = re.compile(
    r"""<[^\W\d_][\w -]*>             # <NAME_1>, <order number>
      | \{[^{}]*\}                    # {slot}, {{slot}}
      | \[[A-Z][A-Z0-9_ -]+\]         # [NAME], [ORDER NUMBER]
      | \[[a-z]+(?:_[a-z0-9]+)+\]     # [customer_name]
      | __\w+__ | %\(\w+\)s | \$\{?[A-Za-z_]{2,}
    """,
    re.VERBOSE,
)


def has_placeholder(text: str) -> bool:
    """Whether a text holds what was meant to be filled in: ``<NAME_1>``, ``{slot}``, ``[ORDER NUMBER]``, ``$name``."""
    return _PLACEHOLDER.search(text) is not None


def is_sayable(answer: Answer) -> bool:
    """Whether the bot may say this answer to another customer: marked reusable, not empty, nothing left unfilled."""
    return answer.reusable and bool(answer.text.strip()) and not has_placeholder(answer.text)


def applied(change: Change, current: Answer | None) -> Answer:
    """What an answer is after a change: only what the person changed follows the change.

    Args:
        change: With the answer before and after it.
        current: The answer as the index has it, which may know more of the log than there was then; None where it is
            not there.
    """
    if current is None or change.before is None:
        return change.answer if current is None else replace(change.answer, **_provenance(current))
    old, new = vars(change.before), vars(change.answer)
    return replace(current, **{name: value for name, value in new.items() if value != old[name]})


def has_part(change: Change, current: Answer | None) -> bool:
    """Whether a change concerns an index: a mined answer that it does not hold is no longer in the log."""
    return current is not None or (change.answer.source == "curated" and change.answer.reusable)


def _provenance(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in ("support", "conversations", "last_used", "topics")}


class AnswerBook:
    """Answers by id. Needs neither FAISS nor an encoder, so that the action server can load it too.

    Args:
        answers: In the order of the index.
        changes: What people changed since the index was made; None for nothing.
    """

    def __init__(self, answers: Iterable[Answer], changes: Follower | None = None) -> None:
        self._built: Mapping[str, Answer] = {answer.id: answer for answer in answers}
        self._changed: dict[str, Answer] = {}
        self._changes = changes
        self._complaint = ""

    @classmethod
    def open(cls, index: IndexLayout, changes: Follower | None = None) -> AnswerBook:
        """Opens the answers of an index, and applies the changes after it. Text is read when it is asked for.

        Raises:
            InputError: A file is missing or broken, or the journal is damaged.
        """
        book = cls((), changes)
        if index.columns.is_dir():
            book._built = _Shelved(index)
        else:
            book = cls(read_rows(index.answers, Answer), changes)
        book._follow()
        return book

    @classmethod
    def load(cls, path: Path) -> AnswerBook:
        """Reads ``answers.jsonl``.

        Raises:
            InputError: The file is missing, or a line is no answer.
        """
        return cls(read_rows(path, Answer))

    def refresh(self) -> None:
        """Takes in what people changed since the last call; one ``stat`` where that is nothing.

        Where the journal is another one, what was applied from the old one goes. What cannot be read is reported once,
        and the book stays as it is.
        """
        try:
            try:
                self._follow()
            except Rewound:
                self._follow_again()
            self._complaint = ""
        except (InputError, OSError) as error:
            if str(error) != self._complaint:
                logger.error("Changes of answers are not seen: %s", error)
            self._complaint = str(error)

    def _follow(self) -> None:
        for change in self._changes.new() if self._changes is not None else ():
            current = self.get(change.answer.id)
            if has_part(change, current):
                self._changed[change.answer.id] = applied(change, current)

    def _follow_again(self) -> None:
        assert self._changes is not None
        again = AnswerBook((), self._changes.again())
        again._built = self._built
        again._follow()
        self._changes, self._changed = again._changes, again._changed

    def __len__(self) -> int:
        return len(self._built) + sum(name not in self._built for name in self._changed)

    def __iter__(self) -> Iterator[Answer]:
        for name, answer in self._built.items():
            yield self._changed.get(name, answer)
        yield from (answer for name, answer in self._changed.items() if name not in self._built)

    def __contains__(self, answer_id: object) -> bool:
        return answer_id in self._changed or answer_id in self._built

    def get(self, answer_id: str) -> Answer | None:
        """The answer of this id, sayable or not; None when there is none."""
        changed = self._changed.get(answer_id)
        return self._built.get(answer_id) if changed is None else changed

    def sayable(self, answer_id: str) -> Answer | None:
        """The answer of this id if the bot may say it to whom it is for; None otherwise."""
        answer = self.get(answer_id)
        return answer if answer is not None and is_sayable(answer) else None


class _Shelved(Mapping[str, Answer]):
    """The answers of an index on disk, by id."""

    def __init__(self, index: IndexLayout) -> None:
        from retrieval.shelf import Ids, Shelf  # both import this module's neighbours, and numpy

        self._answers = Shelf.load(index.answers, Answer)
        try:
            self._rows = Ids.load(index.columns, self._answers)
        except (OSError, ValueError) as error:
            raise InputError(
                str(index.columns), got=str(error), expected="the ids of the answers",
                next_step="Run `careline index build` again.",
            ) from error  # fmt: skip

    def __getitem__(self, answer_id: str) -> Answer:
        return self._answers[self._rows[answer_id]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
