"""What search knows: the answers, the logged contexts that got them, and both as vectors and as words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data.artifacts import IndexLayout
from data.errors import InputError
from data.records import read_rows, write_rows
from data.schema import Answer, Example, IntentExample, Record
from retrieval.answers import AnswerBook, is_sayable
from retrieval.dense import VectorIndex
from retrieval.encoder import Encoder, Vectors
from retrieval.lexical import Lexical

NO_ROW = -1
OUT_OF_SCOPE = "out_of_scope"
"""The static intent whose examples say what is none of the shop's business."""

_HALF_LIFE = 180 * 86_400.0

_UNKNOWN_OUTCOMES = 5.0
"""So many neutral endings are added to those of an answer, lest one angry customer condemn it."""


@dataclass(frozen=True)
class Logged(Record):
    """What was once asked: a context that got an answer, or an example of an intent (then ``answer`` is empty).

    Attributes:
        text: As the encoder reads it.
        answer: Id of the answer given, or empty.
        conversation: Where it was asked.
        language: ``en`` or ``zh`` (or another code).
        time: Unix seconds, or None.
        intent: For examples of intents.
        count: How often this text had this outcome.
        weight: Mean of ``Example.weight`` over these: how the conversations ended.
    """

    text: str
    answer: str = ""
    conversation: str = ""
    language: str = "en"
    time: float | None = None
    intent: str = ""
    count: int = 1
    weight: float = 1.0


def logged_of(examples: Iterable[Example], intents: Iterable[IntentExample] = ()) -> list[Logged]:
    """Contexts and examples of intents as one list; of texts with the same outcome the last is kept and counted."""
    rows = [Logged(e.context, e.answer, e.conversation, e.language, e.time, weight=e.weight) for e in examples]
    rows += [Logged(i.text, language=i.language, intent=i.intent) for i in intents]
    count, weight = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for row in rows:
        key = row.text, row.answer, row.intent
        count[key] += 1
        weight[key] += row.weight  # type: ignore[assignment]  # a Counter sums floats as well
    kept = {(row.text, row.answer, row.intent): row for row in rows if row.text.strip()}
    return [replace(row, count=count[key], weight=weight[key] / count[key]) for key, row in kept.items()]


def message_of(context: str) -> str:
    """What a rendered context asks last, without the speakers' names.

    That is everything after the last agent's turn; where the agent spoke last ("one moment, please"), what the
    customer had said before; the agent's own words when nothing else is there.
    """
    lines = context.split("\n")
    tail: list[str] = []
    for line in reversed(lines):
        if not line.startswith("agent: "):
            tail.insert(0, line)
        elif tail:
            break
    return " ".join(line.split(": ", 1)[-1] if _has_speaker(line) else line for line in tail or lines[-1:])


def _has_speaker(line: str) -> bool:
    return line.startswith(("customer: ", "agent: ", "system: "))


