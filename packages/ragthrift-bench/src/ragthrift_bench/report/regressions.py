"""The questions that lost most: what makes a saving believable is seeing what it broke."""

from dataclasses import dataclass

from ragthrift_bench.results import Results, Row


@dataclass(frozen=True, slots=True)
class Regression:
    """One question that some configuration answers worse than the baseline."""

    question: str
    expected: tuple[str, ...]
    baseline: Row
    configuration: str
    """Where it lost most; of several the first."""
    answered: Row
    drop: float
    """Below zero: the difference in the metric of the verdicts."""
    others: tuple[str, ...]
    """The other configurations that lost on it too."""


def worst_regressions(results: Results, limit: int = 10) -> list[Regression]:
    """The questions with the largest drops; of equal ones first those that more lose."""
    answered = {
        outcome.name: {row.case_id: row for row in outcome.rows} for outcome in results.outcomes[1:]
    }
    found = [
        regression
        for row in results.baseline.rows
        if (regression := _regression(row, answered, results.metric))
    ]
    return sorted(found, key=lambda one: (one.drop, -len(one.others)))[:limit]


def _regression(
    baseline: Row, answered: dict[str, dict[str, Row]], metric: str
) -> Regression | None:
    drops = {
        name: rows[baseline.case_id].quality[metric] - baseline.quality[metric]
        for name, rows in answered.items()
    }
    lost = [name for name, drop in drops.items() if drop < 0]
    if not lost:
        return None
    worst = min(lost, key=lambda name: drops[name])
    return Regression(
        question=baseline.question,
        expected=baseline.expected,
        baseline=baseline,
        configuration=worst,
        answered=answered[worst][baseline.case_id],
        drop=drops[worst],
        others=tuple(name for name in lost if name != worst),
    )
