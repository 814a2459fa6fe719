"""What a lever would do to a bill, and what that rests on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragthrift.audit.bill import Bill, Level
from ragthrift.audit.documents import DocumentUse
from ragthrift.audit.questions import RepeatedQuestions
from ragthrift.ledger import Call
from ragthrift.ledger.pricing import Prices

Basis = Literal["measured", "partly measured", "assumed"]
Risk = Literal["none", "low", "medium", "high"]
CONFIDENCE: Mapping[Basis, float] = {"measured": 0.9, "partly measured": 0.6, "assumed": 0.3}
"""How much a projected dollar counts when levers are put in order: our judgement."""


@dataclass(frozen=True, slots=True)
class Lever:
    """One way to pay less, fitted to a ledger."""

    name: str
    title: str
    apply: Callable[[Bill, Level], Bill]
    """The bill with the lever; levers are applied in the order of a request's way."""
    assumes: str
    basis: Basis
    risk: Risk
    """For the answers' quality."""
    caution: str
    """What can go wrong, and how to watch it."""
    code: str
    """The line that does it."""

    @property
    def confidence(self) -> float:
        """Weight of its dollars in the order."""
        return CONFIDENCE[self.basis]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What levers are fitted to."""

    stretches: tuple[tuple[Call, ...], ...]
    """The sample, in pieces without gaps."""
    bill: Bill
    """Of the whole sample, in the same order."""
    prices: Prices
    days: float
    """Length of the period of the whole ledger."""
    scale: float
    """The whole ledger's dollars over the sample's."""
    questions: tuple[RepeatedQuestions, ...] = ()
    documents: Mapping[str, DocumentUse] = field(default_factory=dict)
    """By type of request."""


def by_level(level: Level, low: float, expected: float, high: float) -> float:
    """The one of three that a level names."""
    return {"low": low, "expected": expected, "high": high}[level]
