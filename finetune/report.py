"""Writes an evaluation as one HTML page that needs nothing else, in the look of the dataset's report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.artifacts import write_atomic
from data.report_page import render_sections
from finetune.report_sections import key_figures, sections_of


def write_evaluation_page(found: Mapping[str, Any], out: Path) -> Path:
    """Makes the page; replaced whole.

    Args:
        found: From ``finetune.evaluation.evaluate_model``, or its JSON.
        out: Where the page goes.

    Returns:
        ``out``.
    """
    left_out = f" Left out by --quick: {', '.join(found['left_out'])}." if found["left_out"] else ""
    page = render_sections(
        title=f"evaluation of model {found['model']}",
        heading="How good this model is",
        lead=(
            f"Model {found['model']}, trained on dataset {found['dataset']}, measured on the {found['source']}. All "
            f"texts are redacted: personal data was replaced before anything was shown.{left_out}"
        ),
        figures=key_figures(found),
        sections=sections_of(found),
    )
    write_atomic(out, page)
    return out
