"""Whether a run is worse than an earlier one: what stops a change from going out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from ragthrift import InputError
from ragthrift_bench.comparison import Comparison
from ragthrift_bench.results import Outcome, Results, Row
from ragthrift_bench.verdicts import compare_rows


@dataclass(frozen=True, slots=True)
class Change:
    """One configuration, then and now."""

    name: str
    comparison: Comparison
    """Now minus then."""
    quality: tuple[float, float]
    dollars: tuple[float, float]
    """Of 1,000 questions."""
    tokens: tuple[float, float]
    """Of one question's prompts."""

    @property
    def dearer(self) -> float:
        """By what share the dollars rose."""
        then, now = self.dollars
        return now / then - 1 if then else float(now > 0)

    def is_inferior(self, margin: float) -> bool:
        """Worse beyond chance, and on average by more than the margin."""
        quality = self.comparison.quality
        return quality.mean < -margin and quality.high < 0

    def may_be_inferior(self, margin: float) -> bool:
        """Whether a loss above the margin cannot be ruled out."""
        return self.comparison.quality_bound <= -margin


def changes(then: Results, now: Results) -> list[Change]:
    """Each configuration of `then` with itself in `now`.

    Raises InputError when they were not asked the same, or when a configuration is missing.
    """
    if then.cases_hash != now.cases_hash:
        raise InputError(
            f"the questions differ: {then.cases} ({then.cases_hash}) then, {now.cases} "
            f"({now.cases_hash}) now; run both on the same data, limit and seed"
        )
    if then.metric != now.metric:
        raise InputError(f"{then.metric} was judged then, {now.metric} now; run with one --metric")
    known = {outcome.name: outcome for outcome in now.outcomes}
    missing = [outcome.name for outcome in then.outcomes if outcome.name not in known]
    if missing:
        raise InputError(f"there is no {', '.join(missing)} now; run the same configurations")
    return [_change(outcome, known[outcome.name], then) for outcome in then.outcomes]


def _change(then: Outcome, now: Outcome, run: Results) -> Change:
    rows = {row.case_id: row for row in now.rows}
    ours = [rows[row.case_id] for row in then.rows]
    return Change(
        then.name,
        compare_rows(ours, then.rows, run.metric, run.margin, run.seed),
        (then.mean(run.metric), now.mean(run.metric)),
        (_per_thousand(then), _per_thousand(now)),
        (_prompt(then.rows), _prompt(now.rows)),
    )


def _per_thousand(outcome: Outcome) -> float:
    return 1000 * outcome.dollars / len(outcome.rows)


def _prompt(rows: Sequence[Row]) -> float:
    return fmean(row.usage.input_tokens for row in rows)


def complaints(
    found: Sequence[Change], *, inferior: float | None, dearer: float | None, strict: bool
) -> Iterator[str]:
    """What stops the change, a sentence each."""
    for change in found:
        loss = 100 * (change.quality[0] - change.quality[1])
        if inferior is not None and change.is_inferior(inferior):
            yield f"{change.name} is inferior: {loss:.1f} points lost"
        elif inferior is not None and strict and change.may_be_inferior(inferior):
            loss = -100 * change.comparison.quality_bound
            yield f"{change.name} may be inferior: {loss:.1f} points lost cannot be ruled out"
        if dearer is not None and change.dearer > dearer:
            yield f"{change.name} is dearer: {100 * change.dearer:+.1f} % dollars"
