"""`ragthrift demo`: ask, trim, ask again, and show what it saved."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ragthrift.errors import RagthriftError
from ragthrift_bench.progress import progress_bars


def demo(
    data: Annotated[
        Path | None, typer.Option(help="NQ-open with gold passages (JSON lines, .gz) instead")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Ask all questions, not a dozen")] = False,
    top_k: Annotated[int, typer.Option(help="Passages that the lever keeps of ten")] = 3,
    model: Annotated[str, typer.Option(help="The model whose prices are used")] = "gpt-5-mini",
    seed: Annotated[int, typer.Option(help="For choosing and mixing NQ questions")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Answer questions in LangChain and LlamaIndex, before and after reranking."""
    console = Console(stderr=as_json)
    try:
        from ragthrift_bench.demo.run import Demo

        with progress_bars(console) as progress:
            results = Demo(data, every, top_k, model, seed).run(progress)
    except RagthriftError as error:
        console.print(f"[red]{type(error).__name__}:[/red] {error}", highlight=False)
        raise typer.Exit(2) from error
    if as_json:
        summaries = {name: [asdict(side) for side in both] for name, both in results.items()}
        print(json.dumps({"model": model, "date": date.today().isoformat(), **summaries}))
        return
    from ragthrift_bench.demo.table import comparison_table

    questions = next(iter(results.values()))[0].questions
    source = "the handbook" if data is None else data.name
    title = f"{questions} questions on {source}: 10 passages retrieved, {top_k} kept by reranking"
    console.print(comparison_table(results, title))
    console.print(
        "Measured: tokens of the very messages sent (o200k_base, exact), answers of Gemma 3 270M "
        "against the gold answers, time on this machine.\n"
        f"Priced: those tokens at {model}'s price of {date.today()}; nothing was sent to it.",
        style="dim",
        highlight=False,
    )
