"""What levers would save: each alone, and one after the other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ragthrift.audit.bill import LEVELS, Bill, Level
from ragthrift.audit.levers import Evidence, Lever, fitted
from ragthrift.audit.levers.lever import Basis, Risk

_OVERLAP = 0.15
"""Two levers overlap where one leaves so much less for the other."""


@dataclass(frozen=True, slots=True)
class Span:
    """Dollars, or a share, between two ends."""

    low: float
    expected: float
    high: float

    def times(self, factor: float) -> "Span":
        """In another unit."""
        return Span(factor * self.low, factor * self.expected, factor * self.high)


@dataclass(frozen=True, slots=True)
class Projection:
    """One lever on this ledger; savings are of its whole period, below 0 if it costs more."""

    lever: str
    title: str
    dollars: Span
    """Saved if it is the only one."""
    share: Span
    """The same, of all dollars."""
    confidence: float
    basis: Basis
    assumes: str
    risk: Risk
    caution: str
    code: str
    overlaps: tuple[tuple[str, float], ...]
    """Other levers, and the share of this one's saving that is gone once they are in place."""


@dataclass(frozen=True, slots=True)
class Step:
    """One lever after those before it."""

    lever: str
    dollars: Span
    """Saved beyond what those before it save."""
    left: Span
    """What is still paid; its low end goes with the high end of the saving."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do first, and what is left for the others."""

    projections: tuple[Projection, ...] = ()
    """In the order of `steps`, then those that do not pay."""
    steps: tuple[Step, ...] = ()
    together: Span = Span(0, 0, 0)
    """Of all steps."""
    added_up: float = 0.0
    """What the expected savings alone would add up to: more than all together, where they save
    the same dollars."""


def plan(evidence: Evidence) -> Plan:
    """Steps by what they are expected to save beyond those before, times its confidence."""
    levers = fitted(evidence)
    if not levers:
        return Plan()
    costs = _Costs(evidence.bill, levers)
    left, done = list(levers), list[Lever]()
    while left:
        best = max(left, key=lambda lever: lever.confidence * costs.saved(lever, done))
        if costs.saved(best, done) <= 0:
            break
        left.remove(best)
        done.append(best)
    scale = evidence.scale
    first = costs.of(())
    projections = [_projection(lever, levers, costs, scale) for lever in (*done, *left)]
    steps = tuple(_step(done[: n + 1], costs, scale) for n in range(len(done)))
    together = Span(*(scale * (first - costs.of(done, level)) for level in LEVELS))
    alone = scale * sum(costs.saved(lever, ()) for lever in done)
    return Plan(tuple(projections), steps, together, alone)


class _Costs:
    """Dollars of the sample under sets of levers, each at a level."""

    def __init__(self, bill: Bill, levers: Sequence[Lever]) -> None:
        self._bill, self._levers = bill, levers
        self._known: dict[frozenset[tuple[str, Level]], float] = {}

    def of(self, chosen: Collection[Lever], level: Level = "expected") -> float:
        """With some of them, in the order in which they change a bill."""
        return self._at({lever.name: level for lever in chosen})

    def saved(
        self,
        lever: Lever,
        done: Collection[Lever],
        level: Level = "expected",
        before: Level = "expected",
    ) -> float:
        """By one more, where those `before` it are at a level of their own."""
        levels = {other.name: before for other in done}
        return self._at(levels) - self._at({**levels, lever.name: level})

    def _at(self, levels: Mapping[str, Level]) -> float:
        key = frozenset(levels.items())
        if key not in self._known:
            bill = self._bill
            for lever in self._levers:
                if lever.name in levels:
                    bill = lever.apply(bill, levels[lever.name])
            self._known[key] = bill.total
        return self._known[key]


def _projection(lever: Lever, levers: Sequence[Lever], costs: _Costs, scale: float) -> Projection:
    dollars = _ordered([scale * costs.saved(lever, (), level) for level in LEVELS])
    first = scale * costs.of(())
    return Projection(
        lever=lever.name,
        title=lever.title,
        dollars=dollars,
        share=dollars.times(1 / first if first else 0.0),
        confidence=lever.confidence,
        basis=lever.basis,
        assumes=lever.assumes,
        risk=lever.risk,
        caution=lever.caution,
        code=lever.code,
        overlaps=tuple(_overlaps(lever, levers, costs)),
    )


def _overlaps(lever: Lever, levers: Sequence[Lever], costs: _Costs) -> Sequence[tuple[str, float]]:
    alone = costs.saved(lever, ())
    if alone <= 0:
        return []
    lost = [
        (other.name, 1 - costs.saved(lever, [other]) / alone)
        for other in levers
        if other is not lever and costs.saved(other, ()) > 0
    ]
    return sorted((pair for pair in lost if pair[1] > _OVERLAP), key=lambda pair: -pair[1])


def _step(done: Sequence[Lever], costs: _Costs, scale: float) -> Step:
    """Least where it saves little and those before it left little; most the other way round."""
    lever, before = done[-1], done[:-1]
    saved = [
        costs.saved(lever, before, "low", "high"),
        costs.saved(lever, before),
        costs.saved(lever, before, "high", "low"),
    ]
    left = _ordered([scale * costs.of(done, level) for level in LEVELS])
    return Step(lever.name, _ordered([scale * dollars for dollars in saved]), left)


def _ordered(found: Sequence[float]) -> Span:
    """From the least to the most: dearer overheads can make a stronger lever save less."""
    return Span(min(found), found[1], max(found))
