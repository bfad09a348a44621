"""Tables of questions and answers: one answer for each, with every question that asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from data.articles.answers import TITLE_JOINT, answer_id, language_of, with_meta
from data.articles.chunks import MOST_CHARACTERS, pack
from data.articles.document import LeftOutError, address, one_line, plain
from data.articles.options import Options
from data.articles.pages import read_page
from data.articles.tables import QUESTION_FIELDS, Table, columns_of
from data.schema import Answer

MOST_QUESTIONS = 50
"""Of one answer: more ways of asking teach nothing new."""

_META = ("language", "tags", "products", "site", "audience", "valid_from", "valid_until")


class Report(Protocol):
    """Takes what could not be used: where it stands, and why."""

    def __call__(self, place: str, reason: str) -> None:
        """See the class."""


@dataclass
class _Entry:
    """An answer with its questions, as the rows tell them."""

    text: str
    common: Options
    title: str
    url: str
    key: str
    questions: list[str] = field(default_factory=list)


def answers_of_questions(table: Table, place: str, options: Options, report: Report) -> list[Answer]:
    """The answers of a table; rows with the same answer are one answer with several questions.

    An id follows the row's own id or the first question, so that an edited answer keeps it.

    Args:
        table: Opened.
        place: Path of the file within the source.
        options: Of the source.
        report: Called for each row that is left out.

    Raises:
        InputError: ``--map`` names a column that is not there.
        LeftOutError: There is no column of questions or of answers, or no usable row.
    """
    columns = columns_of(table.header, options.mapping, QUESTION_FIELDS)
    if missing := [name for name in ("question", "answer") if name not in columns]:
        raise LeftOutError(f"no column of the {missing[0]}; name it: --map {missing[0]}=COLUMN")
    entries: dict[tuple[str, Options], _Entry] = {}
    for line, values in table.rows():
        row = {name: values[at] for name, at in columns.items()}
        try:
            entry = _entry(row, options)
        except LeftOutError as error:
            report(f"{place} row {line}", str(error))
            continue
        known = entries.setdefault((entry.text, entry.common), entry)
        known.questions += [q for q in entry.questions if q not in known.questions]
    for problem in table.broken:
        report(f"{place} line {problem.line}", f"{problem.got}; expected {problem.expected}")
    if not entries:
        raise LeftOutError("no row with a question and its answer")
    return list(_answers(list(entries.values()), options))


def _entry(row: dict[str, str], options: Options) -> _Entry:
    question, text = one_line(row["question"]), text_of(row["answer"])
    if not question or not text:
        raise LeftOutError("no question" if not question else "no answer")
    common = with_meta(options, {name: row.get(name, "") for name in _META})
    common = replace(common, language=common.language or language_of(text))
    url = address(row.get("url", ""))
    return _Entry(text, common, one_line(row.get("title", "")), url, row.get("id", ""), [question])


def text_of(cell: str) -> str:
    """A cell's text; its HTML, if it holds any, is read as a page is."""
    if "<" in cell and ">" in cell:
        cell = "\n\n".join(block.text for block in read_page(f"<body>{cell}</body>").blocks if block.text)
    return plain(cell)


def _answers(entries: list[_Entry], options: Options) -> Iterator[Answer]:
    seen: Counter[str] = Counter()
    for entry in entries:
        key = entry.key or entry.questions[0]
        stem = answer_id("h", options.name, key, str(seen[key]))
        seen[key] += 1
        for number, piece in enumerate(pack([entry.text], MOST_CHARACTERS)):
            yield Answer(
                id=f"{stem}#{number}",
                text=piece,
                language=entry.common.language or "en",
                questions=tuple(entry.questions[:MOST_QUESTIONS]) if not number else (),
                source="article",
                title=TITLE_JOINT.join(filter(None, (entry.title, entry.questions[0]))),
                **entry.common.to_answer(),
                url=entry.url or None,
            )
