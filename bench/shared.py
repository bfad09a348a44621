"""Where the public data sets lie that benches measure on: beside the repository, and not in it."""

from __future__ import annotations

from pathlib import Path

from bench.printer import ROOT, CannotRun

SHARED = ROOT.parent / "shared" / "data"


def place_of(name: str) -> Path:
    """The file of a public data set.

    Raises:
        CannotRun: It is not here.
    """
    path = SHARED / name
    if not path.is_file():
        raise CannotRun(f"{name} is not here; expected in ../shared/data, which holds the measurement data")
    return path
