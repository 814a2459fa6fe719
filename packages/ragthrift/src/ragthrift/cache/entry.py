"""What a store keeps, and what it is asked for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ragthrift.cache.evidence import Evidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

Written = Literal["stored", "cleared", "moved", "stale"]
"""`stored`; or why not: the cache was cleared, a document moved while the answer was made, or a
passage had another version than its document has."""

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer lies: a partition, and a question in it; digests of 16 bytes."""

    scope: bytes
    question: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """What an entry must meet to be read."""

    now: float
    """Seconds since 1970."""
    user: bytes | None = None
    min_users: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored answer that meets the terms it was read under."""

    id: int
    question: str
    answer: str
    group: str
    right: int
    wrong: int
    recheck: bool
    """A chunk was added near the question after the answer was made."""
    soft_end: float
    end: float
    created: float
    cost: float
    """Tokens that serving it saves."""
    extra: bytes = b""
    """What came with the answer and is given back with it."""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An answer to keep."""

    place: Place
    corpus: str
    question: str
    answer: str
    group: str
    evidence: tuple[Evidence, ...]
    vector: "Vector | None"
    """Shape (d,); `None` keeps it for the same question only."""
    created: float
    soft_end: float = FOREVER
    end: float = FOREVER
    cost: float = 1.0
    """Tokens that serving it saves."""
    user: bytes | None = None
    agrees_with: int | None = None
    """The entry of the same question whose answer a judge found equal."""
    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class Learnt:
    """One decision and what a fresh answer said about it."""

    kind: Literal["miss", "audit", "shadow"]
    would_serve: bool
    confidence: float
    agreement: str
    entry_id: int | None = None
