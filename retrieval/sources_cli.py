"""``careline index import``, ``sources`` and ``drop``: articles and catalogues that answer beside the logs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.articles.options import Options, read_moment
from data.commands import AsJson, Place
from data.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from rich.console import Console

    from data.articles.intake import Imported
    from data.articles.sources import Difference

app = typer.Typer()

_BUILD = Annotated[bool, typer.Option("--build/--no-build", help="Whether the bot shall answer from it at once.")]
_SHOWN = 10


@app.command("import")
def import_(
    path: Annotated[
        Path, typer.Argument(help="A folder of Markdown, HTML, DOCX, PDF and tables; or one file; or a product feed.")
    ],
    name: Annotated[str, typer.Option("--name", help="Of the source; importing under it again replaces it.")] = "help",
    site: Annotated[str, typer.Option(help="The site it is for; every site by default.")] = "",
    audience: Annotated[str, typer.Option(help="public, signed_in or agents.")] = "public",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A word to filter by; may be repeated.")] = None,
    product: Annotated[
        list[str] | None, typer.Option("--product", help="Id of a product it is about; may be repeated.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="en, zh or another code; detected by default.")] = None,
    valid_from: Annotated[str | None, typer.Option(help="Not said before this date: 2026-12-01.")] = None,
    valid_until: Annotated[str | None, typer.Option(help="Not said from this date on.")] = None,
    url_prefix: Annotated[str, typer.Option(help="Address that a file's path is put after.")] = "",
    map: Annotated[str | None, typer.Option("--map", help="Columns of a table: question=Frage,answer=Antwort.")] = None,
    currency: Annotated[str, typer.Option(help="Of prices that come without one: EUR.")] = "",
    kind: Annotated[str | None, typer.Option(help="Of a table: questions or catalogue; recognised by default.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show what it would become; nothing is written.")] = False,
    build: _BUILD = True,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Make answers of help-centre articles, questions with answers, or a product catalogue.

    What cannot be read is left out and named. Importing again shows what was added, has changed or is gone. Examples:
    `careline index import help/ --url-prefix https://www.example.com/help`,
    `careline index import feed.xml --name shop`.
    """
    options = Options(
        name=name, site=site, audience=audience, tags=tuple(tag or ()), products=tuple(product or ()),  # type: ignore[arg-type]  # checked when it is read
        language=language, valid_from=read_moment(valid_from, "--valid-from") if valid_from else None,
        valid_until=read_moment(valid_until, "--valid-until") if valid_until else None, url_prefix=url_prefix,
        mapping=map, currency=currency.upper(), kind=kind,  # type: ignore[arg-type]
    )  # fmt: skip
    report = import_source(find_workspace(workspace), path, options, preview=preview, build=build, quiet=as_json)
    if as_json:
        print(json.dumps(report, ensure_ascii=False))


def import_source(
    place: Workspace, path: Path, options: Options, *, preview: bool = False, build: bool = False, quiet: bool = False
) -> dict[str, Any]:
    """Imports a source into a workspace and says on the way what came of it.

    Args:
        place: The workspace.
        path: What to import.
        options: How.
        preview: Whether nothing is written.
        build: Whether the index that serves is built again, if something serves and the source has changed.
        quiet: Whether stdout stays empty.

    Returns:
        Counts, the difference to the import before, what was left out.

    Raises:
        InputError: Nothing could be read; an earlier import under the name stays as it is.
    """
    from rich.console import Console

    from data.articles.intake import read_source
    from data.articles.sources import compare, earlier_answers, write_source
    from data.progress import Progress
    from retrieval.answers import has_placeholder

    err = Console(stderr=True)
    with Progress(err).shown() as progress:
        made = read_source(path, options, unsayable=has_placeholder, progress=progress)
    old = earlier_answers(place.sources, options.name)
    difference = compare(old or (), made.answers)
    if not preview:
        write_source(place.sources, made, options, path)
    if not quiet:
        _print(made, difference, Console(), first=old is None, preview=preview, name=options.name)
    report = _report(made, difference, options.name)
    if build and not preview and (place.var / "live.json").is_file():
        report["index"] = _rebuilt(place, err)
    elif not preview and not quiet:
        err.print("The next `careline learn` or `careline index build` takes it up.", markup=False)
    return report


