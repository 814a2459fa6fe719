"""What routing came to: the bill, and what other ways of choosing would have come to."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ragthrift.route.curve import Curve, Interval, curve_of, interval, mean
from ragthrift.route.dominated import Dominated, dominated
from ragthrift.route.log import Bill, OutcomeLog
from ragthrift.route.outcome import Outcome
from ragthrift.usage import Savings


@dataclass(frozen=True, slots=True)
class RouteReport:
    """A log in numbers."""

    bill: Bill
    chosen: Mapping[str, int]
    served: Mapping[str, int]
    actions: Mapping[str, int]
    escalated: int
    asked_again: int
    failed: int
    faults: Mapping[str, int]
    findings: Mapping[str, int]
    thumbs: Interval | None
    """Quality by what users said."""
    schema_pass: float | None
    """Share of answers that fit their schema or tools, where they had to."""
    grounded: float | None
    """How far answers rest on their passages, on average."""
    shadow_dollars: float
    """The part of the bill that went into comparing."""
    savings: Savings
    """Dollars of all calls whose cost is known had the strongest tier answered each at once, and
    as they were, shadow calls included: `after` may be the larger."""
    curve: Curve | None
    dominated: tuple[Dominated, ...]

    def as_json(self) -> dict[str, Any]:
        """Numbers by name."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def route_report(path: str | os.PathLike[str]) -> RouteReport:
    """The report of a log's file."""
    with OutcomeLog.existing(path) as log:
        return report_of(log)


def report_of(log: OutcomeLog) -> RouteReport:
    """The report of a log."""
    calls, attempts = log.calls(), log.attempts()
    outcomes = log.numbered_outcomes()
    expected = {call["id"]: json.loads(call["qualities"]) for call in calls}
    ladder = list(max(expected.values(), key=len, default={}))
    known = [outcome for _, outcome in outcomes]
    thumbs = [call["thumbs"] for call in calls if call["thumbs"] is not None]
    return RouteReport(
        log.bill(),
        chosen=_counts(call["chosen"] for call in calls),
        served=_counts(call["served"] for call in calls),
        actions=_counts(call["action"] for call in calls if call["served"]),
        escalated=sum(call["escalated"] for call in calls),
        asked_again=sum(call["asked_again"] for call in calls),
        failed=sum(call["served"] is None for call in calls),
        faults=_counts(attempt["fault"] for attempt in attempts),
        findings=_counts(name for one in attempts for name in json.loads(one["findings"])),
        thumbs=interval(thumbs) if thumbs else None,
        schema_pass=mean([a["schema_pass"] for a in attempts]),
        grounded=mean([a["grounded"] for a in attempts if a["served"]]),
        shadow_dollars=sum(a["dollars"] or 0.0 for a in attempts if a["purpose"] == "shadow"),
        savings=_savings(calls, attempts),
        curve=curve_of([(expected[number], one) for number, one in outcomes], ladder),
        dominated=tuple(dominated(known, _costs(known))),
    )


def _counts(names: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(name for name in names if name is not None).items()))


def _savings(calls: Sequence[Mapping[str, Any]], attempts: Sequence[Mapping[str, Any]]) -> Savings:
    before = {c["id"]: c["strongest_dollars"] for c in calls if c["strongest_dollars"] is not None}
    after = sum(a["dollars"] or 0.0 for a in attempts if a["call"] in before)
    return Savings(sum(before.values()), after)


def _costs(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Dollars of a call by tier, as far as known."""
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.costs)
    return {name: mean([one.costs.get(name) for one in outcomes]) or 0.0 for name in names}


def _lines(report: RouteReport) -> list[str]:
    bill = report.bill
    lines = [
        f"{bill.calls} calls, {bill.attempts} attempts: ${bill.dollars:.6f}"
        + (f", {bill.unknown} of unknown cost" if bill.unknown else ""),
        f"chosen {_listed(report.chosen)}; answered by {_listed(report.served)}",
        f"{report.escalated} escalated, {report.failed} failed, {report.asked_again} asked again",
    ]
    saved = report.savings
    if saved.before:
        lines.append(f"${saved.saved:.6f} saved net ({saved.share:.1%}) of always the strongest")
    apart = {"actions": report.actions, "faults": report.faults, "findings": report.findings}
    lines += [f"{name}: {_listed(counts)}" for name, counts in apart.items() if counts]
    if report.thumbs:
        lines.append(f"quality by feedback: {report.thumbs}")
    if report.schema_pass is not None:
        lines.append(f"{report.schema_pass:.1%} fitted their schema or tools")
    if report.grounded is not None:
        lines.append(f"{report.grounded:.2f} of the answers rests on the passages")
    if report.shadow_dollars:
        lines.append(f"${report.shadow_dollars:.6f} went into comparing")
    lines += _curve_lines(report.curve) if report.curve else ["too few compared calls for a curve"]
    return lines + [f"dominated: {one}" for one in report.dominated]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items()) or "none"


def _curve_lines(curve: Curve) -> list[str]:
    names = {0: f"always {curve.cheap}", len(curve.points) - 1: f"always {curve.strong}"}
    lines = [f"{curve.calls} compared calls, {curve.cheap} to {curve.strong}"]
    for at, point in enumerate(curve.points):
        dollars = "" if point.dollars is None else f", ${point.dollars:.6f} a call"
        beside = names.get(at, f"by lot {point.random_quality:.3f}")
        lines.append(f"  {point.strong_share:4.0%} strong: {point.quality}{dollars}; {beside}")
    return lines + ([f"gap recovered on average: {curve.apgr}"] if curve.apgr else [])
