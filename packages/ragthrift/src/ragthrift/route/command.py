"""`ragthrift route`: what a router did."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ragthrift.errors import RagthriftError
from ragthrift.route.report import route_report

route = typer.Typer(help="Which model answered what, and at what price.", no_args_is_help=True)

UNUSABLE = 2


@route.callback()
def _stay_a_group() -> None:
    """Without a callback, typer would make the only subcommand the whole program."""


@route.command()
def report(
    file: Annotated[Path, typer.Argument(help="The file that a Router logs to")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """The bill, and quality against the share of strong calls, beside static choices."""
    try:
        found = route_report(file)
    except RagthriftError as error:
        typer.echo(f"ragthrift: {error}", err=True)
        raise typer.Exit(UNUSABLE) from error
    typer.echo(json.dumps(found.as_json()) if as_json else str(found))
