"""`ragthrift bench`: run a benchmark, compare two runs, write a report again."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ragthrift_bench.told import told

bench = typer.Typer(
    help="Dollars saved beside answer quality, on your own questions.", no_args_is_help=True
)

INFERIOR = 1

_ASKED, _ANSWERED, _PRICED, _JUDGED = "What is asked", "What answers", "Cost", "Quality"
Data = Annotated[
    str,
    typer.Option(
        help="demo, a .jsonl file, nq:FILE, hotpot:FILE, qed:FILE, locomo:FILE or hf:NAME",
        rich_help_panel=_ASKED,
    ),
]
Corpus = Annotated[
    Path | None,
    typer.Option(help="Folder of documents to retrieve from", rich_help_panel=_ASKED),
]
Passages = Annotated[int, typer.Option(help="Passages a question", rich_help_panel=_ASKED)]
Limit = Annotated[int | None, typer.Option(help="Questions at most", rich_help_panel=_ASKED)]
Seed = Annotated[
    int, typer.Option(help="Draws questions, distractors and resamples", rich_help_panel=_ASKED)
]
History = Annotated[
    bool, typer.Option(help="Send the turns before the question", rich_help_panel=_ASKED)
]
Pipelines = Annotated[
    list[str] | None,
    typer.Option(
        "--pipeline",
        help="package.module:function that builds yours, or NAME=package.module:function; "
        "may be given several times, baseline first",
        rich_help_panel=_ANSWERED,
    ),
]
LeverNames = Annotated[
    list[str] | None,
    typer.Option(
        "--lever",
        help="A lever, or package.module:function that returns a step; may be given several times",
        rich_help_panel=_ANSWERED,
    ),
]
Llm = Annotated[
    str,
    typer.Option(
        help="embedded, none, openai:MODEL@URL, recorded:FILE or package.module:function",
        rich_help_panel=_ANSWERED,
    ),
]
Prompt = Annotated[
    Path | None,
    typer.Option(help="File with {context} and {question}", rich_help_panel=_ANSWERED),
]
MaxTokens = Annotated[
    int | None, typer.Option(help="Tokens of an answer at most", rich_help_panel=_ANSWERED)
]
Jobs = Annotated[int, typer.Option(help="Questions at once", rich_help_panel=_ANSWERED)]
Model = Annotated[
    str,
    typer.Option(
        help="The model whose prices are taken; called: that of each call",
        rich_help_panel=_PRICED,
    ),
]
PriceDate = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Prices of this day", rich_help_panel=_PRICED),
]
Caching = Annotated[
    str,
    typer.Option(
        help="none, openai-implicit, openai-breakpoints, anthropic-5m or reported",
        rich_help_panel=_PRICED,
    ),
]
Apart = Annotated[
    float,
    typer.Option(help="Between two questions", rich_help_panel=_PRICED),
]
MachinePrice = Annotated[
    float,
    typer.Option(help="Dollars an hour for what levers compute", rich_help_panel=_PRICED),
]
Metric = Annotated[
    str | None, typer.Option(help="The metric of the verdicts", rich_help_panel=_JUDGED)
]
Margin = Annotated[
    float, typer.Option(help="The loss that counts as small", rich_help_panel=_JUDGED)
]
JudgeModel = Annotated[
    str | None,
    typer.Option("--judge", help="A model, named as for --llm", rich_help_panel=_JUDGED),
]
Out = Annotated[Path, typer.Option(help="Folder for results.json, report.md and report.html")]
Cache = Annotated[Path | None, typer.Option(help="Folder that answers are kept in")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ask again what was asked before")]
Record = Annotated[Path | None, typer.Option(help="File to write every call to")]


@bench.command()
def run(  # noqa: PLR0913, PLR0917 - one parameter an option
    data: Data = "demo",
    corpus: Corpus = None,
    passages: Passages = 10,
    limit: Limit = None,
    seed: Seed = 0,
    history: History = True,
    pipelines: Pipelines = None,
    levers: LeverNames = None,
    llm: Llm = "embedded",
    prompt: Prompt = None,
    max_tokens: MaxTokens = None,
    jobs: Jobs = 1,
    model: Model = "gpt-5-mini",
    price_date: PriceDate = None,
    caching: Caching = "none",
    seconds_apart: Apart = 10.0,
    machine_price: MachinePrice = 0.1,
    metric: Metric = None,
    margin: Margin = 0.02,
    judge: JudgeModel = None,
    out: Out = Path("report"),
    cache: Cache = None,
    fresh: Fresh = False,
    record: Record = None,
) -> None:
    """Ask every question under every configuration; write results and reports.

    What was answered is kept: a run that was stopped goes on, and a second one is free.
    """
    words = dict(locals())
    from ragthrift_bench.writing import run_and_write

    run_and_write(words.pop("out"), words)


@bench.command()
def compare(
    then: Annotated[Path, typer.Argument(help="results.json of the earlier run")],
    now: Annotated[Path, typer.Argument(help="results.json of the later run")],
    fail_if_inferior: Annotated[
        float | None, typer.Option(help="Exit with 1 if quality fell by more, such as 0.02")
    ] = None,
    fail_if_dearer: Annotated[
        float | None, typer.Option(help="Exit with 1 if dollars rose by a larger share")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail too where such a loss cannot be ruled out")
    ] = False,
) -> None:
    """Compare two runs of the same questions, configuration by configuration.

    Exits with 0, with 1 where a limit is passed, with 2 where the runs cannot be compared.
    """
    from ragthrift_bench.gate import changes, complaints
    from ragthrift_bench.gate_table import changes_table
    from ragthrift_bench.results import Results

    console = Console()
    with told(Console(stderr=True)):
        found = changes(Results.read(then), Results.read(now))
        console.print(changes_table(found))
        stops = list(
            complaints(found, inferior=fail_if_inferior, dearer=fail_if_dearer, strict=strict)
        )
    for complaint in stops:
        console.print(f"[red]{complaint}[/red]", highlight=False)
    raise typer.Exit(INFERIOR if stops else 0)


@bench.command()
def report(
    results: Annotated[Path, typer.Argument(help="results.json of a run")],
    out: Annotated[Path, typer.Option(help="Folder for report.md and report.html")] = Path("."),
) -> None:
    """Write the reports of a run again."""
    from ragthrift_bench.report import write_html, write_markdown
    from ragthrift_bench.results import Results

    with told(Console(stderr=True)):
        read = Results.read(results)
        out.mkdir(parents=True, exist_ok=True)
        write_markdown(read, out / "report.md")
        write_html(read, out / "report.html")
