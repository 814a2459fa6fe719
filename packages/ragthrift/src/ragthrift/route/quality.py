"""How good each tier's answer will be, before one is there."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ragthrift.route.ask import Ask
from ragthrift.route.outcome import Outcome


@runtime_checkable
class QualityModel(Protocol):
    """Expects the quality of answers that nobody has written yet."""

    def expected(self, ask: Ask, tiers: Sequence[str]) -> tuple[float, ...]:
        """Expected quality, 0 to 1, of each tier's answer; `tiers` by name, cheap to strong."""
        ...

    def fit(self, outcomes: Sequence[Outcome]) -> "QualityModel":
        """A new model that has learnt from these outcomes, and from them only."""
        ...
