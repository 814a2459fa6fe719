"""Question by question: fewer tokens against better or worse answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from ragthrift.page.axis import Axis, covering
from ragthrift.page.numbers import signed
from ragthrift.page.svg import line, picture, tag, words
from ragthrift_bench.report.numbers import metric_name
from ragthrift_bench.results import Outcome, Results

_WIDTH, _HEIGHT = 342.0, 230.0
_CELL = 6.0
"""Questions that fall into one cell of this size make one dot."""

Change = tuple[float, float]
"""Tokens, and quality in hundredths: both configuration minus baseline."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One configuration's plot, and how many questions went which way."""

    name: str
    svg: str
    better: int
    same: int
    worse: int


def scatter_metric(results: Results) -> str:
    """Token F1 where it was measured, since it has more than two values."""
    rows = [row for outcome in results.outcomes for row in outcome.rows]
    return "token_f1" if all("token_f1" in row.quality for row in rows) else results.metric


def scatter(results: Results) -> list[Panel]:
    """A panel for every configuration, all on the same axes."""
    metric = scatter_metric(results)
    changes = {outcome.name: _changes(outcome, results, metric) for outcome in results.outcomes[1:]}
    every = [change for of_one in changes.values() for change in of_one]
    if not every:
        return []
    across = Axis(*covering([0.0, *(tokens for tokens, _ in every)], least=10.0), 50, _WIDTH - 10)
    up = Axis(*covering([0.0, *(quality for _, quality in every)], least=20.0), _HEIGHT - 40, 22)
    return [
        _panel(number, name, found, (across, up), metric)
        for number, (name, found) in enumerate(changes.items())
    ]


def _changes(outcome: Outcome, results: Results, metric: str) -> list[Change]:
    baseline = {row.case_id: row for row in results.baseline.rows}
    pairs = [(row, baseline[row.case_id]) for row in outcome.rows]
    return [
        (
            ours.usage.total_tokens - theirs.usage.total_tokens,
            100 * (ours.quality[metric] - theirs.quality[metric]),
        )
        for ours, theirs in pairs
    ]


def _panel(
    number: int, name: str, changes: Sequence[Change], axes: tuple[Axis, Axis], metric: str
) -> Panel:
    better = sum(quality > 0 for _, quality in changes)
    worse = sum(quality < 0 for _, quality in changes)
    same = len(changes) - better - worse
    title = f"{name}: change in tokens against change in {metric_name(metric)}, by question"
    told = f"{better} questions scored better, {same} the same, {worse} worse."
    shapes = [*_frame(*axes, metric), *_dots(changes, *axes)]
    svg = picture(f"scatter-{number}", title, told, (_WIDTH, _HEIGHT), *shapes)
    return Panel(name, svg, better, same, worse)


def _frame(across: Axis, up: Axis, metric: str) -> list[str]:
    shapes = []
    for tick in up.ticks(4):
        kind = "rule" if tick == 0 else "grid"
        shapes.append(line(across.start, up(tick), across.end, up(tick), kind))
        shapes.append(words(signed(tick, 0), across.start - 6, up(tick) + 4, class_="tick end"))
    shapes.append(line(across(0), up.start, across(0), up.end, "rule"))
    for tick in across.ticks(4):
        label = signed(tick, 0)
        shapes.append(words(label, across(tick), up.start + 15, class_="tick middle"))
    rise = f"change in {metric_name(metric)}, points"
    return [
        *shapes,
        words(rise, 2, 12, class_="axis-title"),
        words("change in tokens", across.end, _HEIGHT - 4, class_="axis-title end"),
    ]


def _dots(changes: Sequence[Change], across: Axis, up: Axis) -> list[str]:
    """One dot a cell, in the middle of its questions, its area growing with their number."""
    cells: dict[tuple[int, int], list[Change]] = {}
    for tokens, quality in changes:
        x, y = across(tokens), up(quality)
        cells.setdefault((int(x / _CELL), int(y / _CELL)), []).append((x, y))
    return [
        tag(
            "circle",
            cx=fmean(x for x, _ in inside),
            cy=fmean(y for _, y in inside),
            r=min(9.0, 2.6 * sqrt(len(inside))),
            class_="dot",
        )
        for _, inside in sorted(cells.items())
    ]
