"""A folder, a document, a table or a feed to answers: the one door of this package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data.articles.answers import answers_of
from data.articles.catalogue import answers_of_product
from data.articles.document import LeftOutError
from data.articles.faq import answers_of_questions
from data.articles.feed import read_feed
from data.articles.folder import FEEDS, TABLES, File, check_size, files_of, read_document
from data.articles.options import Options, check_options
from data.articles.products import Catalogue
from data.articles.tables import Table, kind_of, parse_map
from data.errors import InputError
from data.progress import Progress
from data.schema import Answer


@dataclass
class Imported:
    """What a source came to.

    Attributes:
        answers: Each id once.
        left_out: (place, reason) of what is no answer.
        remarks: (place, remark) of what a person should know.
        files: How many were read.
        kinds: How many of them were of each kind.
    """

    answers: list[Answer] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    files: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def leave_out(self, place: str, reason: str) -> None:
        """Notes a file, a row or a chunk that is no answer."""
        self.left_out.append((_shown(place), reason))

    def remark(self, place: str, told: str) -> None:
        """Notes what a person should know of a file."""
        self.remarks.append((_shown(place), told))


def _shown(place: str) -> str:
    """Names of files and headings may hold anything, also what a terminal obeys."""
    return "".join(c if c.isprintable() else "?" for c in place)[:200]


def read_source(
    path: Path,
    options: Options,
    *,
    unsayable: Callable[[str], bool] = lambda text: False,
    progress: Progress | None = None,
) -> Imported:
    """Reads everything in a source; nothing is written.

    Args:
        path: A folder, or one file.
        options: How, and for whom.
        unsayable: Tells a text that must not be said, since something in it was never filled in.
        progress: Where a bar is shown.

    Returns:
        The answers, and what was left out.

    Raises:
        InputError: No such path, wrong options, or nothing in it can be read: then the last reason is told.
    """
    check_options(options)
    parse_map(options.mapping)
    made = Imported()
    files = files_of(path, made.leave_out)
    answers: list[Answer] = []
    for file in (progress or Progress(None)).over(f"read {path.name}", files):
        try:
            check_size(file)
            kind, found = _answers(file, options, made)
            answers += found
            made.files += 1
            made.kinds[kind] += 1
        except LeftOutError as error:
            made.leave_out(file.place, str(error))
    made.answers = list(_usable(answers, made, unsayable))
    if not made.answers:
        place, reason = made.left_out[-1] if made.left_out else ("", "nothing that can be an answer")
        told = str(path / place) if path.is_dir() and place else str(path)
        raise InputError(
            told, got=reason, expected="articles or a catalogue", next_step="Mend the file and import it again."
        )
    return made


def _answers(file: File, options: Options, made: Imported) -> tuple[str, list[Answer]]:
    """What a file is and its answers; what of it is none goes into ``made``."""
    if file.ending in FEEDS:
        header, rows = read_feed(file.path)
        return "catalogue", _of_catalogue(header, rows, file, options, made)
    if file.ending in TABLES:
        table = Table(file.path)
        kind = kind_of(table.header, options.mapping, options.kind)
        if kind == "questions":
            return kind, answers_of_questions(table, file.place, options, made.leave_out)
        found = _of_catalogue(table.header, table.rows(), file, options, made)
        for problem in table.broken:
            made.leave_out(f"{file.place} line {problem.line}", f"{problem.got}; expected {problem.expected}")
        return kind, found
    document = read_document(file)
    found = list(answers_of(document, file.place, options))
    if document.hidden:
        made.remark(file.place, f"{document.hidden:,} hidden characters were not read")
    if not found:
        raise LeftOutError("headings without a text under them")
    return "articles", found


def _of_catalogue(
    header: list[str], rows: Iterable[tuple[int, list[str]]], file: File, options: Options, made: Imported
) -> list[Answer]:
    catalogue = Catalogue(header, mapping=options.mapping, currency=options.currency)
    products = catalogue.products(rows, file.place, made.leave_out)
    if not products:
        raise LeftOutError("no product with a name")
    if catalogue.unread:
        made.remark(file.place, f"columns that are not said to customers: {', '.join(catalogue.unread)[:300]}")
    if "price" in catalogue.columns and not any(product.prices or product.local_prices for product in products):
        made.remark(file.place, "prices without a currency are left out: name it with --currency EUR")
    answers: list[Answer] = []
    for product in products:
        try:
            answers += answers_of_product(product, catalogue.known, options)
        except LeftOutError as error:
            made.leave_out(f"{file.place} {product.id}", str(error))
    return answers


def _usable(answers: Iterable[Answer], made: Imported, unsayable: Callable[[str], bool]) -> Iterator[Answer]:
    """Answers whose id is new and whose text can be said."""
    seen: set[str] = set()
    for answer in answers:
        if answer.id in seen:
            made.leave_out(answer.title or answer.id, "an id that an earlier document or row has")
        elif unsayable(answer.text):
            made.leave_out(answer.title or answer.id, "a place that was never filled in, such as {name} or <NAME>")
        else:
            seen.add(answer.id)
            yield answer
