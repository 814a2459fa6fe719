"""Tiers that are dearer than another and answer worse."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragthrift.route.outcome import Outcome

FEWEST = 30
"""Questions that both tiers were tried on, below which nothing is said."""
_SURE = 1.645
"""Standard errors of a one-sided 95 % bound."""


@dataclass(frozen=True, slots=True)
class Dominated:
    """A tier that another one beats at a lower price."""

    tier: str
    by: str
    worse: float
    """How much worse it answered, in quality, on the questions that both were tried on."""
    dearer: float
    """Its cost over the other's, 1 for the same."""
    outcomes: int

    def __str__(self) -> str:
        return (
            f"{self.tier} answers {self.worse:.3f} worse than {self.by} "
            f"and costs {self.dearer:.1f} times as much ({self.outcomes} outcomes)"
        )


def dominated(outcomes: Sequence[Outcome], costs: Mapping[str, float]) -> list[Dominated]:
    """Tiers that with 95 % confidence answer worse than a tier that is not dearer.

    `costs` are dollars per call by tier, of which only the ratios matter.
    """
    found = []
    for tier in costs:
        better = [one for by in costs if by != tier if (one := _beaten(tier, by, outcomes, costs))]
        if better:
            found.append(max(better, key=lambda one: one.worse))
    return found


def _beaten(
    tier: str, by: str, outcomes: Sequence[Outcome], costs: Mapping[str, float]
) -> Dominated | None:
    if costs[by] > costs[tier]:
        return None
    gains = [gain for one in outcomes if (gain := one.gain(tier, by)) is not None]
    if len(gains) < FEWEST:
        return None
    mean = sum(gains) / len(gains)
    spread = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1))
    if mean - _SURE * spread / math.sqrt(len(gains)) <= 0:
        return None
    ratio = costs[tier] / costs[by] if costs[by] else math.inf
    return Dominated(tier, by, mean, ratio, len(gains))
