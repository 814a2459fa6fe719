"""What a router does before anything was learnt or measured."""

from collections.abc import Sequence

from ragthrift.route.ask import Ask
from ragthrift.route.controller import Controller
from ragthrift.route.outcome import Outcome
from ragthrift.route.prior import PriorEscalation
from ragthrift.route.targets import Budget, Rate, Target
from ragthrift.route.weighing import Steering, Worth
from ragthrift.types import Tier

UNCALIBRATED = Rate(per_dollar=0.0, share=1.0, quality=1.0, bound=1.0, outcomes=0)
"""The best tier answers whatever it costs: what keeps a quality before anything was measured."""


class ByRank:
    """The prior's gain, of which a tier on the way to the strongest gets its part of the way.

    >>> by_rank = ByRank([Tier(name, name) for name in ("cheap", "middle", "strong")])
    >>> ask, answer = Ask("What is 6 x 7?"), "6 x 7 = 41."
    >>> half = by_rank.gain(ask, answer, "cheap", "middle")
    >>> half == by_rank.gain(ask, answer, "cheap", "strong") / 2
    True
    """

    def __init__(self, tiers: Sequence[Tier]) -> None:
        self._places = {tier.name: place for place, tier in enumerate(tiers)}
        self._prior = PriorEscalation()

    def gain(self, ask: Ask, answer: str, tier: str, above: str) -> float:
        """Expected gain by the answer and the distance of the tiers."""
        here, there = self._places[tier], self._places[above]
        share = (there - here) / max(len(self._places) - 1 - here, 1)
        return share * self._prior.gain(ask, answer, tier, above)

    def fit(self, outcomes: Sequence[Outcome]) -> "ByRank":  # noqa: ARG002
        """Itself: a prior does not learn."""
        return self


def steering_to(target: Target | None) -> Steering:
    """What holds a target before any outcome was seen."""
    if target is None:
        return Worth()
    return Controller(target, None if isinstance(target, Budget) else UNCALIBRATED)
