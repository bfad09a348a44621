"""The answers that can be given again, by id, and the guard that nothing half-filled is ever said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from data.records import read_rows
from data.schema import Answer

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


class AnswerBook:
    """Answers by id. Needs neither FAISS nor an encoder, so that the action server can load it too.

    Args:
        answers: In the order of the index.
    """

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = {answer.id: answer for answer in answers}

    @classmethod
    def load(cls, path: Path) -> AnswerBook:
        """Reads ``answers.jsonl``.

        Raises:
            InputError: The file is missing, or a line is no answer.
        """
        return cls(read_rows(path, Answer))

    def __len__(self) -> int:
        return len(self._answers)

    def __iter__(self) -> Iterator[Answer]:
        return iter(self._answers.values())

    def __contains__(self, answer_id: object) -> bool:
        return answer_id in self._answers

    def get(self, answer_id: str) -> Answer | None:
        """The answer of this id, sayable or not; None when there is none."""
        return self._answers.get(answer_id)

    def sayable(self, answer_id: str) -> Answer | None:
        """The answer of this id if the bot may say it; None otherwise. The only door for what customers see."""
        answer = self._answers.get(answer_id)
        return answer if answer is not None and is_sayable(answer) else None
