"""``careline index add | change | remove | restore | undo | history | compact``: answers that people write."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from data.errors import InputError
from data.workspace import find_workspace

if TYPE_CHECKING:
    from retrieval.curate import Curator, Details
    from retrieval.journal import Change

_WORKSPACE = Annotated[
    str | None,
    typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
]
_JSON = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
_BY = Annotated[str, typer.Option("--by", help="Who does it; your user name by default.")]
_ID = Annotated[str, typer.Argument(help="Id of the answer, as `careline index search` shows it.")]
_LANGUAGE = Annotated[str | None, typer.Option(help="en, zh or another code; that of the text by default.")]
_SITE = Annotated[str | None, typer.Option(help="The site it is for; every site by default.")]
_TITLE = Annotated[str | None, typer.Option(help="Where it stands, for people.")]
_URL = Annotated[str | None, typer.Option(help="Where a customer may read it.")]
_TAG = Annotated[list[str] | None, typer.Option(help="A word to filter by; may be repeated.")]
_PRODUCT = Annotated[list[str] | None, typer.Option(help="A product it is about; may be repeated.")]
_FROM = Annotated[str | None, typer.Option("--from", help="First day on which it is said, such as 2026-12-01 (UTC).")]
_UNTIL = Annotated[str | None, typer.Option("--until", help="First day on which it is said no more (UTC).")]
_AUDIENCE = Annotated[
    Literal["public", "signed_in", "agents"] | None, typer.Option(help="Who may see it: anybody by default.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to ``careline index``."""
    for command in (add, change, remove, restore, undo, history, compact):
        app.command()(command)


def add(
    question: Annotated[str, typer.Argument(help="What a customer might ask.")],
    answer: Annotated[str, typer.Argument(help="What the bot shall say.")],
    language: _LANGUAGE = None,
    site: _SITE = None,
    title: _TITLE = None,
    url: _URL = None,
    tag: _TAG = None,
    product: _PRODUCT = None,
    valid_from: _FROM = None,
    valid_until: _UNTIL = None,
    audience: _AUDIENCE = None,
    by: _BY = "",
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Add an answer written by hand; it is said from now on.

    Example: `careline index add "Are you open at Easter?" "We are closed from Good Friday to Easter Monday."
    --until 2027-04-06 --by anna`
    """
    details = _details(language, site, title, url, tag, product, valid_from, valid_until, audience)
    _tell(_curator(workspace).add(question, answer, by=by, details=details), as_json=as_json)


def change(
    answer: _ID,
    text: Annotated[str | None, typer.Option(help="What the bot shall say instead.")] = None,
    question: Annotated[list[str] | None, typer.Option(help="A further question that it answers.")] = None,
    language: _LANGUAGE = None,
    site: _SITE = None,
    title: _TITLE = None,
    url: _URL = None,
    tag: _TAG = None,
    product: _PRODUCT = None,
    valid_from: _FROM = None,
    valid_until: _UNTIL = None,
    audience: _AUDIENCE = None,
    by: _BY = "",
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Reword an answer, give it more questions, or say for whom and when it is. What is not named stays.

    Example: `careline index change 3f2a90c1b7de --text "Delivery takes two working days." --by anna`
    """
    details = _details(language, site, title, url, tag, product, valid_from, valid_until, audience)
    curator = _curator(workspace)
    _tell(curator.change(answer, text=text, questions=question or (), by=by, details=details), as_json=as_json)


def remove(answer: _ID, by: _BY = "", workspace: _WORKSPACE = None, as_json: _JSON = False) -> None:
    """Never say an answer again, also after learning anew, until it is restored.

    Example: `careline index remove 3f2a90c1b7de --by anna`
    """
    _tell(_curator(workspace).remove(answer, by=by), as_json=as_json)


def restore(answer: _ID, by: _BY = "", workspace: _WORKSPACE = None, as_json: _JSON = False) -> None:
    """Let an answer be said again that was removed, or that learning held back.

    Example: `careline index restore 3f2a90c1b7de`
    """
    _tell(_curator(workspace).restore(answer, by=by), as_json=as_json)


def undo(
    number: Annotated[int | None, typer.Argument(help="Of the change; the last one by default.")] = None,
    by: _BY = "",
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Take a change back. An undo can be undone by its own number.

    Example: `careline index undo`, or `careline index undo 12`
    """
    _tell(_curator(workspace).undo(number, by=by), as_json=as_json)


def history(
    answer: Annotated[str | None, typer.Argument(help="Id of one answer; all by default.")] = None,
    last: Annotated[int, typer.Option("-n", "--last", min=1, help="So many, the newest.")] = 20,
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Who changed which answer, and when.

    Example: `careline index history 3f2a90c1b7de`
    """
    changes = _curator(workspace).history(answer)[-last:]
    if as_json:
        print(json.dumps({"changes": [change.to_json() for change in changes]}, ensure_ascii=False))
        return
    for change in changes:
        print(_line(change))
    if not changes:
        print("Nobody changed anything.")


def compact(
    least: Annotated[int, typer.Option(min=1, help="Do nothing for fewer changes.")] = 1,
    gently: Annotated[bool, typer.Option("--gently", help="Let everything else on the machine go first.")] = False,
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Make one new index of the live one and the changes after it. Serving does it by itself when they are many.

    Example: `careline index compact`
    """
    from retrieval.compact import AtWork
    from retrieval.compact import compact as compacted

    if gently:
        os.nice(15)
    try:
        made = compacted(find_workspace(workspace), least=least)
    except AtWork:
        if not gently:
            raise
        return
    if as_json:
        print(json.dumps({"index": made.folder.name if made else None}))
    else:
        print(f"index {made.folder.name} serves" if made else "nothing to do")


def _curator(workspace: str | None) -> Curator:
    from retrieval.curate import Curator

    return Curator.open(find_workspace(workspace))


def _details(
    language: str | None,
    site: str | None,
    title: str | None,
    url: str | None,
    tags: list[str] | None,
    products: list[str] | None,
    valid_from: str | None,
    valid_until: str | None,
    audience: Literal["public", "signed_in", "agents"] | None,
) -> Details:
    from retrieval.curate import Details

    return Details(
        language=language,
        site=site,
        title=title,
        url=url,
        tags=None if tags is None else tuple(filter(None, tags)),
        products=None if products is None else tuple(filter(None, products)),
        valid_from=_seconds("--from", valid_from),
        valid_until=_seconds("--until", valid_until),
        audience=audience,
    )


def _seconds(option: str, day: str | None) -> float | None:
    if day is None:
        return None
    try:
        when = datetime.fromisoformat(day)
    except ValueError as error:
        raise InputError(
            option, got=repr(day), expected="a day such as 2026-12-01, or 2026-12-01T09:00+01:00",
            next_step="Correct it.",
        ) from error  # fmt: skip
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()


def _tell(change: Change, *, as_json: bool) -> None:
    if as_json:
        row: dict[str, Any] = {"answer": change.answer.id, "change": change.number, "kind": change.kind}
        print(json.dumps(row | ({} if change.undoes is None else {"undoes": change.undoes})))
    else:
        print(_line(change))


def _line(change: Change) -> str:
    when = datetime.fromtimestamp(change.time, tz=timezone.utc).strftime("%Y-%m-%d %H:%M")
    undone = f" (takes back {change.undoes})" if change.undoes is not None else ""
    text = " ".join(change.answer.text.split())
    return f"{change.number} {when} {change.by}: {change.kind} {change.answer.id}{undone}: {text[:80]}"
