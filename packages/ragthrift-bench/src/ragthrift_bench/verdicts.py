"""Rows of several configurations as outcomes: every difference paired, every verdict given."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ragthrift import InputError
from ragthrift_bench.comparison import Comparison, compare, holm, mcnemar
from ragthrift_bench.results import Outcome, Row

log = logging.getLogger(__name__)

SIGNIFICANT = "exact_match"
"""The metric of right and wrong that McNemar's test takes."""


def judge_all(
    outcomes: Sequence[Outcome], *, metric: str, margin: float, seed: int
) -> tuple[Outcome, ...]:
    """The outcomes, all but the first compared with the first.

    Raises InputError when a row lacks the metric.
    """
    baseline, *others = outcomes
    for outcome in outcomes:
        _check_metric(outcome, metric)
    compared = [
        replace(other, comparison=compare_rows(other.rows, baseline.rows, metric, margin, seed))
        for other in others
    ]
    return (baseline, *_with_p_values(compared, baseline))


def compare_rows(
    ours: Sequence[Row], theirs: Sequence[Row], metric: str, margin: float, seed: int
) -> Comparison:
    """Ours minus theirs; both hold the same questions in the same order."""
    pairs = list(zip(ours, theirs, strict=True))
    return compare(
        [our.dollars - their.dollars for our, their in pairs],
        [our.quality[metric] - their.quality[metric] for our, their in pairs],
        margin=margin,
        clusters=_clusters(ours),
        seed=seed,
    )


def _clusters(rows: Sequence[Row]) -> list[str] | None:
    """The document of each row; a row without one is its own."""
    labels = [row.cluster if row.cluster is not None else row.case_id for row in rows]
    if all(row.cluster is None for row in rows):
        return None
    if len(set(labels)) == 1:
        log.warning(
            "all questions are about %s, so the intervals hold for that document alone", labels[0]
        )
        return None
    return labels


def _with_p_values(outcomes: Iterable[Outcome], baseline: Outcome) -> list[Outcome]:
    kept = list(outcomes)
    if not all(SIGNIFICANT in row.quality for outcome in (baseline, *kept) for row in outcome.rows):
        return kept
    theirs = _right(baseline)
    adjusted = holm({outcome.name: mcnemar(_right(outcome), theirs) for outcome in kept})
    return [replace(outcome, p_value=adjusted[outcome.name]) for outcome in kept]


def _right(outcome: Outcome) -> list[bool]:
    return [row.quality[SIGNIFICANT] == 1 for row in outcome.rows]


def _check_metric(outcome: Outcome, metric: str) -> None:
    lacking = [row for row in outcome.rows if metric not in row.quality]
    if lacking:
        known = sorted(set.intersection(*(set(row.quality) for row in outcome.rows)))
        raise InputError(
            f"{metric!r} is not known for {len(lacking)} of {len(outcome.rows)} questions of "
            f"{outcome.name!r}; choose a metric that is: {', '.join(known)}"
        )
