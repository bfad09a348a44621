"""Writes the report of a dataset as one HTML page that needs nothing else: no script, style, font or picture outside.

It reads the redacted dataset only. Every text is escaped, and the page's own policy lets nothing be loaded or run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.artifacts import DatasetLayout, load_manifest, write_atomic
from data.facts import Facts, collect_facts
from data.report_sections import Section, key_figures, sections_of

TEMPLATE = Path(__file__).with_name("report_page.html.txt")
"""A text file by name, as Rasa looks into all others under ``data``."""


def write_report_page(layout: DatasetLayout, out: Path) -> Path:
    """Makes the page.

    Args:
        layout: A complete dataset.
        out: Where the page goes; replaced whole.

    Returns:
        ``out``.

    Raises:
        InputError: A dataset that cannot be read.
    """
    made = load_manifest(layout.folder, kind="dataset", verify=False).created
    write_atomic(out, render_page(collect_facts(layout), name=layout.folder.name, made=made))
    return out


def render_page(facts: Facts, *, name: str, made: str) -> str:
    """The page as text.

    Args:
        facts: From `collect_facts`.
        name: The dataset's key.
        made: When the dataset was made, ISO 8601.
    """
    lead = (
        f"Dataset {name}, made {made[:16].replace('T', ' ')} UTC. All texts are redacted: personal data was replaced "
        "before anything was written."
    )
    return render_sections(
        title=f"report of dataset {name}",
        heading="What is in this dataset",
        lead=lead,
        figures=key_figures(facts),
        sections=sections_of(facts),
    )


def render_sections(
    *, title: str, heading: str, lead: str, figures: Sequence[tuple[str, str, str]], sections: Sequence[Section]
) -> str:
    """Any report as a page of its own.

    Args:
        title: Of the window, after ``Careline:``.
        heading: At the top.
        lead: A sentence or two below it.
        figures: The row at the top: name, value, definition.
        sections: In order.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(title=title, heading=heading, lead=lead, figures=figures, sections=sections)
