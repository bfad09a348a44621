"""The whole way: log → dataset → model → index → Rasa model, skipping what is unchanged; and the demo on top of it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.artifacts import DatasetLayout, ModelLayout, load_manifest
from data.errors import InputError
from data.workspace import DEMO, PROJECT, Live, Services, Shop, Workspace, WorkspaceSettings, find_workspace

if TYPE_CHECKING:
    from rich.console import Console

SAMPLE_LOG = PROJECT / "data" / "samples" / "shop.jsonl"
SAMPLE_ARTICLES = {name: SAMPLE_LOG.parent / path for name, path in (("help", "help"), ("catalogue", "catalogue.csv"))}
"""The demo shop's help pages and products."""

_DEMO_HOURS = "Mon-Fri 09:00-18:00, Sat 10:00-16:00"
_DEMO_KEEP = (
    *(f"{box}@northwind-trail.example" for box in ("help", "clubs", "warranty", "invoices", "complaints")),
    "+44 1632 960 120",
    "Harbour Street 12",
    "Mill Lane 4",
    "松涛路12号",
)
"""The demo shop's own contact data, which its agents give to everybody."""

_SHOWN = 5
"""Files and rows of a source that are named when they are left out; `careline index import` names them all."""

_STAGES = ("dataset", "model", "index", "rasa")


