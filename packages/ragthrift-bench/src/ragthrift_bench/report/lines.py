"""One line of the tables for every configuration: numbers, not yet text."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from ragthrift import InputError
from ragthrift_bench.comparison import Comparison
from ragthrift_bench.intervals import Interval
from ragthrift_bench.results import Outcome, Results


@dataclass(frozen=True, slots=True)
class Line:
    """A configuration summed up; dollars are net and for 1,000 questions."""

    name: str
    levers: tuple[str, ...]
    questions: int
    failed: int
    """Questions that ended in an error."""
    dollars: float
    lever_dollars: float
    tokens: "Tokens"
    seconds: float
    """Median of a question."""
    lever_seconds: float
    quality: float
    change: Interval | None
    """Difference in dollars as a share of the baseline's; `None` where that is 0."""
    comparison: Comparison | None
    p_value: float | None

    @property
    def saved(self) -> float:
        """The share of the baseline's dollars that is saved, negative when it costs more."""
        return -self.change.mean if self.change else 0.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """Mean tokens of a question by the class they are billed in."""

    fresh: float
    cache_read: float
    cache_write: float
    output: float


def lines(results: Results) -> list[Line]:
    """The lines of a run, baseline first.

    Raises InputError when there is nothing to report, or when a configuration was not asked the
    baseline's questions.
    """
    if not results.outcomes or not results.baseline.rows:
        raise InputError("these results hold no answered question; run the benchmark first")
    asked = {row.case_id for row in results.baseline.rows}
    for outcome in results.outcomes:
        if {row.case_id for row in outcome.rows} != asked:
            raise InputError(
                f"{outcome.name!r} was not asked the same questions as the baseline, so nothing "
                "can be compared; run both on the same cases"
            )
    spent = results.baseline.dollars / len(results.baseline.rows)
    return [_line(outcome, results.metric, spent) for outcome in results.outcomes]


def _line(outcome: Outcome, metric: str, baseline_dollars: float) -> Line:
    rows = outcome.rows
    return Line(
        name=outcome.name,
        levers=outcome.levers,
        questions=len(rows),
        failed=sum(row.error is not None for row in rows),
        dollars=1000 * outcome.dollars / len(rows),
        lever_dollars=1000 * fmean(row.lever_dollars for row in rows),
        tokens=_tokens(outcome),
        seconds=median(row.seconds for row in rows),
        lever_seconds=median(row.lever_seconds for row in rows),
        quality=outcome.mean(metric),
        change=_share(outcome.comparison, baseline_dollars),
        comparison=outcome.comparison,
        p_value=outcome.p_value,
    )


def _tokens(outcome: Outcome) -> Tokens:
    usage, count = outcome.usage, len(outcome.rows)
    return Tokens(
        usage.fresh_tokens / count,
        usage.cache_read_tokens / count,
        usage.cache_write_tokens / count,
        usage.output_tokens / count,
    )


def _share(comparison: Comparison | None, baseline_dollars: float) -> Interval | None:
    if comparison is None or not baseline_dollars:
        return None
    change = comparison.dollars
    return Interval(
        change.mean / baseline_dollars,
        change.low / baseline_dollars,
        change.high / baseline_dollars,
    )


def metrics(results: Results) -> list[str]:
    """The metrics that every configuration was measured by, that of the verdicts first."""
    known = [{name for row in outcome.rows for name in row.quality} for outcome in results.outcomes]
    return [results.metric, *sorted(set.intersection(*known) - {results.metric})]


def full_stack(found: Sequence[Line]) -> Line | None:
    """The configuration of all levers, where at least two were tried; else the one named `all`."""
    every = {lever for line in found for lever in line.levers}
    if len(every) < 2:
        return None
    complete = (line for line in found if set(line.levers) == every)
    named = (line for line in found if line.name == "all" and len(set(line.levers)) > 1)
    return next(complete, None) or next(named, None)