@app.command()
def sources(workspace: Place = None, as_json: AsJson = False) -> None:
    """List the imported sources."""
    from rich.console import Console
    from rich.table import Table

    from data.articles.sources import sources_in

    place = find_workspace(workspace)
    found = sources_in(place.sources)
    if as_json:
        print(json.dumps([asdict(source) for source in found], ensure_ascii=False))
        return
    table = Table()
    for column in ("name", "answers", "files", "imported", "from", "for"):
        table.add_column(column, justify="right" if column in ("answers", "files") else "left", overflow="fold")
    for source in found:
        shown = {key: value for key, value in source.options.items() if key in ("site", "audience", "tags", "products")}
        told = "; ".join(f"{key} {_text(value)}" for key, value in shown.items() if value != "public")
        table.add_row(*map(_plain, (source.name, f"{source.answers:,}", f"{source.files:,}", source.imported[:16])),
                      _plain(source.origin), _plain(told))  # fmt: skip
    Console().print(table if found else "No source was imported.")


@app.command()
def drop(
    name: Annotated[str, typer.Argument(help="As `careline index sources` shows it.")],
    build: _BUILD = True,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Remove a source: nothing in it is said any more."""
    from rich.console import Console

    from data.articles.sources import drop_source

    place = find_workspace(workspace)
    source = drop_source(place.sources, name)
    report: dict[str, Any] = {"dropped": name, "answers": source.answers}
    if build and (place.var / "live.json").is_file():
        report["index"] = _rebuilt(place, Console(stderr=True))
    print(json.dumps(report) if as_json else f"dropped {name}: {source.answers:,} answers")


def _rebuilt(place: Workspace, console: Console) -> str:
    """Builds the index of what serves, with all sources, and switches to it."""
    from retrieval.compact import rebuild_live

    index = rebuild_live(place, console=console)
    console.print(f"The bot answers from it now (index {index.folder.name}).", markup=False, highlight=False)
    return index.folder.name


def _report(made: Imported, difference: Difference, name: str) -> dict[str, Any]:
    return {
        "source": name,
        "answers": len(made.answers),
        "files": made.files,
        "kinds": dict(made.kinds),
        "added": len(difference.added),
        "changed": len(difference.changed),
        "gone": len(difference.gone),
        "left_out": [{"place": place, "reason": reason} for place, reason in made.left_out],
        "remarks": [{"place": place, "remark": remark} for place, remark in made.remarks],
    }


def _print(made: Imported, difference: Difference, console: Console, *, first: bool, preview: bool, name: str) -> None:
    from rich.table import Table

    counts = ", ".join(f"{count:,} {kind}" for kind, count in made.kinds.items())
    verb = "would become" if preview else "became"
    console.print(f"{name}: {made.files:,} files ({counts}) {verb} {len(made.answers):,} answers", markup=False)
    if not first:
        parts = (("added", difference.added), ("changed", difference.changed), ("gone", difference.gone))
        changes = ", ".join(f"{len(ids):,} {word}" for word, ids in parts)
        console.print(f"against the import before: {changes}, {difference.same:,} as they were", markup=False)
    if preview or first:
        table = Table(show_lines=True)
        for column in ("asked", "answer", "language"):
            table.add_column(column, overflow="fold")
        for answer in made.answers[:_SHOWN]:
            asked = answer.questions[0] if answer.questions else answer.title or ""
            table.add_row(_plain(asked), _plain(_cut(answer.text)), answer.language)
        console.print(table)
        if len(made.answers) > _SHOWN:
            console.print(f"and {len(made.answers) - _SHOWN:,} more", markup=False)
    for word, found in (("left out", made.left_out), ("note", made.remarks)):
        for place, told in found[:_SHOWN]:
            console.print(f"{word}  {place}: {told}", markup=False)
    if len(made.left_out) > _SHOWN:
        console.print(f"left out  {len(made.left_out) - _SHOWN:,} more (all of them with --json)", markup=False)


def _cut(text: str, most: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
