"""One progress bar for the whole model stage, fed by its parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

Progress = Callable[[float, str], None]
"""Called with the share 0..1 that is done and a few words."""


class Stages:
    """Shows the parts of a stage one after the other and keeps how long each took.

    Args:
        console: Where to; None for silence.
    """

    def __init__(self, console: Console | None) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[Progress]:
        """A part with its own bar; yields what moves it."""
        started = time.monotonic()
        if self.console is None:
            yield _silent
        else:
            with _bar(self.console) as bar:
                task = bar.add_task(name, total=1.0, words="")
                yield lambda done, words: bar.update(task, completed=done, words=words)
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - started, 1)
        if self.console is not None:
            self.console.print(f"      {name}: {self.seconds[name]:.1f} s", style="dim")


def _bar(console: Console) -> Bar:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("      {task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[words]}"),
    )
    return Bar(*columns, console=console, transient=True, disable=not console.is_terminal)


def _silent(done: float, words: str) -> None:
    """Moves nothing."""
