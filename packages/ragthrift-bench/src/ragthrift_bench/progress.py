"""Progress bars for everything that takes longer than two seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def progress_bars(console: Console) -> Progress:
    """Bars with counts and times; they vanish when they are done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


@contextmanager
def step(progress: Progress, description: str) -> Iterator[None]:
    """One line for a piece of work that cannot be counted."""
    task = progress.add_task(description, total=None)
    yield
    progress.remove_task(task)
