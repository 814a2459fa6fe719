"""`ragthrift local`: copies of a model in fewer bits, measured."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ragthrift.errors import InputError, RagthriftError
from ragthrift.local.recommend import USUAL_KINDS, Measured, Recommendation, compare, recommend
from ragthrift.local.recommend_table import as_json, as_table

local = typer.Typer(help="Language models on this machine.", no_args_is_help=True)

UNUSABLE = 2
_USUAL_TOKENS = 4096

Model = Annotated[Path, typer.Argument(help="A GGUF file, F16 at best")]
Text = Annotated[
    Path | None,
    typer.Option(help="A text to measure on; by default Python's language reference"),
]
MaxTokens = Annotated[int, typer.Option(help="So many tokens of the text")]
FromQuantized = Annotated[
    bool, typer.Option("--from-quantized", help="Take a source below Q8_0 all the same")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON")]


@local.callback()
def _stay_a_group() -> None:
    """Without a callback, typer would make an only subcommand the whole program."""


@local.command("quantize")
def quantize_(
    model: Model,
    to: Annotated[list[str], typer.Option(help="Kinds such as q8_0; more may follow")],
    more: Annotated[list[str] | None, typer.Argument(metavar="[KIND]...", hidden=True)] = None,
    text: Text = None,
    keep: Annotated[bool, typer.Option(help="Keep the copies, beside the model")] = True,
    max_tokens: MaxTokens = _USUAL_TOKENS,
    from_quantized: FromQuantized = False,
    as_json_: Json = False,
) -> None:
    """Copy a model in fewer bits and say what that costs: size, perplexity, agreement, speed."""
    with _telling():
        rows = _rows(
            model,
            [*to, *(more or ())],
            text,
            model.parent if keep else None,
            max_tokens,
            from_quantized,
        )
    typer.echo(json.dumps(as_json(rows)) if as_json_ else as_table(rows))


class Prefer(Enum):
    """What matters among the kinds that are good enough."""

    SIZE = "size"
    SPEED = "speed"


@local.command("recommend")
def recommend_(
    model: Model,
    max_loss: Annotated[str, typer.Option(help="Rise in perplexity to bear, such as 1%")] = "1%",
    n_ctx: Annotated[int, typer.Option(help="Window of a slot in tokens")] = 4096,
    slots: Annotated[int, typer.Option(help="Calls at once")] = 1,
    prefer: Annotated[Prefer, typer.Option(help="The smallest or the fastest")] = Prefer.SIZE,
    text: Text = None,
    from_quantized: FromQuantized = False,
    as_json_: Json = False,
) -> None:
    """Measure the kinds of a model here and name the one to take; no copy is kept."""
    with _telling():
        bound = _share(max_loss)
        rows = _rows(model, USUAL_KINDS, text, None, _USUAL_TOKENS, from_quantized)
        found = recommend(rows, max_loss=bound, n_ctx=n_ctx, slots=slots, prefer=prefer.value)
    if as_json_:
        typer.echo(json.dumps(_as_object(rows, found)))
    else:
        typer.echo(f"{as_table(rows)}\n\n{found}")


def _rows(
    model: Path,
    kinds: Sequence[str],
    text: Path | None,
    folder: Path | None,
    max_tokens: int,
    from_quantized: bool,
) -> list[Measured]:
    found = compare(
        model,
        kinds,
        _prose() if text is None else _content(text),
        folder=folder,
        max_tokens=max_tokens,
        from_quantized=from_quantized,
    )
    return list(found)


def _content(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--text {file} cannot be read: {error}") from error


def _prose() -> str:
    """Technical English that is on every machine with a whole Python."""
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise InputError("this Python has no language reference; give a --text") from error
    return "\n\n".join(topics[name] for name in sorted(topics))


def _share(given: str) -> float:
    """`1%` and `0.01` are the same."""
    number, percent, rest = given.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if rest or not 0 <= share < float("inf"):
        raise InputError(f"--max-loss {given} must be such as 1% or 0.01")
    return share


def _as_object(rows: Sequence[Measured], found: Recommendation) -> dict[str, object]:
    return {
        "measured": as_json(rows),
        "take": found.chosen.kind if found.chosen else None,
        "reasons": found.reasons,
    }


@contextmanager
def _telling() -> Iterator[None]:
    """What the user got wrong, in one line."""
    try:
        yield
    except RagthriftError as error:
        typer.echo(f"ragthrift: {error}", err=True)
        raise typer.Exit(UNUSABLE) from error