@dataclass(frozen=True, eq=False)
class Index:
    """Everything that candidates are drawn from. Row ``i`` of the answers is id ``i`` in the vectors.

    Attributes:
        answers: The answers.
        logged: What was asked.
        dense: Vectors of the answers' texts.
        dense_logged: Vectors of ``logged``.
        lexical: Words of the answers' texts.
        lexical_logged: Words of what each of ``logged`` asks last.
    """

    answers: tuple[Answer, ...]
    logged: tuple[Logged, ...]
    dense: VectorIndex
    dense_logged: VectorIndex
    lexical: Lexical
    lexical_logged: Lexical

    @classmethod
    def from_parts(
        cls,
        answers: Sequence[Answer],
        contexts: Iterable[Example],
        encoder: Encoder,
        *,
        intents: Iterable[IntentExample] = (),
    ) -> Index:
        """Encodes and indexes in memory.

        Args:
            answers: All candidates, sayable or not.
            contexts: Training contexts (never those that are to be evaluated).
            encoder: Of the model that will search.
            intents: Training examples of intents: they tell what is in scope.
        """
        logged = logged_of(contexts, intents)
        return cls(
            tuple(answers),
            tuple(logged),
            VectorIndex.build(encoder.encode([answer.text for answer in answers])),
            VectorIndex.build(_encode_once(encoder, [row.text for row in logged])),
            Lexical.build([answer.text for answer in answers]),
            Lexical.build([message_of(row.text) for row in logged]),
        )

    def save(self, layout: IndexLayout) -> None:
        """Writes the files of an index; the manifest is the caller's."""
        write_rows(layout.answers, self.answers)
        write_rows(layout.questions, self.logged)
        self.dense.save(layout.dense)
        self.dense_logged.save(layout.dense_questions)
        self.lexical.save(layout.lexical / "answers")
        self.lexical_logged.save(layout.lexical / "questions")

    @classmethod
    def load(cls, layout: IndexLayout) -> Index:
        """Reads what ``save`` wrote.

        Raises:
            InputError: A file is missing or broken, or the files do not belong together.
        """
        index = cls(
            tuple(read_rows(layout.answers, Answer)),
            tuple(read_rows(layout.questions, Logged)),
            VectorIndex.load(layout.dense),
            VectorIndex.load(layout.dense_questions),
            Lexical.load(layout.lexical / "answers"),
            Lexical.load(layout.lexical / "questions"),
        )
        sizes = {len(index.answers), len(index.dense), index.lexical.size}
        if len(sizes) > 1 or len({len(index.logged), len(index.dense_logged), index.lexical_logged.size}) > 1:
            raise InputError(
                str(layout.folder),
                got="files of different lengths",
                expected="one index",
                next_step="Run `careline index build` again.",
            )
        return index

    @cached_property
    def book(self) -> AnswerBook:
        """The answers by id."""
        return AnswerBook(self.answers)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Answer id to row."""
        return {answer.id: row for row, answer in enumerate(self.answers)}

    @cached_property
    def sayable(self) -> NDArray[np.bool_]:
        """(answers,) whether the bot may say it."""
        return np.array([is_sayable(answer) for answer in self.answers], dtype=bool)

    @cached_property
    def languages(self) -> NDArray[np.str_]:
        """(answers,) language codes."""
        return np.array([answer.language for answer in self.answers], dtype=np.str_)

    @cached_property
    def support(self) -> NDArray[np.float32]:
        """(answers,) ln(1 + support) over the largest, 0..1."""
        raw = np.log1p(np.array([answer.support for answer in self.answers], dtype=np.float32))
        return np.asarray(raw / max(float(raw.max(initial=0.0)), 1e-9), dtype=np.float32)

    @cached_property
    def recency(self) -> NDArray[np.float32]:
        """(answers,) 0..1, half for each 180 days before the newest; 0.5 where the time is not known."""
        used = np.array([np.nan if a.last_used is None else a.last_used for a in self.answers], dtype=np.float64)
        if np.isnan(used).all():
            return np.full(len(used), 0.5, dtype=np.float32)
        age = np.nanmax(used) - used
        return np.nan_to_num(0.5 ** (age / _HALF_LIFE), nan=0.5).astype(np.float32)

    @cached_property
    def outcome(self) -> NDArray[np.float32]:
        """(answers,) -0.5..0.5: mean ``Example.weight`` less 1 where it was given, drawn to 0 where that was seldom."""
        rows, there = self.logged_rows, self.logged_rows != NO_ROW
        counts = self.counts[there]
        above = np.array([row.weight - 1.0 for row in self.logged], dtype=np.float32)[there] * counts
        size = len(self.answers)
        total = np.bincount(rows[there], weights=above, minlength=size)
        given = np.bincount(rows[there], weights=counts, minlength=size)
        return np.asarray(total / (given + _UNKNOWN_OUTCOMES), dtype=np.float32)

    @cached_property
    def in_scope(self) -> NDArray[np.bool_]:
        """(logged,) False for the examples of what is out of scope."""
        return np.array([row.intent != OUT_OF_SCOPE for row in self.logged], dtype=bool)

    @cached_property
    def counts(self) -> NDArray[np.float32]:
        """(logged,) how often each had its outcome."""
        return np.array([row.count for row in self.logged], dtype=np.float32)

    @cached_property
    def logged_rows(self) -> NDArray[np.int64]:
        """(logged,) row of the answer that each got, or ``NO_ROW``."""
        return np.array([self.row_of.get(row.answer, NO_ROW) for row in self.logged], dtype=np.int64)


def _encode_once(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Vectors of texts of which many repeat, as first questions do."""
    distinct = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return encoder.encode(list(distinct))[[distinct[text] for text in texts]]
