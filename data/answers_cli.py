"""``careline data answers``: a person approves, edits or rejects what may be said again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from getpass import getuser
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.commands import AsJson, Key, Place, find_dataset, print_rows

if TYPE_CHECKING:
    from data.approvals import Verdict
    from data.approving import Waiting
    from data.schema import Answer
    from data.workspace import Workspace

app = typer.Typer(help="Answers that wait for a person: list, approve, edit, reject, undo.", no_args_is_help=True)

Ids = Annotated[list[str], typer.Argument(help="Of answers, as `list` shows them.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides; your login by default.")]
Dataset = Annotated[
    str | None, typer.Option("--dataset", help="Key of one; that which serves, else the newest, by default.")
]
KEYS = "a approve · e edit · r reject · s skip · u undo · q quit"
_VERDICTS: dict[str, Verdict] = {"a": "approve", "e": "edit", "r": "reject"}
_SORT_AGAIN = 25
"""Decisions in a row after which the list is sorted by what was learned of them."""


@app.command("list")
def list_(
    key: Key = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many to show.")] = 20,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """List what waits, where customers would gain most first: how often it was said, times how likely it is right."""
    place, answers = _open(workspace, key)
    found = _waiting(place, answers)
    title = f"{min(n, len(found)):,} of {len(found):,} answers that wait"
    print_rows([_row(one) for one in found[:n]], title=title, as_json=as_json)


@app.command()
def review(key: Key = None, by: By = None, workspace: Place = None) -> None:
    """Go through the list with one key an answer; every decision is kept at once."""
    place, answers = _open(workspace, key)
    who, skipped, made = _who(by), set[str](), 0
    pressed = ""
    while pressed != "q":
        batch = [one for one in _waiting(place, answers) if one.answer.id not in skipped][:_SORT_AGAIN]
        if not batch:
            break
        typer.echo(KEYS, err=True)
        for one in batch:
            while (pressed := _ask(place, one.answer, one.probability, who)) == "u":
                typer.echo(_undone(place, who))
                made = max(0, made - 1)
            if pressed == "q":
                break
            if pressed == "s":
                skipped.add(one.answer.id)
            else:
                made += 1
    typer.echo(f"{made} decided. {_LEARN}", err=True)


_LEARN = "They count from the next `careline learn` on."


def _ask(place: Workspace, answer: Answer, probability: float, who: str) -> str:
    """Shows one answer, keeps a decision about it, and returns what was typed: a, e, r, s, u or q."""
    from data.approvals import append_approval, decide
    from data.errors import InputError

    asked = answer.questions[0] if answer.questions else "(unknown)"
    typer.echo(f"\n{answer.text}\n  asked: {asked}\n  {answer.support} times, {probability:.0%}: {answer.held_back}")
    while True:
        pressed = _key().lower()
        if pressed in {"q", "", "\x03", "\x04"}:
            return "q"
        if pressed in {"s", "u"}:
            return pressed
        if pressed not in _VERDICTS:
            typer.echo(KEYS, err=True)
            continue
        text = typer.prompt("say instead") if pressed == "e" else None
        try:
            append_approval(place.approvals, decide(answer, _VERDICTS[pressed], by=who, text=text))
        except InputError as error:  # such as an edit with a placeholder: the same answer is asked about again
            typer.echo(str(error), err=True)
            continue
        if pressed != "e":
            typer.echo("approved" if pressed == "a" else "rejected")
        return pressed


def _key() -> str:
    """One key, without Enter; one character where the input is no terminal, and nothing at its end."""
    return typer.getchar() if sys.stdin.isatty() else sys.stdin.read(1)


@app.command()
def approve(ids: Ids, by: By = None, dataset: Dataset = None, workspace: Place = None) -> None:
    """Let the bot say these answers."""
    _decide_all(ids, "approve", by, dataset, workspace)


@app.command()
def reject(ids: Ids, by: By = None, dataset: Dataset = None, workspace: Place = None) -> None:
    """Never say these answers; also one that passes by itself."""
    _decide_all(ids, "reject", by, dataset, workspace)


@app.command()
def edit(
    id: Annotated[str, typer.Argument(help="Of the answer.")],
    text: Annotated[str, typer.Argument(help="What is said instead.")],
    by: By = None,
    dataset: Dataset = None,
    workspace: Place = None,
) -> None:
    """Let the bot say this answer in other words."""
    _decide_all([id], "edit", by, dataset, workspace, text=text)


@app.command()
def undo(
    n: Annotated[int, typer.Option("--n", min=1, help="How many of the newest decisions.")] = 1,
    by: By = None,
    workspace: Place = None,
) -> None:
    """Take back the newest decisions."""
    from data.workspace import find_workspace

    place = find_workspace(workspace)
    for _ in range(n):
        typer.echo(_undone(place, _who(by)))


def _decide_all(
    ids: Sequence[str],
    verdict: Verdict,
    by: str | None,
    key: str | None,
    workspace: str | None,
    text: str | None = None,
) -> None:
    from data.approvals import append_approval, decisions, read_approvals
    from data.errors import InputError

    place, answers = _open(workspace, key)
    known = {answer.id: answer for answer in answers}
    for id in ids:
        if id not in known:
            raise InputError(
                f"answer {id}", got="no such answer", expected="an id of the dataset",
                next_step="Run `careline data answers list`.",
            )  # fmt: skip
    earlier = read_approvals(place.approvals).values()
    made = [one for id in ids for one in decisions(known[id], verdict, earlier, by=_who(by), text=text)]
    for one in made:  # all are checked before one is kept
        append_approval(place.approvals, one)
    typer.echo(f"{len(ids)} decided. {_LEARN}", err=True)


def _undone(place: Workspace, who: str) -> str:
    """Takes back the newest decision, and says which."""
    import time
    from dataclasses import replace

    from data.approvals import append_approval, read_approvals

    newest = next(reversed(read_approvals(place.approvals).values()), None)
    if newest is None:
        return "nothing to undo"
    append_approval(place.approvals, replace(newest, verdict="undo", by=who, time=time.time(), text=None))
    return f"undone ({newest.verdict}): {newest.said}"


def _open(named: str | None, key: str | None) -> tuple[Workspace, list[Answer]]:
    from data.records import read_rows
    from data.schema import Answer
    from data.workspace import find_workspace

    place = find_workspace(named)
    return place, list(read_rows(find_dataset(place, key).answers, Answer))


def _waiting(place: Workspace, answers: Sequence[Answer]) -> list[Waiting]:
    from data.approvals import read_approvals
    from data.approving import waiting

    return waiting(answers, read_approvals(place.approvals))


def _row(one: Waiting) -> dict[str, Any]:
    answer = one.answer
    return {"id": answer.id, "said": answer.support, "probability": round(one.probability, 3),
            "text": answer.text, "asked": next(iter(answer.questions), ""), "held back": answer.held_back}  # fmt: skip


def _who(by: str | None) -> str:
    return by or getuser()
