"""``careline data answers``: a person approves, edits or rejects what may be said again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from getpass import getuser
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.topics_cli import AsJson, Key, Place

if TYPE_CHECKING:
    from data.approvals import Approval, Verdict
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
    from data.topics_cli import print_rows

    place, answers = _open(workspace, key)
    found = _waiting(place, answers)
    title = f"{min(n, len(found)):,} of {len(found):,} answers that wait"
    print_rows([_row(one) for one in found[:n]], title=title, as_json=as_json)


@app.command()
def review(key: Key = None, by: By = None, workspace: Place = None) -> None:
    """Go through the list with one key an answer; every decision is kept at once."""
    place, answers = _open(workspace, key)
    who, skipped, made, quick = _who(by), set[str](), 0, False
    while not quick:
        batch = [one for one in _waiting(place, answers) if one.answer.id not in skipped][:_SORT_AGAIN]
        if not batch:
            break
        typer.echo(KEYS, err=True)
        for one in batch:
            done = _ask(place, one, who)
            quick = done == "q"
            if quick:
                break
            skipped |= {one.answer.id} if done == "s" else set()
            made += done not in {"s", "u"}
    typer.echo(f"{made} decided. {_LEARN}", err=True)


_LEARN = "They count from the next `careline learn` on."


def _ask(place: Workspace, one: Waiting, who: str) -> str:
    """Shows one answer and does what is typed: a, e, r, s or q. After ``u`` the same answer is shown again."""
    answer = one.answer
    asked = answer.questions[0] if answer.questions else "(unknown)"
    typer.echo(
        f"\n{answer.text}\n  asked: {asked}\n  {answer.support} times, {one.probability:.0%}: {answer.held_back}"
    )
    while True:
        pressed = _key().lower()
        if pressed in {"s", "q", "", "\x03", "\x04"}:
            return "s" if pressed == "s" else "q"
        if pressed == "u":
            typer.echo(_undone(place, who))
        elif pressed in {"a", "r"}:
            _keep(place, answer, "approve" if pressed == "a" else "reject", who)
            typer.echo("approved" if pressed == "a" else "rejected")
            return pressed
        elif pressed == "e":
            _keep(place, answer, "edit", who, text=typer.prompt("say instead"))
            return pressed
        else:
            typer.echo(KEYS, err=True)


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
    from data.errors import InputError

    place, answers = _open(workspace, key)
    known = {answer.id: answer for answer in answers}
    for id in ids:
        if id not in known:
            raise InputError(
                f"answer {id}", got="no such answer", expected="an id of the dataset",
                next_step="Run `careline data answers list`.",
            )  # fmt: skip
    for made in [_made(place, known[id], verdict, _who(by), text) for id in ids]:  # all are checked before one is kept
        _append(place, made)
    typer.echo(f"{len(ids)} decided. {_LEARN}", err=True)


def _keep(place: Workspace, answer: Answer, verdict: Verdict, who: str, *, text: str | None = None) -> None:
    _append(place, _made(place, answer, verdict, who, text))


def _made(place: Workspace, answer: Answer, verdict: Verdict, who: str, text: str | None) -> Approval:
    """The decision; about an answer that shows an edited text it is kept under the words of the log."""
    from data.approvals import decide, read_approvals

    edited = read_approvals(place.approvals).values() if answer.decided == "edited" else ()
    said = next((a.said for a in edited if a.text == answer.text and a.language == answer.language), None)
    return decide(answer, verdict, by=who, text=text, said=said)


def _append(place: Workspace, approval: Approval) -> None:
    from data.approvals import append_approval

    append_approval(place.approvals, approval)


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
    from data.topics_cli import find_dataset
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
