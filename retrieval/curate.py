"""Answers that people write, reword or withdraw: each change is a record of the workspace's journal.

Nothing is built and nothing restarted: whoever serves reads the journal on. Neither FAISS nor an encoder is needed.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from data.errors import InputError
from data.schema import Answer, Audience
from data.workspace import Workspace
from retrieval.answers import AnswerBook, applied, is_sayable
from retrieval.journal import Change, Follower, Journal, Kind, Rewound, standing
from retrieval.lexical import language_of
from retrieval.relearn import WITHDRAWN, take_over_changes

MOST_TEXT, MOST_QUESTION = 20_000, 2_000
"""Characters; the encoder reads about 500 of them, and a bubble with more than 20,000 is a document."""

SHOWN_QUESTIONS = 5


@dataclass(frozen=True)
class Details:
    """What a person may say of an answer beside its text; None leaves it as it is.

    Attributes:
        language: ``en``, ``zh`` or another code; by default that of the text.
        site: See ``data.schema.Answer``, as for the others.
    """

    language: str | None = None
    site: str | None = None
    title: str | None = None
    url: str | None = None
    tags: tuple[str, ...] | None = None
    products: tuple[str, ...] | None = None
    valid_from: float | None = None
    valid_until: float | None = None
    audience: Audience | None = None

    def given(self) -> dict[str, Any]:
        """What was said."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


@dataclass
class Curator:
    """Changes answers of a workspace and knows what was changed.

    Attributes:
        base: The answers as the index that serves was built with.
        journal: Where changes go.
    """

    base: AnswerBook
    journal: Journal
    changes: list[Change] = field(default_factory=list)
    _of: dict[str, list[Change]] = field(default_factory=dict)
    _follower: Follower | None = None

    @classmethod
    def open(cls, workspace: Workspace) -> Curator:
        """Opens the answers that serve, and the journal; takes over what an index of the old way lists.

        Raises:
            InputError: Nothing was learned, or a file is damaged.
        """
        index, journal = workspace.live_index(), Journal(workspace.changes)
        take_over_changes(journal, index)
        return cls(AnswerBook.open(index), journal)

    def add(self, question: str, text: str, *, by: str = "", details: Details | None = None) -> Change:
        """Adds an answer with a question that it answers; an answer that is there already gets the question.

        What was said of that answer before and is not said anew stays: one for agents does not become public because
        somebody adds a question to it.

        Args:
            question: What a customer might ask.
            text: What the bot shall say.
            by: Who adds it; the user of the operating system by default.
            details: For whom, where and when it is.

        Raises:
            InputError: The text or the question is empty or very long, or the text holds an unfilled placeholder.
        """
        details = details or Details()
        answer = _written(text, details)
        with self.journal.writing() as writer:
            before, asked = self._current(answer.id), self.questions(answer.id)
            state = answer if before is None else _added_again(before, answer, details)
            questions = _with(asked, _question(question))
            state = replace(state, questions=_with(state.questions, question)[-SHOWN_QUESTIONS:])
            _check_dates(state)
            return writer.append(Change("add", _who(by), state, questions, before, asked))[0]

    def change(
        self,
        answer_id: str,
        *,
        text: str | None = None,
        questions: Sequence[str] = (),
        by: str = "",
        details: Details | None = None,
    ) -> Change:
        """Rewords an answer, gives it more questions, or says anew for whom, where and when it is. Its id stays.

        Raises:
            InputError: There is no such answer, or nothing or nothing sayable is left of it.
        """
        with self.journal.writing() as writer:
            before, asked = self._known(answer_id), self.questions(answer_id)
            more = tuple(_question(question) for question in questions)
            new = {} if text is None else _reworded(_written(text, details or Details()))
            shown = _with(before.questions, *more)[-SHOWN_QUESTIONS:]
            state = replace(before, **{**new, **(details or Details()).given(), "questions": shown})
            _check_dates(state)
            record = Change("change", _who(by), state, _with(asked, *more), before, asked)
            if state == before and not record.added:
                raise InputError(
                    f"answer {answer_id}", got="no change", expected="another text, a question or a detail",
                    next_step="See `careline index change --help`.",
                )  # fmt: skip
            return writer.append(record)[0]

    def remove(self, answer_id: str, *, by: str = "") -> Change:
        """Withdraws an answer: it is never said again, until it is restored.

        Raises:
            InputError: There is no such answer, or it is withdrawn already.
        """
        with self.journal.writing() as writer:
            before, asked = self._known(answer_id), self.questions(answer_id)
            if before.held_back == WITHDRAWN:
                raise _twice(answer_id, "withdrawn already", "an answer that is said")
            state = replace(before, reusable=False, held_back=WITHDRAWN)
            return writer.append(Change("remove", _who(by), state, asked, before, asked))[0]

    def restore(self, answer_id: str, *, by: str = "") -> Change:
        """Lets an answer be said again that was withdrawn, or that learning has held back.

        Raises:
            InputError: There is no such answer, it is said already, or it holds an unfilled placeholder.
        """
        with self.journal.writing() as writer:
            before, asked = self._known(answer_id), self.questions(answer_id)
            if before.reusable:
                raise _twice(answer_id, "an answer that is not withdrawn", "one that is")
            state = replace(before, reusable=True, held_back=None, superseded_by=None)
            _check_sayable(state)
            return writer.append(Change("restore", _who(by), state, asked, before, asked))[0]

    def undo(self, number: int | None = None, *, by: str = "") -> Change:
        """Takes a change back.

        Args:
            number: Of the change; the last that stands by default.
            by: Who takes it back.

        Raises:
            InputError: There is none, it was taken back already, or a later one changed the same answer.
        """
        with self.journal.writing() as writer:
            self._refresh()
            change = self._to_undo(number)
            back = change.before or replace(change.answer, reusable=False, held_back=WITHDRAWN)
            kind = _opposite(change, back)
            record = Change(kind, _who(by), back, change.asked_before, change.answer, change.questions, change.number)
            return writer.append(record)[0]

    def history(self, answer_id: str | None = None) -> list[Change]:
        """All changes, or those of one answer, oldest first.

        Raises:
            InputError: The journal is damaged.
        """
        self._refresh()
        return [change for change in self.changes if answer_id in (None, change.answer.id)]

    def questions(self, answer_id: str) -> tuple[str, ...]:
        """The questions that people gave to an answer."""
        self._refresh()
        return self._of[answer_id][-1].questions if answer_id in self._of else ()

    def _to_undo(self, number: int | None) -> Change:
        stand = standing(self.changes)
        if number is None:
            found = stand[-1:]
        else:
            undone = {change.undoes for change in self.changes}
            undoes = [c for c in self.changes if c.undoes is not None and c.number not in undone]
            found = [change for change in (*stand, *undoes) if change.number == number]
        if not found:
            raise InputError(
                "the journal" if number is None else f"change {number}", got="no change that stands",
                expected="one that was not taken back", next_step="See `careline index history`.",
            )  # fmt: skip
        later = [c.number for c in stand if c.answer.id == found[0].answer.id and c.number > found[0].number]
        if later:
            raise InputError(
                f"change {number}", got=f"a later change of the same answer, {later[-1]}", expected="the last of it",
                next_step=f"Undo {later[-1]} first, or change the answer anew.",
            )  # fmt: skip
        return found[0]

    def _current(self, answer_id: str) -> Answer | None:
        """The answer as it is now: what the index was built with, and the changes after it."""
        self._refresh()
        now = self.base.get(answer_id)
        for change in self._of.get(answer_id, ()):
            now = applied(change, now)
        return now

    def _known(self, answer_id: str) -> Answer:
        found = self._current(answer_id)
        if found is None:
            raise InputError(
                f"answer {answer_id}", got="no such id in the index", expected="an id from `careline index search`",
                next_step="Search for it first.",
            )  # fmt: skip
        return found

    def _refresh(self) -> None:
        try:
            self._follower = self._follower or Follower(self.journal.path)
            new = self._follower.new()
        except Rewound:
            self._follower, self.changes, self._of = Follower(self.journal.path), [], {}
            new = self._follower.new()
        self.changes += new
        for change in new:
            self._of.setdefault(change.answer.id, []).append(change)


