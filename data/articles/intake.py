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
        """Notes a file, a row or a chunk that is no answer; names of files may hold anything, so they are cut."""
        self.left_out.append(("".join(c if c.isprintable() else "?" for c in place)[:200], reason))


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
        InputError: No such path, wrong options, or nothing in it can be read: then the first reason is told.
    """
    check_options(options)
    parse_map(options.mapping)
    made = Imported()
    files = files_of(path, made.leave_out)
    answers: list[Answer] = []
    for file in (progress or Progress(None)).over(f"read {path.name}", files):
        try:
            check_size(file)
            answers += list(_answers(file, options, made))
            made.files += 1
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


def _answers(file: File, options: Options, made: Imported) -> Iterator[Answer]:
    if file.ending in FEEDS:
        header, rows = read_feed(file.path)
        yield from _catalogue(header, rows, file, options, made)
    elif file.ending in TABLES:
        table = Table(file.path)
        if kind_of(table.header, options.mapping, options.kind) == "questions":
            made.kinds["questions"] += 1
            yield from answers_of_questions(table, file.place, options, made.leave_out)
        else:
            yield from _catalogue(table.header, table.rows(), file, options, made)
            for problem in table.broken:
                made.leave_out(f"{file.place} line {problem.line}", f"{problem.got}; expected {problem.expected}")
    else:
        document = read_document(file)
        made.kinds["articles"] += 1
        if document.hidden:
            made.remarks.append((file.place, f"{document.hidden:,} hidden characters were not read"))
        yield from answers_of(document, file.place, options)


def _catalogue(
    header: list[str], rows: Iterable[tuple[int, list[str]]], file: File, options: Options, made: Imported
) -> Iterator[Answer]:
    catalogue = Catalogue(header, mapping=options.mapping, currency=options.currency)
    products = catalogue.products(rows, file.place, made.leave_out)
    if not products:
        raise LeftOutError("no product with a name")
    made.kinds["catalogue"] += 1
    if catalogue.unread:
        made.remarks.append(
            (file.place, f"columns that are not said to customers: {', '.join(catalogue.unread)[:300]}")
        )
    if "price" in catalogue.columns and not any(product.prices or product.local_prices for product in products):
        made.remarks.append((file.place, "prices without a currency are left out: name it with --currency EUR"))
    for product in products:
        try:
            yield from answers_of_product(product, catalogue.known, options)
        except LeftOutError as error:
            made.leave_out(f"{file.place} {product.id}", str(error))


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
