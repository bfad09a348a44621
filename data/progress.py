"""Progress of long work on stderr: one bar a stage, or nothing at all when nobody watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_T = TypeVar("_T")


class Progress:
    """Bars for sequences, a spinner for what has no length, remarks between them.

    Args:
        console: Where to draw; None draws nothing.
    """

    def __init__(self, console: Console | None) -> None:
        self.console = console
        self._bars: RichProgress | None = None

    @contextmanager
    def shown(self) -> Iterator[Progress]:
        """Draws until the block ends. A file or a pipe gets one line for each stage that is done, and no bars."""
        if self.console is None or not self.console.is_terminal:
            yield self
            return
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Bars(*columns, console=self.console) as self._bars:
            yield self
        self._bars = None

    def over(self, name: str, items: Sequence[_T]) -> Iterator[_T]:
        """Passes on the items and moves a bar."""
        return self.stream(name, items, total=len(items))

    def stream(self, name: str, items: Iterable[_T], *, total: int | None = None) -> Iterator[_T]:
        """Passes on the items of a stream; without a total their number is counted up."""
        task = self._bars.add_task(name, total=total) if self._bars else None
        count = 0
        for count, item in enumerate(items, start=1):
            yield item
            if self._bars and task is not None and count % 200 == 0:
                self._bars.update(task, completed=count)
        self._done(name, task, count)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A stage without parts."""
        task = self._bars.add_task(name, total=None) if self._bars else None
        yield
        self._done(name, task, 1)

    def _done(self, name: str, task: TaskID | None, count: int) -> None:
        if self._bars and task is not None:
            self._bars.update(task, completed=count, total=count)
        else:
            self.say(f"{name}: {count:,} done" if count > 1 else f"{name}: done")

    def say(self, text: str) -> None:
        """A remark that stays above the bars."""
        if self.console is not None:
            self.console.print(text, markup=False, highlight=False)