def _opposite(change: Change, back: Answer) -> Kind:
    if not back.reusable:
        return "remove"
    return "change" if change.answer.reusable else "restore"


def _written(text: str, details: Details) -> Answer:
    """An answer that a person wrote; its id follows the text."""
    said = text.strip()
    digest = hashlib.sha256(" ".join(said.lower().split()).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    made = Answer(
        id=f"c{digest}", text=said, language=language_of(said), support=0, last_used=float(int(time.time())),
        source="curated",
    )  # fmt: skip
    made = replace(made, **details.given())
    _check_sayable(made)
    _check_length("the new answer", said, MOST_TEXT)
    _check_dates(made)
    return made


def _reworded(new: Answer) -> dict[str, Any]:
    """What another text changes; what the old one was made from does not go with it."""
    return {"text": new.text, "language": new.language, "source": "curated", "template": None, "slots": ()}


def _check_dates(answer: Answer) -> None:
    if answer.valid_from is not None and answer.valid_until is not None and answer.valid_from >= answer.valid_until:
        raise InputError(
            "the answer", got="an end that is not after its beginning", expected="--from before --until",
            next_step="Correct the dates.",
        )  # fmt: skip


def _check_sayable(answer: Answer) -> None:
    if not is_sayable(answer):
        raise InputError(
            "the answer", got=repr(answer.text[:200]),
            expected="text without unfilled places such as <NAME> or {slot}", next_step="Write it out.",
        )  # fmt: skip


def _question(text: str) -> str:
    asked = text.strip()
    if not asked:
        raise InputError("the question", got=repr(text), expected="what a customer might ask", next_step="Write one.")
    _check_length("the question", asked, MOST_QUESTION)
    return asked


def _check_length(thing: str, text: str, most: int) -> None:
    if len(text) > most:
        raise InputError(
            thing, got=f"{len(text):,} characters", expected=f"at most {most:,}", next_step="Say it in fewer words."
        )


def _added_again(known: Answer, new: Answer, details: Details) -> Answer:
    """An answer that is there already as it is once it is added again: said, in the new spelling."""
    again = {"text": new.text, "last_used": new.last_used, "source": new.source, "reusable": True, "held_back": None}
    return replace(known, **{**again, "superseded_by": None, **details.given()})


def _with(questions: Sequence[str], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*questions, *(question.strip() for question in more))))


def _twice(answer_id: str, got: str, expected: str) -> InputError:
    return InputError(f"answer {answer_id}", got=got, expected=expected, next_step="See `careline index history`.")


def _who(by: str) -> str:
    if by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())
