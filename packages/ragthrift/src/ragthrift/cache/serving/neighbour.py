"""What a decision is made about, and what it says."""

from dataclasses import dataclass
from typing import Literal

Agreement = Literal["agreed", "disagreed", "unknown"]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored answer near the question asked."""

    entry_id: str
    question: str
    answer: str
    similarity: float
    """Cosine of the two questions."""
    group: str
    """Entries whose answers were judged equal share it."""
    right: int = 0
    """Audited servings of this entry that were right."""
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Serving:
    """An explained decision."""

    neighbour: Neighbour | None
    """What would be served; `None` when there is no candidate."""
    serve: bool
    confidence: float
    """Calibrated probability that the answer is right for the question asked."""
    reason: str
    features: tuple[tuple[str, float], ...] = ()
    audit: bool = False
    """Call the model although the answer could be served, and learn from what it says."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a fresh answer says about the one that was stored."""

    agreement: Agreement
    group: str | None
    """The group whose answers equal the fresh one; `None` asks for a new group."""
