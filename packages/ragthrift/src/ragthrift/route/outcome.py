"""What tiers made of one question: what a router learns from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragthrift.errors import InputError
from ragthrift.route.ask import Ask


@dataclass(frozen=True, slots=True)
class Outcome:
    """How good each tried tier's answer was, by the tier's name.

    A tier that was not tried is absent; one tier alone teaches, too.

    >>> Outcome(Ask("What is 6 x 7?"), {"cheap": 1.0, "strong": 1.0}).gain("cheap", "strong")
    0.0
    """

    ask: Ask
    qualities: Mapping[str, float]
    """0 (wrong) to 1 (right)."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Texts of the answers, where they were kept: what escalation learns from."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Dollars of each tier's call, where known."""
    propensity: float = 1.0
    """Probability with which these tiers came to be tried; learning weighs by its inverse."""

    def __post_init__(self) -> None:
        wrong = {name: q for name, q in self.qualities.items() if not 0 <= q <= 1}
        if wrong:
            raise InputError(f"qualities are from 0 to 1, not {wrong}; scale them first")
        if not 0 < self.propensity <= 1:
            raise InputError(f"propensity is above 0 and at most 1, not {self.propensity}")

    def gain(self, tier: str, above: str) -> float | None:
        """Quality of `above` less that of `tier`; `None` unless both were tried."""
        if tier not in self.qualities or above not in self.qualities:
            return None
        return self.qualities[above] - self.qualities[tier]
