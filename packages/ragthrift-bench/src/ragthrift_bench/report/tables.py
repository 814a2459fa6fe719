"""The tables of a report, the same for every format."""

from collections.abc import Sequence
from math import isfinite

from ragthrift.page.numbers import money, money_decimals, percent, plain, points
from ragthrift.page.tables import NO_CELL, Cell, Table
from ragthrift_bench.report import words
from ragthrift_bench.report.ablation import Ablation, Part
from ragthrift_bench.report.lines import Line, Tokens, metrics
from ragthrift_bench.report.marks import BASELINE
from ragthrift_bench.report.numbers import metric_name, probability, span
from ragthrift_bench.results import Results

TOKENS = "Tokens a question"


def verdict_table(results: Results, found: Sequence[Line]) -> Table:
    """Dollars beside quality."""
    heads = (
        "Configuration",
        "Net $ / 1,000 questions",
        "Change (95\N{NO-BREAK SPACE}%)",
        TOKENS,
        f"Mean {metric_name(results.metric)}",
        "Difference, points (95\N{NO-BREAK SPACE}%)",
        "One-sided bound",
        "Verdict",
        "p\N{NO-BREAK SPACE}(Holm)",
    )
    decimals = money_decimals(found[0].dollars)
    rows = tuple(_verdict_row(line, decimals) for line in found)
    return Table("Dollars are net: the calls and the lever's own models", heads, rows, range(1, 7))


def _verdict_row(line: Line, decimals: int) -> tuple[Cell, ...]:
    change, comparison = line.change, line.comparison
    verdict = comparison.verdict if comparison else BASELINE
    return (
        Cell(line.name),
        Cell(money(line.dollars, decimals)),
        Cell(percent(change.mean), span(change)) if change else NO_CELL,
        _tokens_cell(line.tokens),
        Cell(plain(100 * line.quality)),
        Cell(points(comparison.quality.mean), span(comparison.quality)) if comparison else NO_CELL,
        Cell(points(comparison.quality_bound)) if comparison else NO_CELL,
        Cell(verdict, verdict=verdict),
        Cell(probability(line.p_value)),
    )


def _tokens_cell(tokens: Tokens) -> Cell:
    cached = f"{plain(tokens.cache_read, 0)} cache read, {plain(tokens.cache_write, 0)} cache write"
    rest = f"{cached}, {plain(tokens.output, 0)} output"
    return Cell(f"{plain(tokens.fresh, 0)} fresh", rest)


def billing_table(found: Sequence[Line]) -> Table:
    """What was billed, and what the levers themselves took."""
    heads = (
        "Configuration",
        "Fresh",
        "Cache read",
        "Cache write",
        "Output",
        "Lever's own $ / 1,000",
        "Seconds",
        "of these the lever's",
    )
    decimals = money_decimals(found[0].dollars)
    rows = tuple(_billing_row(line, decimals) for line in found)
    caption = "Tokens a question by billed class; the lever's own dollars; median seconds"
    return Table(caption, heads, rows, range(1, 8))


def _billing_row(line: Line, decimals: int) -> tuple[Cell, ...]:
    tokens = line.tokens
    classes = (tokens.fresh, tokens.cache_read, tokens.cache_write, tokens.output)
    return (
        Cell(line.name),
        *(Cell(plain(count, 0)) for count in classes),
        Cell(money(line.lever_dollars, decimals)),
        Cell(plain(line.seconds, 2)),
        Cell(plain(line.lever_seconds, 2)),
    )


def resolution_table(results: Results, found: Sequence[Line]) -> Table:
    """What this many questions can tell."""
    heads = (
        "Configuration",
        "Smallest loss found, points",
        f"Questions needed for {plain(100 * results.margin)} points",
    )
    rows = tuple(_resolution_row(line, results.margin) for line in found if line.comparison)
    return Table("With 80 % power in a one-sided 5 % test", heads, rows, range(1, 3))


def _resolution_row(line: Line, margin: float) -> tuple[Cell, ...]:
    loss = line.comparison.resolvable if line.comparison else 0.0
    needed = words.questions_needed(line, margin)
    return (
        Cell(line.name),
        Cell(plain(100 * loss)) if isfinite(loss) else NO_CELL,
        Cell(f"about {needed:,}") if needed else NO_CELL,
    )


def ablation_table(found: Ablation, decimals: int) -> Table:
    """Each lever by itself, all but it, and what it adds to the others."""
    heads = (
        "Lever",
        "By itself: dollars",
        "By itself: points",
        "All but it: dollars",
        "All but it: points",
        "Takes off the others' bill / 1,000",
        "Changes the others' quality, points",
    )
    rows = [_part_row(part, decimals) for part in found.parts]
    if found.together:
        name = Cell("all together", found.together.name)
        rows.append((name, *_pair(found.together), *[NO_CELL] * 4))
    return Table(
        "Differences to the baseline, with 95 % intervals", heads, tuple(rows), range(1, 7)
    )


def _part_row(part: Part, decimals: int) -> tuple[Cell, ...]:
    return (
        Cell(part.lever),
        *_pair(part.alone),
        *_pair(part.without),
        Cell(money(part.adds_dollars, decimals)) if part.adds_dollars is not None else NO_CELL,
        Cell(points(part.adds_quality)) if part.adds_quality is not None else NO_CELL,
    )


def _pair(line: Line | None) -> tuple[Cell, Cell]:
    if line is None or line.comparison is None:
        return NO_CELL, NO_CELL
    quality = line.comparison.quality
    change = Cell(percent(line.change.mean), span(line.change)) if line.change else NO_CELL
    return change, Cell(points(quality.mean), span(quality))


def metrics_table(results: Results) -> Table:
    """The mean of every metric; the head says where it is known for a part of the questions."""
    names = metrics(results)
    heads = ("Configuration", *(_metric_head(results, name) for name in names))
    rows = tuple(
        (Cell(outcome.name), *(Cell(plain(100 * outcome.mean(name))) for name in names))
        for outcome in results.outcomes
    )
    return Table("Means, in hundredths", heads, rows, range(1, len(heads)))


def _metric_head(results: Results, metric: str) -> str:
    rows = results.baseline.rows
    known = sum(metric in row.quality for row in rows)
    return metric_name(metric) + (f" ({known:,} questions)" if known < len(rows) else "")
