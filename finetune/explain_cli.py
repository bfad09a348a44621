"""``careline model explain``: why the served model takes a message for what it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import InputError
from data.workspace import find_workspace
from finetune.evaluate_cli import check_page

if TYPE_CHECKING:
    from rich.text import Text

    from data.report_sections import Cell, Section
    from retrieval.explain import Explanation
    from retrieval.occlusion import Word


def explain(
    text: Annotated[str, typer.Argument(help="A customer's message.")],
    language: Annotated[
        str | None, typer.Option(help="Of the sentences: en or zh; that of the message by default.")
    ] = None,
    answer: Annotated[bool, typer.Option("--answer", help="Weigh the words for the best answer, too.")] = False,
    gradients: Annotated[
        bool, typer.Option("--gradients", help="Integrated gradients of the training model beside occlusion.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page.")] = None,
    workspace: Annotated[
        str | None,
        typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Explain a prediction of the live model: words, nearest logged examples, thresholds and what they led to."""
    from retrieval.explain import explain_message
    from retrieval.living import open_live

    check_page(html)
    if language not in (None, "en", "zh"):
        raise InputError("--language", got=str(language), expected="en or zh", next_step="Name one of them.")
    place = find_workspace(workspace)
    found = explain_message(open_live(place), text, answers=answer)
    others: tuple[Word, ...] = ()
    if gradients and found.intent is not None:
        from finetune.gradients import gradient_words

        (others,) = gradient_words(place.live_model(), [(found.text, found.intent.label)])
    if html:
        typer.echo(f"page: {write_explanation_page(found, html, gradients=others)}", err=True)
    if as_json:
        told = {"gradients": [word.to_json() for word in others]} if gradients else {}
        print(json.dumps(found.to_json() | told, ensure_ascii=False))
        return
    _print(found, others, language or found.language)


def write_explanation_page(found: Explanation, out: Path, *, gradients: tuple[Word, ...] = ()) -> Path:
    """Writes an explanation as one page in the look of the other reports.

    Args:
        found: From ``retrieval.explain.explain_message``.
        out: Where to; replaced whole.
        gradients: The same words by integrated gradients, or none.
    """
    from data.artifacts import write_atomic
    from data.report_page import render_sections

    intent, at = found.intent, found.thresholds
    figures = [
        ("intent", intent.label if intent else "none", f"confidence {intent.confidence:.0%}" if intent else ""),
        ("in scope", f"{found.known:.0%}", f"needed: {at.known:.0%}"),
        ("best answer", f"{found.best:.0%}", f"said from {at.sure:.0%}, offered from {at.unsure:.0%}"),
    ]
    page = render_sections(
        title="explanation", heading=found.text[:200], figures=figures, sections=_sections(found, gradients),
        lead=f"Why model {found.model or 'without a key'} understood this message as it did. The message is shown as "
        "it was typed; the logged examples are redacted.",
    )  # fmt: skip
    write_atomic(out, page)
    return out


def _sections(found: Explanation, gradients: tuple[Word, ...]) -> list[Section]:
    from data.report_sections import Block, Cell, Section

    nearest = tuple(
        (Cell(row.text), Cell(f"{row.similarity:.2f}", high=max(0.0, row.similarity)), Cell(row.intent), Cell(row.says))
        for row in found.nearest
    )
    titles = {
        "en": ("The decision", "In the order in which the model decides."),
        "zh": ("判断过程", "按模型判断的先后顺序。"),
    }
    sections = [
        Section(f"decision-{language}", *titles[language], tuple(Block(line) for line in lines))
        for language, lines in found.reasons.items()
    ]
    for title, words, meaning in (
        (
            "Words for the intent",
            found.words,
            "How much less sure the model is without the word: right for, left against.",
        ),
        ("Words for the answer", found.answer_words, "How much less probable the best answer is without the word."),
        ("Words by integrated gradients", gradients, "How much the word raises the logit of the training model."),
    ):
        if words:
            most = max(abs(word.weight) for word in words) or 1.0
            rows = tuple((Cell(one.text), _balance(one.weight, most)) for one in words)
            block = Block(head=("word", "weight"), rows=rows)
            sections.append(Section(title.lower().replace(" ", "-"), title, meaning, (block,)))
    head = ("logged message", "similarity", "intent", "answer given")
    block = Block(head=head, rows=nearest) if nearest else Block("There is none.")
    return [*sections, Section("nearest", "Nearest logged examples", "By the encoder's vectors.", (block,))]


def _balance(weight: float, most: float) -> Cell:
    """A bar from the middle: to the right for what speaks for, to the left for what speaks against."""
    from data.report_sections import Cell

    end = 0.5 + 0.5 * weight / most
    return Cell(f"{weight:+.3f}", low=min(0.5, end), high=max(0.5, end))


def _print(found: Explanation, gradients: tuple[Word, ...], language: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for name, words in (("words", found.words), ("words for the answer", found.answer_words), ("gradients", gradients)):
        if words:
            console.print(f"{name}:", coloured(found.text, words))
    for line in found.reasons["zh" if language == "zh" else "en"]:
        console.print(f"  {line}", highlight=False, markup=False)
    table = Table(box=None, pad_edge=False)
    for title in ("nearest logged", "similarity", "intent", "answer given"):
        table.add_column(title)
    for row in found.nearest:
        table.add_row(row.text, f"{row.similarity:.2f}", row.intent, row.says[:60])
    console.print(table)


def coloured(text: str, words: tuple[Word, ...]) -> Text:
    """The message with what spoke for its intent on green and what spoke against it on red; weights in figures.

    Args:
        text: The message.
        words: Its words with weights.
    """
    from rich.text import Text

    most = max((abs(word.weight) for word in words), default=0.0) or 1.0
    shown: Any = Text()
    at = 0
    for word in words:
        shown.append(text[at : word.start])
        share = abs(word.weight) / most
        colour = "green4" if word.weight > 0 else "red3"
        style = "" if share < 0.15 else f"white on {colour}{' bold' if share > 0.6 else ''}"
        shown.append(text[word.start : word.end], style=style)
        if share >= 0.15:
            shown.append(f"({word.weight:+.2f})", style="dim")
        at = word.end
    shown.append(text[at:])
    result: Text = shown
    return result
