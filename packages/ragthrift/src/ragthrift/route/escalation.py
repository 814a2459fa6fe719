"""Whether the tier above would do better, once an answer is there."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ragthrift.route.ask import Ask
from ragthrift.route.outcome import Outcome


@runtime_checkable
class EscalationModel(Protocol):
    """Expects what a dearer answer would add to one that is there."""

    def gain(self, ask: Ask, answer: str, tier: str, above: str) -> float:
        """Expected quality of `above` less that of this answer by `tier`, -1 to 1."""
        ...

    def fit(self, outcomes: Sequence[Outcome]) -> "EscalationModel":
        """A new model that has learnt from these outcomes, and from them only."""
        ...
