"""What was kept of passages, what was dropped, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ragthrift.compress.sentences import Span
from ragthrift.compress.units import UnitKind
from ragthrift.types import Passage
from ragthrift.usage import Savings

Limit = Literal["min_score", "rate", "budget"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A passage with what is left of its text."""

    passage: Passage
    spans: tuple[Span, ...]
    """Offsets of what was kept, in characters of the text as it was given."""


@dataclass(frozen=True, slots=True)
class DroppedUnit:
    """A piece of a passage that was left out, and the limit that left it out."""

    passage_id: str
    start: int
    end: int
    text: str
    kind: UnitKind
    score: float
    limit: Limit
    reason: str


@dataclass(frozen=True, slots=True)
class Compression:
    """Every character that came in, but for blanks, is in exactly one of `kept` and `dropped`."""

    kept: tuple[Kept, ...]
    dropped: tuple[DroppedUnit, ...]
    tokens: Savings
    note: str = ""
    """Why less or more was kept than asked; empty where the limits were met as they stand."""

    @property
    def passages(self) -> list[Passage]:
        """The kept passages in their order."""
        return [kept.passage for kept in self.kept]

    def __iter__(self) -> Iterator[Passage]:
        return iter(self.passages)
