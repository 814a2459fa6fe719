"""A run from its words to its files."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from ragthrift_bench.options import Options
from ragthrift_bench.progress import progress_bars
from ragthrift_bench.report import write_html, write_markdown
from ragthrift_bench.scoring import Pricing
from ragthrift_bench.told import told

_OF_PRICES = ("model", "caching", "seconds_apart", "machine_price")


def run_and_write(out: Path, words: Mapping[str, Any]) -> None:
    """Run what the options of `ragthrift bench run` say, write its files, tell its outcome."""
    console = Console(stderr=True)
    with told(console), progress_bars(console) as progress:
        results = _options(words).run(progress)
        out.mkdir(parents=True, exist_ok=True)
        results.write(out / "results.json")
        write_markdown(results, out / "report.md")
        write_html(results, out / "report.html")
    _print_summary(out)


def _options(words: Mapping[str, Any]) -> Options:
    day: datetime = words["price_date"] or datetime.now(UTC)
    pricing = Pricing(on=day.date(), **{name: words[name] for name in _OF_PRICES})
    rest = {name: word for name, word in words.items() if name not in (*_OF_PRICES, "price_date")}
    several = {name: tuple(rest[name] or ()) for name in ("pipelines", "levers")}
    return Options(pricing=pricing, **rest | several)


def _print_summary(out: Path) -> None:
    """The first lines of the report: the headline, the facts and a line for each configuration."""
    text = (out / "report.md").read_text(encoding="utf-8")
    print(text.partition("\n## ")[0].strip())
    print(f"\n{out / 'report.html'}")
