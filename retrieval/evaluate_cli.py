"""``careline index evaluate`` and ``careline index gaps``; mounted by ``retrieval.cli``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from retrieval.gaps import Gap
    from retrieval.search import Searcher, SearchResult
    from retrieval.trial import Outcome, Trial

WORKSPACE = Annotated[
    str | None,
    typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
]
JSON = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
_NAMES = {"r1": "R@1", "r5": "R@5", "r10": "R@10", "mrr": "MRR", "map": "MAP", "ndcg10": "NDCG@10"}


def mount(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(evaluate)
    app.command()(gaps)


def reasons(result: SearchResult, searcher: Searcher) -> dict[str, Any]:
    """See ``retrieval.reasons``; imported when it is needed."""
    from retrieval.reasons import reasons_of

    return {"reasons": [row.to_json() for row in reasons_of(result, searcher)]}


def print_reasons(result: SearchResult, searcher: Searcher) -> None:
    """Prints each hit with everything that speaks for and against it."""
    from rich.console import Console
    from rich.table import Table

    from retrieval.reasons import reasons_of

    console = Console()
    console.print(f"{result.outcome}: in scope {result.known:.2f}, language {result.language}", markup=False)
    for rank, row in enumerate(reasons_of(result, searcher), start=1):
        console.print(f"\n{rank}. {row.text}", markup=False, highlight=False)
        console.print(f"   {row.id}, {row.source}; probability {row.probability:.2f}", markup=False, highlight=False)
        console.print(f"   matched words: {', '.join(row.words) or 'none'}", markup=False, highlight=False)
        for question, cosine in row.questions:
            console.print(f"   asked before ({cosine:.2f}): {question[-120:]}", markup=False, highlight=False)
        table = Table("evidence", "value", "weight", "adds")
        for name, value, weight, adds in row.evidence:
            table.add_row(name, f"{value:.3f}", f"{weight:.2f}", f"{adds:+.2f}")
        table.add_section()
        table.add_row("score", "", "", f"{sum(adds for *_, adds in row.evidence):+.2f}")
        console.print(table)


def evaluate(
    file: Annotated[Path, typer.Argument(help="Questions and right answers: CSV or JSON lines.")],
    worst: Annotated[int, typer.Option(min=0, help="So many of the worst questions are listed.")] = 10,
    plot: Annotated[Path | None, typer.Option(help="Where to write a PNG of the figures.")] = None,
    workspace: WORKSPACE = None,
    as_json: JSON = False,
) -> None:
    """Ask the index questions whose answers are known: what is found, how sure it is, how long each step takes."""
    from rich.console import Console
    from rich.progress import Progress

    from retrieval.trial import attempt, read_asked

    rows = read_asked(file)
    searcher = _searcher(workspace)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"asking {len(rows):,} questions", total=len(rows))
        trial = attempt(searcher, rows, progress=lambda done: progress.update(task, completed=done))
    if plot is not None:
        from retrieval.trial_plot import draw

        draw(trial, plot)
    if as_json:
        told = {**trial.figures(), "worst": [_worst(outcome) for outcome in trial.worst(worst)]}
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print_trial(trial, worst)


def _searcher(workspace: str | None) -> Searcher:
    from data.workspace import find_workspace
    from retrieval.living import open_live

    return open_live(find_workspace(workspace))


def _worst(outcome: Outcome) -> dict[str, Any]:
    return {
        "line": outcome.asked.line,
        "question": outcome.asked.question,
        "said": outcome.said,
        "probability": round(outcome.probability, 4),
        "rank": outcome.rank or None,
        "in_index": outcome.count > 0,
        "best": outcome.best,
    }


def _print_trial(trial: Trial, worst: int) -> None:
    from rich.console import Console

    console, figures = Console(), trial.figures()
    console.print(f"{figures['n']:,} questions; {figures['not_in_index']:,} have no right answer in the index")
    for table in _tables(figures):
        console.print(table)
    for outcome in trial.worst(worst):
        place = f"found at {outcome.rank}" if outcome.rank else "not found" if outcome.count else "not in the index"
        said = f"{outcome.said} ({outcome.probability:.2f}), right answer {place}"
        lines = f"line {outcome.asked.line}: {outcome.asked.question[:120]}\n    {said}; first: {outcome.best[:120]}"
        console.print(lines, markup=False, highlight=False)


def _tables(figures: dict[str, Any]) -> list[Any]:
    from rich.table import Table

    ranking = Table("figure", "value", "95 %", title="What is found", title_justify="left")
    for key, name in _NAMES.items():
        low, high = figures["intervals"][key]
        ranking.add_row(name, f"{figures[key]:.3f}", f"{low:.3f}-{high:.3f}")
    said = Table("outcome", "right", "wrong", "right, %", title="How sure it is", title_justify="left")
    for name, row in figures["outcomes"].items():
        total = row["right"] + row["wrong"]
        share = f"{100 * row['right'] / total:.1f}" if total else ""
        said.add_row(name, f"{row['right']:,}", f"{row['wrong']:,}", share)
    times = Table("step", "p50, ms", "p95, ms", title="How long it takes", title_justify="left")
    for name, row in figures["ms"].items():
        times.add_row(name, f"{row['p50']:.2f}", f"{row['p95']:.2f}")
    return [ranking, said, times]


def gaps(
    file: Annotated[Path, typer.Argument(help="From `careline export FILE --questions`; - is the standard input.")],
    since: Annotated[str | None, typer.Option(help="Only questions from this day on: 2026-11-01.")] = None,
    language: Annotated[str | None, typer.Option(help="Only en, only zh …")] = None,
    least: Annotated[int, typer.Option(min=1, help="Leave out what was asked less often.")] = 1,
    workspace: WORKSPACE = None,
    as_json: JSON = False,
) -> None:
    """List what customers asked and got no good answer to: most asked first, with what the bot did."""
    from data.workspace import find_workspace
    from retrieval.gaps import content_gaps, day_of, read_questions

    rows = read_questions(file, since=day_of(since) if since else None, language=language)
    keep = find_workspace(workspace).settings.learn.keep
    found = [gap for gap in content_gaps(rows, _searcher(workspace), keep=keep) if gap.count >= least]
    if as_json:
        print(json.dumps({"asked": len(rows), "gaps": [gap.to_json() for gap in found]}, ensure_ascii=False))
    else:
        _print_gaps(found, len(rows))


def _print_gaps(found: list[Gap], asked: int) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    without = sum(gap.count for gap in found)
    console.print(f"{without:,} of {asked:,} questions got no good answer; {len(found):,} things were asked for")
    table = Table("asked", "question and others like it", "the bot", "nearest answer", show_lines=True)
    for gap in found:
        others = "".join(f"\n[dim]{escape(text)}[/dim]" for text in gap.examples)
        did = "\n".join(f"{count} x {escape(name)}" for name, count in gap.did.items())
        table.add_row(f"{gap.count:,}", f"{escape(gap.question)}{others}", did, escape(gap.nearest[:160]))
    if found:
        console.print(table)
