"""`ragthrift audit`: where the money goes, and which lever pays first."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ragthrift.audit.demo import demo_calls
from ragthrift.audit.limits import Limit
from ragthrift.audit.report import Audit
from ragthrift.audit.report import audit as audited
from ragthrift.audit.reports import markdown, show, write_html
from ragthrift.errors import InputError, RagthriftError
from ragthrift.ledger import Call
from ragthrift.ledger.imports import CallReader, read_calls
from ragthrift.ledger.pricing import Prices

UNUSABLE = 2
BEYOND = 1


class Output(Enum):
    """How the report is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def audit(
    ledger: Annotated[
        Path | None, typer.Argument(help="A ledger, or an export of traces", show_default=False)
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Audit a made-up ledger")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page to this file")] = None,
    output: Annotated[Output, typer.Option(help="What is printed")] = Output.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --output json")] = False,
    prices: Annotated[Path | None, typer.Option(help="Your own prices, a TOML file")] = None,
    format_: Annotated[
        str, typer.Option("--format", help="The file's format, where it cannot be told")
    ] = "",
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="End with 1 if it holds: 'dollars_per_call>0.01'; may be repeated"),
    ] = None,
) -> None:
    """Where the money goes, and which lever pays first."""
    with _telling():
        limits = [Limit.read(text) for text in fail_on or ()]
        known = Prices() if prices is None else Prices.load(prices)
        calls = _calls(ledger, format_, demo=demo)
        found = audited(calls, known, synthetic=demo)
        _left_out(calls)
        if html is not None:
            write_html(found, html)
        _print(found, Output.JSON if as_json else output)
        broken = [told for told in (limit.broken(found) for limit in limits) if told]
    for told in broken:
        typer.echo(f"ragthrift: {told}", err=True)
    if broken:
        raise typer.Exit(BEYOND)


def _print(found: Audit, output: Output) -> None:
    if output is Output.JSON:
        typer.echo(json.dumps(found.as_json()))
    elif output is Output.MARKDOWN:
        typer.echo(markdown(found))
    else:
        show(found)


def _calls(ledger: Path | None, format_: str, *, demo: bool) -> Iterable[Call]:
    if demo == (ledger is not None):
        raise InputError("name a ledger, such as calls.db or calls.jsonl, or --demo")
    if ledger is None:
        return demo_calls()
    return read_calls(ledger, form=format_ or None)


def _left_out(calls: Iterable[Call]) -> None:
    """Say what a file held beside calls."""
    if not isinstance(calls, CallReader):
        return
    if calls.skipped:
        typer.echo(f"ragthrift: {calls.skipped:,} records are no model calls", err=True)
    if calls.malformed:
        told = f"{calls.malformed:,} records are malformed and left out: {calls.first_malformed}"
        typer.echo(f"ragthrift: {told}", err=True)


@contextmanager
def _telling() -> Iterator[None]:
    """What the user got wrong, in one line."""
    try:
        yield
    except RagthriftError as error:
        typer.echo(f"ragthrift: {error}", err=True)
        raise typer.Exit(UNUSABLE) from error
