"""`ragthrift cache`: what a cache did, and what another one knew."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ragthrift.cache.migrate import from_gptcache, from_redisvl
from ragthrift.cache.report import cache_report
from ragthrift.cache.semantic_cache import SemanticCache
from ragthrift.errors import InputError, RagthriftError
from ragthrift.protocols import Embedder
from ragthrift.types import Scope

cache = typer.Typer(help="Answers that were served again, and how well.", no_args_is_help=True)

UNUSABLE = 2


@cache.callback()
def _stay_a_group() -> None:
    """Without a callback, typer would make the only subcommand the whole program."""


@cache.command()
def report(
    where: Annotated[str, typer.Argument(help="A cache's file, or the URL of its Redis server")],
    prefix: Annotated[str, typer.Option(help="The prefix of its keys in Redis")] = "ragthrift",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Hits, tokens saved, and the share of wrong answers with its 95 % interval."""
    with _telling():
        found = cache_report(where, prefix=prefix)
    typer.echo(json.dumps(found.as_json()) if as_json else str(found))


class Kind(Enum):
    """Whose answers are imported."""

    GPTCACHE = "gptcache"
    REDISVL = "redisvl"


@cache.command("import")
def import_(
    kind: Annotated[Kind, typer.Argument(help="Whose answers")],
    source: Annotated[str, typer.Argument(help="GPTCache's SQLite file, or the URL of a Redis")],
    into: Annotated[Path, typer.Option(help="The file to keep them in")],
    scope: Annotated[list[str], typer.Option(help="A part of their scope: tenant=acme")],
    index: Annotated[str, typer.Option(help="The name of redisvl's cache")] = "llmcache",
    exact: Annotated[bool, typer.Option("--exact", help="For SemanticCache(None)")] = False,
) -> None:
    """Take over another cache's answers, for caches with the embedded MiniLM."""
    with _telling():
        where = _scope(scope)
        with SemanticCache(None if exact else _minilm(), store=into, on_error="raise") as target:
            if kind is Kind.GPTCACHE:
                found = from_gptcache(source, target, scope=where)
            else:
                found = from_redisvl(source, index, target, scope=where)
    typer.echo(found)


def _scope(given: list[str]) -> Scope:
    parts = {name: value for name, _, value in (part.partition("=") for part in given)}
    if not all(name and value for name, value in parts.items()):
        raise InputError(f"--scope {' '.join(given)} must be parts such as tenant=acme")
    return Scope.of(**parts)


def _minilm() -> Embedder:
    from ragthrift.embed import minilm

    return minilm()


@contextmanager
def _telling() -> Iterator[None]:
    """What the user got wrong, in one line."""
    try:
        yield
    except RagthriftError as error:
        typer.echo(f"ragthrift: {error}", err=True)
        raise typer.Exit(UNUSABLE) from error
