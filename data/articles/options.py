"""What a person says about a source when it is imported."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, Literal, get_args

from data.articles.document import ADDRESS
from data.errors import InputError
from data.schema import Audience

Kind = Literal["questions", "catalogue"]
"""What a table is: questions with answers, or products."""

_OF_TABLES: tuple[Kind, ...] = get_args(Kind)
LANGUAGE = re.compile("[a-z]{2,3}")

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")

_OF_ANSWERS = ("site", "tags", "products", "valid_from", "valid_until", "audience")


@dataclass(frozen=True)
class Options:
    """How a source is read and for whom its answers are; what a document says of itself comes before all but language.

    Attributes:
        name: Of the source: lower case letters, digits, ``-``, ``_``, ``.``.
        site: The site it is for; empty: every site.
        audience: Who may see it.
        tags: To filter by.
        products: The products it is about.
        language: Of all answers; None detects it for each. Of a catalogue: the only language that answers are in.
        valid_from: Unix seconds, or None.
        valid_until: Unix seconds, or None.
        url_prefix: What a file's path within the source is put after, to make the address of an article.
        mapping: ``field=column`` pairs for tables.
        currency: ISO code of a catalogue's prices where it does not say.
        kind: What a table is; None recognises it. A feed is a catalogue.
    """

    name: str
    site: str = ""
    audience: Audience = "public"
    tags: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    language: str | None = None
    valid_from: float | None = None
    valid_until: float | None = None
    url_prefix: str = ""
    mapping: str | None = None
    currency: str = ""
    kind: Kind | None = None

    def to_answer(self) -> dict[str, Any]:
        """What every answer of the source has from it, as arguments of `Answer`; the language is each answer's own."""
        return {name: getattr(self, name) for name in _OF_ANSWERS}

    def to_json(self) -> dict[str, Any]:
        """What differs from the defaults, for ``source.json``."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "", ()) and key != "name"}


def check_options(options: Options) -> None:
    """Refuses what no source can have.

    Raises:
        InputError: A name that is no folder's, an unknown audience, kind, language or currency, dates that exclude each
            other, a prefix that is no address.
    """
    if not NAME.fullmatch(options.name):
        raise InputError(
            "--name",
            got=repr(options.name[:60]),
            expected="lower case letters, digits, - _ .",
            next_step="Write --name help.",
        )
    if options.audience not in get_args(Audience):
        raise InputError(
            "--audience",
            got=repr(options.audience[:60]),
            expected=", ".join(get_args(Audience)),
            next_step="Write --audience public.",
        )
    if options.kind not in (None, *_OF_TABLES):
        raise InputError(
            "--kind",
            got=repr(str(options.kind)[:60]),
            expected=" or ".join(_OF_TABLES),
            next_step="Leave it out to have it recognised.",
        )
    if options.language is not None and not LANGUAGE.fullmatch(options.language):
        raise InputError(
            "--language",
            got=repr(options.language[:60]),
            expected="a code of two or three small letters",
            next_step="Write --language zh.",
        )
    if options.currency and not re.fullmatch("[A-Z]{3}", options.currency):
        raise InputError("--currency", got=repr(options.currency[:20]), expected="an ISO code", next_step="Write EUR.")
    if options.url_prefix and not ADDRESS.fullmatch(options.url_prefix):
        raise InputError(
            "--url-prefix",
            got=repr(options.url_prefix[:60]),
            expected="http:// or https://",
            next_step="Write --url-prefix https://www.example.com/help/.",
        )
    if options.valid_from is not None and options.valid_until is not None and options.valid_from >= options.valid_until:
        raise InputError(
            "--valid-until", got="a time before --valid-from", expected="a later one", next_step="Mend the dates."
        )


def read_moment(text: str, thing: str) -> float:
    """Unix seconds of ``2026-12-24`` or ``2026-12-24T18:00+01:00``; without a zone it is UTC.

    Raises:
        InputError: No such date.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise InputError(
            thing, got=repr(text[:40]), expected="a date such as 2026-12-24", next_step="Mend it."
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
