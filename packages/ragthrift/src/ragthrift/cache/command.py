"""`ragthrift cache`: what a cache did."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ragthrift.cache.report import cache_report
from ragthrift.errors import RagthriftError

cache = typer.Typer(help="Answers that were served again, and how well.", no_args_is_help=True)

UNUSABLE = 2


@cache.callback()
def _stay_a_group() -> None:
    """Without a callback, typer would make the only subcommand the whole program."""


@cache.command()
def report(
    file: Annotated[Path, typer.Argument(help="The file that SemanticCache keeps answers in")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Hits, tokens saved, and the share of wrong answers with its 95 % interval."""
    try:
        found = cache_report(file)
    except RagthriftError as error:
        typer.echo(f"ragthrift: {error}", err=True)
        raise typer.Exit(UNUSABLE) from error
    typer.echo(json.dumps(found.as_json()) if as_json else str(found))
