"""What a command says when it cannot go on."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from ragthrift.errors import RagthriftError

UNUSABLE = 2
INTERRUPTED = 130
"""As shells count a program that Ctrl-C ended."""


@contextmanager
def told(console: Console) -> Iterator[None]:
    """Say in one line what is wrong, or that nothing is lost when a run is stopped; then exit."""
    try:
        yield
    except RagthriftError as error:
        console.print(f"[red]{type(error).__name__}:[/red] {error}", highlight=False)
        raise typer.Exit(UNUSABLE) from error
    except KeyboardInterrupt:
        console.print("Stopped. What was answered is kept; the same command goes on from there.")
        raise typer.Exit(INTERRUPTED) from None