def learn(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Support logs in any format of `careline data import --help`.")
    ] = None,
    format: Annotated[str | None, typer.Option("--format", help="Force a reader instead of recognising it.")] = None,
    map: Annotated[
        str | None,
        typer.Option("--map", help="Columns of a table: text=body,role=from; in chats and mails agent=NAME."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="finetune/recipes/NAME.toml; by default the workspace's, or bilingual where the log asks it."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A broken line is fatal instead of counted.")] = False,
    engine: Annotated[
        str | None,
        typer.Option(help="Processes that read the log, or a Dask scheduler (tcp://host:8786); all cores by default."),
    ] = None,
    continued: Annotated[
        str | None, typer.Option("--continue", help="Learn on from this model instead of the base: a key, or `live`.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Use nothing of earlier datasets of this log.")] = False,
    workspace: Annotated[
        str | None, typer.Option(envvar="CARELINE_WORKSPACE", help="The shop's folder; found by default.")
    ] = None,
    articles: Annotated[
        list[Path] | None,
        typer.Option(help="Help articles or a catalogue to answer from too, as `careline index import` reads them."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Learn a bot from support logs, and make it the one that serves.

    Stages whose inputs are unchanged are skipped. What served before stays in `var/` and serves until the last stage
    is done. Examples: `careline learn tickets.csv --map text=body,role=from`, `careline learn tickets.csv --articles
    help/`. Without a log, a bot answers from the articles alone.
    """
    place = find_workspace(workspace)
    report = run_stages(
        place, paths or [], articles=named_sources(articles or []), log_format=format, mapping=map, recipe=recipe,
        strict=strict, engine=engine, fresh=fresh, continued=continued,
    )  # fmt: skip
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        print_report(report)


def named_sources(articles: list[Path]) -> dict[str, Path]:
    """Names of the sources that are imported on the way: of files and folders, as far as they can be names."""
    named: dict[str, Path] = {}
    for number, path in enumerate(articles, start=1):
        name = re.sub(r"[^a-z0-9._-]+", "-", path.resolve().stem.lower()).strip("-._")[:40]
        named[name if name and name not in named else f"articles-{number}"] = path
    return named


def run_stages(
    workspace: Workspace,
    paths: list[Path],
    *,
    articles: Mapping[str, Path] | None = None,
    log_format: str | None = None,
    mapping: str | None = None,
    recipe: str | None = None,
    strict: bool = False,
    engine: str | None = None,
    fresh: bool = False,
    continued: str | None = None,
) -> dict[str, Any]:
    """Runs the four stages and switches to their results at once.

    Args:
        workspace: Where the artefacts go.
        paths: The logs.
        articles: Sources to import first, by name.
        log_format: A reader's name, or None to recognise each log by content.
        mapping: ``name=column`` pairs for tables, comma-separated.
        recipe: Name of the fine-tuning recipe; None takes the workspace's, and where that is the usual one, what the
            log's languages ask for.
        strict: Whether a broken line is fatal.
        engine: What reads the log; see `data.engine.choose_engine`.
        fresh: Use nothing of earlier datasets.
        continued: Key of a model to learn on from, or ``live``.

    Returns:
        The report: counts, held-out figures beside the peers', seconds of each stage.

    Raises:
        InputError: A log that cannot be read, or another `careline learn` at work in the workspace.
    """
    from rich.console import Console

    from data.build import build_dataset
    from finetune.choose import chosen_recipe
    from finetune.cli import open_start
    from finetune.recipe import load_recipe
    from finetune.train import train_model

    console = Console(stderr=True)
    usual, clock, start = workspace.settings.learn.recipe, _Clock(console), open_start(workspace, continued)
    load_recipe(recipe or usual)  # a name that is wrong is said before the log is read
    with _only_one(workspace):
        _import(workspace, articles or {}, console)
        with clock.stage("dataset"):
            dataset = build_dataset(
                paths, workspace, format=log_format, mapping=mapping, strict=strict, engine=engine, fresh=fresh,
                console=console,
            )  # fmt: skip
        chosen = chosen_recipe(dataset, recipe, usual, console=console)
        with clock.stage("model"):
            model = train_model(dataset, workspace.folder("model"), recipe=chosen, console=console, start=start)
        promotion = _promoted(workspace, _served(workspace, dataset, model, clock), console)
    return _report(workspace, dataset, model, clock.seconds) | {"promotion": promotion}


def _served(workspace: Workspace, dataset: DatasetLayout, model: ModelLayout, clock: _Clock) -> Live:
    """Makes what else serving needs of a model: its index, and the Rasa model."""
    from bot.rasa_model import train_rasa
    from retrieval.compact import build_for

    with clock.stage("index"):
        index = build_for(workspace, dataset, model, console=clock.console)
    with clock.stage("rasa"):
        rasa = train_rasa(PROJECT, workspace.folder("rasa"), console=clock.console)
    return Live(dataset.folder.name, model.folder.name, index.folder.name, rasa.name)


def _import(workspace: Workspace, articles: Mapping[str, Path], console: Console) -> None:
    """Imports help articles and catalogues; what is unchanged stays what it is."""
    from data.articles.options import Options
    from retrieval.sources_cli import import_source

    for name, path in articles.items():
        found = import_source(workspace, path, Options(name), quiet=True)
        console.print(f"      {name}: {found['answers']:,} answers", style="dim")
        for row in found["left_out"][:_SHOWN]:
            console.print(f"      left out {row['place']}: {row['reason']}", markup=False)


def _promoted(workspace: Workspace, live: Live, console: Console) -> dict[str, Any]:
    """Goes live unless the new model is worse than the one that serves; then that one serves on."""
    from data.artifacts import is_complete
    from finetune.registry import refusal
    from finetune.registry_cli import open_registry

    registry = open_registry(workspace)
    registry.check_static(registry.model(live.model))
    before = registry.live()
    comparable = before is not None and all(
        is_complete(workspace.folder(kind) / getattr(before, kind), kind=kind) for kind in ("model", "dataset")
    )
    if not comparable:
        reason = "the first" if before is None else "what served before is not whole any more"
        registry.go_live("learn", live, reason=reason)
        return {"live": True, "reason": reason}
    console.print("      comparing with the model that serves", style="dim")
    with console.status("Comparing with the model that serves"):
        comparison = registry.judged(live.model)
    if comparison is not None and comparison.worse:
        reason = str(refusal(comparison))
        console.print(f"not live: {reason}", style="bold", markup=False)
        return {"live": False, "reason": reason, **comparison.to_json()}
    registry.go_live("learn", live, comparison=comparison)
    return {"live": True, **(comparison.to_json() if comparison else {})}


class _Clock:
    """Says which stage runs and keeps how long each took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        number = _STAGES.index(name) + 1
        self.console.print(f"[bold]\\[{number}/{len(_STAGES)}] {name}[/bold]")
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 1)
        self.console.print(f"      {name} ready after {self.seconds[name]:.1f} s", style="dim")


@contextmanager
def _only_one(workspace: Workspace) -> Iterator[None]:
    """Keeps a second `careline learn` out of the workspace; the lock goes with the process."""
    workspace.var.mkdir(parents=True, exist_ok=True)
    with (workspace.var / "learn.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                str(workspace.root),
                got="another `careline learn` at work",
                expected="one at a time",
                next_step="Wait for it to finish.",
            ) from error
        yield


def _report(
    workspace: Workspace, dataset: DatasetLayout, model: ModelLayout, seconds: dict[str, float]
) -> dict[str, Any]:
    counts = load_manifest(dataset.folder, kind="dataset", verify=False).metrics
    figures = load_manifest(model.folder, kind="model", verify=False).metrics
    return {
        "workspace": str(workspace.root),
        "live": workspace.live().__dict__,
        "dataset": dict(counts),
        "model": dict(figures),
        "seconds": seconds | {"total": round(sum(seconds.values()), 1)},
    }


def print_report(report: dict[str, Any]) -> None:
    """Prints the closing report for people: what was learned, how well, and how long each stage took."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    counts, model, seconds = report["dataset"], report["model"], report["seconds"]
    console.print(f"Learned in {report['workspace']}", style="italic", soft_wrap=True, highlight=False)
    table = Table(show_header=False)
    for name in ("conversations", "messages", "examples", "intents", "topics", "answers", "refused_lines"):
        if name in counts:
            table.add_row(name.replace("_", " "), f"{counts[name]:,}")
    console.print(table)
    _print_ranking(console, model)
    stages = "  ".join(f"{name} {seconds[name]:.0f} s" for name in _STAGES)
    console.print(f"time: {stages}  total {seconds['total']:.0f} s")


def _print_ranking(console: Console, model: dict[str, Any]) -> None:
    from rich.table import Table

    ranking = model.get("ranking")
    if not ranking:
        console.print("Too little held-out data to measure response ranking.")
        return
    table = Table(title=f"Response ranking, held-out newest tenth ({ranking['protocol']})", title_justify="left")
    for column in ("", "R@1", "R@5", "MRR"):
        table.add_column(column, justify="left" if not column else "right")
    for name, row in ranking["systems"].items():
        table.add_row(name, *(f"{row[figure]:.3f}" for figure in ("r1", "r5", "mrr")))
    console.print(table)


def demo(
    port: Annotated[int | None, typer.Option(help="Port of the shop page.")] = None,
    recipe: Annotated[str, typer.Option(help="Fine-tuning recipe.")] = "demo",
    learn_only: Annotated[bool, typer.Option("--learn-only", help="Learn, but do not serve.")] = False,
) -> None:
    """Learn from the sample log (synthetic, an outdoor-gear shop) and serve its page with the chat widget."""
    from bot.serve import check_port

    workspace = _demo_workspace(recipe, port=port)
    if not learn_only:
        check_port(workspace.settings.web.host, port or workspace.settings.web.port)
    report = run_stages(workspace, [SAMPLE_LOG], articles=SAMPLE_ARTICLES, recipe=recipe)
    print_report(report)
    if learn_only:
        return
    name, password = _demo_agent(workspace)
    typer.echo(f"Agent page sign-in: {name} / {password}", err=True)
    command = [sys.executable, str(PROJECT / "careline.py"), "serve", "--workspace", str(workspace.root)]
    os.execv(sys.executable, [*command, *(["--port", str(port)] if port else [])])  # gives back what learning took


def _demo_workspace(recipe: str, *, port: int | None) -> Workspace:
    """The demo's workspace, made when it is not there yet."""
    from data.workspace import SETTINGS, Learn, write_settings

    if not (DEMO / SETTINGS).is_file():
        DEMO.mkdir(parents=True, exist_ok=True)
        shop = Shop(name="Northwind Trail", hours=_DEMO_HOURS, handoff_email="help@northwind-trail.example")
        learn = Learn(recipe=recipe, keep=_DEMO_KEEP)
        settings = WorkspaceSettings(shop=shop, learn=learn, services=Services(orders="sample"))
        write_settings(DEMO, settings)
    return find_workspace(str(DEMO))


def _demo_agent(workspace: Workspace) -> tuple[str, str]:
    """Name and password of the demo's agent; made once, kept in a file only the owner can read."""
    from bot.users import add_user

    kept = workspace.var / "demo-agent.txt"
    if kept.is_file():
        name, password = kept.read_text(encoding="utf-8").split()
        return name, password
    name, password = "agent", secrets.token_urlsafe(9)
    add_user(workspace, name, password=password, role="admin", replace=True)
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"{name} {password}\n")
    return name, password
