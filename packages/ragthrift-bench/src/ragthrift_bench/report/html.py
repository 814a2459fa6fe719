"""`report.html`: one file with everything in it, for any browser and for paper."""

from pathlib import Path
from typing import Any

from ragthrift.page.environment import environment
from ragthrift.page.numbers import money_decimals, plain, points
from ragthrift.page.sheets import SHEETS
from ragthrift_bench.report import notes, words
from ragthrift_bench.report.ablation import ablation
from ragthrift_bench.report.lines import Line, lines
from ragthrift_bench.report.marks import BASELINE, VERDICTS, icon
from ragthrift_bench.report.numbers import metric_name
from ragthrift_bench.report.pareto import pareto
from ragthrift_bench.report.regressions import worst_regressions
from ragthrift_bench.report.scatter import scatter, scatter_metric
from ragthrift_bench.report.tables import (
    TOKENS,
    ablation_table,
    billing_table,
    metrics_table,
    resolution_table,
    verdict_table,
)
from ragthrift_bench.report.waterfall import steps, waterfall
from ragthrift_bench.results import Results


def write_html(results: Results, path: Path) -> None:
    """Write `report.html`; equal results make equal bytes.

    Raises InputError when there is nothing to report.
    """
    path.write_text(html(results), encoding="utf-8", newline="\n")


def html(results: Results) -> str:
    """The report as a page."""
    pages = environment("ragthrift_bench.report")
    pages.filters.update(shortened=words.shortened, points=points)
    pages.globals["icon"] = icon
    found = lines(results)
    template = pages.get_template("report.html.j2")
    return template.render(**_words(results, found), **_figures(results, found)) + "\n"


def _words(results: Results, found: list[Line]) -> dict[str, Any]:
    levers = ablation(found)
    best = words.best(found)
    worst = worst_regressions(results)
    return {
        "headline": words.headline(found),
        "facts": words.facts(results),
        "warnings": words.warnings(found),
        "cards": [_card(line, line is best) for line in found if line.comparison],
        "verdicts": verdict_table(results, found).without(TOKENS),
        "asked": words.asked(len(results.baseline.rows)),
        "resolution": resolution_table(results, found),
        "ablation": ablation_table(levers, money_decimals(found[0].dollars)),
        "overlap": words.overlap(levers),
        "billing": billing_table(found),
        "metrics": metrics_table(results),
        "metric": metric_name(results.metric),
        "margin": plain(100 * results.margin),
        "worst": worst,
        "worst_title": words.regressions_title(len(worst)),
        "how_to_read": notes.how_to_read(results),
        "method": notes.method(results),
    }


def _card(line: Line, best: bool) -> dict[str, Any]:
    return {
        "name": line.name,
        "dollars": words.change_in_words(line),
        "quality": words.points_in_words(line),
        "verdict": line.comparison.verdict if line.comparison else BASELINE,
        "best": best and line.comparison and line.comparison.verdict == VERDICTS[0],
    }


def _figures(results: Results, found: list[Line]) -> dict[str, Any]:
    reached = {line.comparison.verdict for line in found if line.comparison}
    return {
        "pareto": [pareto(found, results.metric, results.margin, sheet) for sheet in SHEETS],
        "waterfall": [waterfall(found, sheet) for sheet in SHEETS],
        "scatter": scatter(results),
        "scatter_metric": metric_name(scatter_metric(results)),
        "legend": [BASELINE, *(verdict for verdict in VERDICTS if verdict in reached)],
        "extra": any(line.dollars > found[0].dollars for line in steps(found)),
    }
