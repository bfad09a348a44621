"""What search knows: the answers, the logged contexts that got them, and both as vectors and as words."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.artifacts import IndexLayout
from data.errors import InputError
from data.schema import Answer, Example, IntentExample
from retrieval.answers import AnswerBook
from retrieval.columns import Asked, Columns, Rows
from retrieval.dense import FLAT_UP_TO, VectorIndex
from retrieval.encoder import Encoder, Vectors
from retrieval.filters import Filters
from retrieval.grown import Grown
from retrieval.lexical import Lexical
from retrieval.logged import OUT_OF_SCOPE, Logged, logged_of, message_of, searched_text, written_questions
from retrieval.shelf import NO_ROW, Ids, Shelf

__all__ = ["NO_ROW", "OUT_OF_SCOPE", "Index", "Logged", "logged_of", "message_of", "searched_text", "written_questions"]

_UNKNOWN_OUTCOMES = 5.0
"""So many neutral endings are added to those of an answer, lest one angry customer condemn it."""


class Index:
    """Everything that candidates are drawn from. Row ``i`` of the answers is row ``i`` of vectors, words and columns.

    Rows are appended and retired in memory: what was built is never copied, and a search that runs meanwhile sees the
    index before or after. A row that was retired keeps its number and its text.

    Args:
        answers: The answers.
        logged: What was asked.
        dense: Vectors of the answers' texts.
        dense_logged: Vectors of ``logged``.
        lexical: Words of the answers' texts.
        lexical_logged: Words of what each of ``logged`` asks last.
        columns: Of the answers.
        asked: Columns of ``logged``.
        row_of: Answer id to row, for the answers that are not retired.
    """

    def __init__(
        self,
        answers: Shelf[Answer],
        logged: Shelf[Logged],
        dense: VectorIndex,
        dense_logged: VectorIndex,
        lexical: Lexical,
        lexical_logged: Lexical,
        columns: Columns,
        asked: Asked,
        row_of: Ids,
    ) -> None:
        self.answers, self.logged = answers, logged
        self.dense, self.dense_logged = dense, dense_logged
        self.lexical, self.lexical_logged = lexical, lexical_logged
        self.columns, self.asked, self.row_of = columns, asked, row_of
        self.version = 0
        self.filters = Filters(self)
        self._moved: Rows = np.zeros((2, 0), dtype=np.int64)  # replaced rows, ascending, over the rows they are now
        self._writing = threading.RLock()

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
            answers: All candidates, sayable or not. The questions of those that were written, not logged, are indexed
                too.
            contexts: Training contexts (never those that are to be evaluated).
            encoder: Of the model that will search.
            intents: Training examples of intents: they tell what is in scope.
        """
        logged = [*logged_of(contexts, intents), *(row for answer in answers for row in written_questions(answer))]
        vectors = encoder.encode([searched_text(answer) for answer in answers])
        return cls.of(answers, logged, vectors, _encode_once(encoder, [row.text for row in logged]))

    @classmethod
    def of(
        cls,
        answers: Sequence[Answer],
        logged: Sequence[Logged],
        vectors: NDArray[Any],
        question_vectors: NDArray[Any],
        *,
        flat_up_to: int = FLAT_UP_TO,
    ) -> Index:
        """Indexes what is encoded already.

        Args:
            answers: (n,).
            logged: (m,) each names its answer by id.
            vectors: (n, dim) of ``searched_text`` of each answer; of any float type, and may be mapped.
            question_vectors: (m, dim) of the text of each of ``logged``.
            flat_up_to: See ``retrieval.dense.FLAT_UP_TO``.

        Raises:
            InputError: Two answers have one id.
        """
        shelf, questions = Shelf(answers), Shelf(logged)
        row_of = Ids.of(shelf)
        rows = row_of.rows_of(row.answer for row in logged)
        counts = np.array([row.count for row in logged], dtype=np.float32)
        weights = np.array([row.weight for row in logged], dtype=np.float32)
        in_scope = np.array([row.intent != OUT_OF_SCOPE for row in logged], dtype=bool)
        asked = Asked(Grown(rows), Grown(counts), Grown(in_scope), Grown(np.ones(len(logged), dtype=bool)))
        return cls(
            shelf,
            questions,
            VectorIndex.build(vectors, flat_up_to=flat_up_to),
            VectorIndex.build(question_vectors, flat_up_to=flat_up_to),
            Lexical.build(searched_text(answer) for answer in answers),
            Lexical.build(message_of(row.text) for row in logged),
            Columns.of(answers, outcomes(rows, counts, weights, size=len(answers))),
            asked,
            row_of,
        )

    def __len__(self) -> int:
        """Rows, retired ones too."""
        return len(self.columns)

    def append(
        self, answers: Sequence[Answer], questions: Sequence[Logged], vectors: Vectors, question_vectors: Vectors
    ) -> Rows:
        """Adds answers and questions; they are found from the next search on.

        Args:
            answers: (n,) with ids that are not there yet.
            questions: (m,) each names its answer, new or old, by id.
            vectors: (n, dim) of ``searched_text`` of each answer.
            question_vectors: (m, dim) of the text of each question.

        Returns:
            (n,) the rows of the answers.

        Raises:
            ValueError: An id is there already, or shapes do not fit; nothing was changed then.
        """
        with self._writing:
            ids = [answer.id for answer in answers]
            there = next((i for i in ids if i in self.row_of), None)
            if there is not None or len(set(ids)) < len(ids):
                raise ValueError(f"answer {there or ids[0]} is in the index already, or twice among the new ones")
            self._check(answers, vectors)
            self._check(questions, question_vectors)
            rows = self._put(answers, vectors)
            self._ask(questions, question_vectors)
            self.version += 1
            return rows

    def replace(
        self,
        answer: Answer,
        questions: Sequence[Logged],
        vector: Vectors,
        question_vectors: Vectors,
        *,
        keep_questions: bool = True,
    ) -> int:
        """Puts an answer in the place of the one that has its id: a new row, and the old one is retired.

        Args:
            answer: As it is now.
            questions: (m,) further questions for it.
            vector: (dim,) or (1, dim) of its ``searched_text``.
            question_vectors: (m, dim).
            keep_questions: Whether the questions that the old row answered speak for the new one.

        Returns:
            The new row.

        Raises:
            KeyError: No answer has the id.
            ValueError: Shapes do not fit; nothing was changed then.
        """
        with self._writing:
            old, one = self.row_of[answer.id], np.atleast_2d(vector)
            self._check([answer], one)
            self._check(questions, question_vectors)
            outcome = self.columns.outcome.at(np.array([old]))[0]
            (new,) = self._put([answer], one).tolist()
            self.columns.outcome.put(new, outcome)
            self.columns.alive.put(old, False)
            if keep_questions:
                before, now = self._moved
                turned = np.stack([before, np.where(now == old, new, now)])
                place = int(np.searchsorted(before, old))
                self._moved = np.insert(turned, place, [old, new], axis=1)  # anew, for readers of other threads
            self._ask(questions, question_vectors)
            self.version += 1
            return int(new)

    def retire(self, row: int) -> None:
        """Takes an answer out: it is no candidate, its questions have no say, and its id is free again."""
        with self._writing:
            self.columns.alive.put(row, False)
            answer_id = self.answers[row].id
            if self.row_of.get(answer_id) == row:
                self.row_of.put(answer_id, NO_ROW)
            self.version += 1

    def retire_questions(self, places: Iterable[int]) -> None:
        """Takes logged texts out: they neither speak for an answer nor count as in scope."""
        with self._writing:
            for place in places:
                self.asked.alive.put(place, False)
            self.version += 1

    def _check(self, rows: Sequence[object], vectors: Vectors) -> None:
        if len(rows) != len(vectors) or (len(rows) and vectors.shape[1:] != (self.dense.dim,)):
            raise ValueError(f"vectors of shape {vectors.shape} for {len(rows)} rows of dimension {self.dense.dim}")

    def _put(self, answers: Sequence[Answer], vectors: Vectors) -> Rows:
        """Appends rows: what is looked up first, what is searched last, so that no search finds half a row."""
        rows = np.arange(len(self), len(self) + len(answers))
        for row, answer in zip(rows.tolist(), answers, strict=True):
            self.answers.append(answer)
            self.columns.append(answer)
            self.row_of.put(answer.id, row)
        if len(answers):
            self.dense.add(vectors)
        for answer in answers:
            self.lexical.add(searched_text(answer))
        return rows

    def _ask(self, questions: Sequence[Logged], vectors: Vectors) -> None:
        """Appends questions, in the same order of things."""
        if not len(questions):
            return
        for question in questions:
            self.logged.append(question)
        self.asked.answer.append(self.row_of.rows_of(question.answer for question in questions))
        self.asked.count.append(np.array([question.count for question in questions], dtype=np.float32))
        self.asked.in_scope.append(np.array([question.intent != OUT_OF_SCOPE for question in questions]))
        self.asked.alive.append(np.ones(len(questions), dtype=bool))
        self.dense_logged.add(vectors)
        for question in questions:
            self.lexical_logged.add(message_of(question.text))

    def compacted(self) -> Index:
        """A new index of the living rows, in memory, without encoding: what ``save`` writes of a changed index."""
        with self._writing:
            rows = np.flatnonzero(self.columns.alive.all())
            answered = self.rows_of(np.arange(len(self.asked)))
            gone = (self.asked.answer.all() != NO_ROW) & ~self.columns.alive.all()[answered]
            places = np.flatnonzero(self.asked.alive.all() & ~gone)
            return Index.of(
                [self.answers[row] for row in rows.tolist()],
                [self.logged[place] for place in places.tolist()],
                _halved(self.dense, rows),
                _halved(self.dense_logged, places),
            )

    def save(self, layout: IndexLayout) -> None:
        """Writes the files of an index, of the living rows only; the manifest is the caller's."""
        if self.version:
            self.compacted().save(layout)
            return
        self.answers.save(layout.answers)
        self.logged.save(layout.questions)
        self.dense.save(layout.dense)
        self.dense_logged.save(layout.dense_questions)
        self.lexical.save(layout.lexical / "answers")
        self.lexical_logged.save(layout.lexical / "questions")
        self.columns.save(layout.columns)
        self.asked.save(layout.columns)
        self.row_of.save(layout.columns)

    @classmethod
    def load(cls, layout: IndexLayout) -> Index:
        """Opens what ``save`` wrote: text is read when it is needed, arrays are mapped.

        Raises:
            InputError: A file is missing or broken, the files do not belong together, or an older version made them.
        """
        if layout.answers.is_file() and not layout.columns.is_dir():
            raise _refused(layout, "the files of an older version")
        answers = Shelf.load(layout.answers, Answer)
        try:
            columns, asked, row_of = (
                Columns.load(layout.columns),
                Asked.load(layout.columns),
                Ids.load(layout.columns, answers),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _refused(layout, str(error)) from error
        index = cls(
            answers,
            Shelf.load(layout.questions, Logged),
            VectorIndex.load(layout.dense),
            VectorIndex.load(layout.dense_questions),
            Lexical.load(layout.lexical / "answers"),
            Lexical.load(layout.lexical / "questions"),
            columns,
            asked,
            row_of,
        )
        sizes = {len(index.answers), len(index.dense), index.lexical.size, len(columns)}
        asked_sizes = {len(index.logged), len(index.dense_logged), index.lexical_logged.size, len(asked)}
        if len(sizes) > 1 or len(asked_sizes) > 1:
            raise _refused(layout, "files of different lengths")
        return index

    def rows_of(self, places: Rows) -> Rows:
        """(n,) the row of the answer that each of these logged texts got, as it is now, or ``NO_ROW``."""
        return self._now(self.asked.answer.at(places))

    @property
    def logged_rows(self) -> Rows:
        """(logged,) row of the answer that each got, as it is now, or ``NO_ROW``."""
        return self._now(self.asked.answer.all())

    def _now(self, rows: Rows) -> Rows:
        """Rows after the replacements since it was built."""
        old, new = self._moved
        if not len(old):
            return rows
        place = np.minimum(np.searchsorted(old, rows), len(old) - 1)
        return np.where(old[place] == rows, new[place], rows)

    @property
    def book(self) -> AnswerBook:
        """The answers by id."""
        return AnswerBook(self.answers)

    @property
    def sayable(self) -> NDArray[np.bool_]:
        """(answers,) whether the bot may say it."""
        return self.columns.sayable.all() & self.columns.alive.all()

    @property
    def in_scope(self) -> NDArray[np.bool_]:
        """(logged,) False for the examples of what is out of scope."""
        return self.asked.in_scope.all()

    @property
    def languages(self) -> NDArray[np.str_]:
        """(answers,) language codes."""
        names = np.array(self.columns.names["language"] or [""], dtype=np.str_)
        return np.asarray(names[self.columns.language.all()])


def outcomes(
    rows: Rows, counts: NDArray[np.float32], weights: NDArray[np.float32], *, size: int
) -> NDArray[np.float32]:
    """(size,) -0.5..0.5: mean ``Example.weight`` less 1 where an answer was given, drawn to 0 where that was seldom.

    Args:
        rows: (logged,) of the answer that each got, or ``NO_ROW``.
        counts: (logged,) how often.
        weights: (logged,) mean weight.
        size: Number of answers.
    """
    there = rows != NO_ROW
    above = (weights - np.float32(1))[there] * counts[there]
    total = np.bincount(rows[there], weights=above, minlength=size)
    given = np.bincount(rows[there], weights=counts[there], minlength=size)
    return np.asarray(total / (given + _UNKNOWN_OUTCOMES), dtype=np.float32)


def _halved(vectors: VectorIndex, rows: Rows) -> NDArray[Any]:
    """(n, dim) these rows; in half precision where they are so many that they are kept so anyway."""
    out = np.empty((len(rows), vectors.dim), dtype=np.float32 if len(rows) <= FLAT_UP_TO else np.float16)
    for start in range(0, len(rows), FLAT_UP_TO):
        out[start : start + FLAT_UP_TO] = vectors.vectors(rows[start : start + FLAT_UP_TO])
    return out


def _refused(layout: IndexLayout, got: str) -> InputError:
    next_step = "Run `careline index build` again."
    return InputError(str(layout.folder), got=got, expected="an index of this version", next_step=next_step)


def _encode_once(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Vectors of texts of which many repeat, as first questions do."""
    distinct = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return encoder.encode(list(distinct))[[distinct[text] for text in texts]]
