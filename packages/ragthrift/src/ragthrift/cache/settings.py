"""How a cache is set up: small frozen values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ragthrift.errors import InputError
from ragthrift.types import Passage

Mode = Literal["before_retrieval", "after_retrieval", "auto"]
Gate = Callable[[str, str, Sequence[Passage]], bool]
"""`(question, answer, passages) -> bool`: whether an answer may be stored."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long an answer is served, in seconds; `None` means no end.

    >>> Lifetime(seconds=3600, soft_seconds=600).soft_seconds
    600
    """

    seconds: float | None = None
    """From the moment it was stored; with `sliding`, from the moment it was last served."""
    soft_seconds: float | None = None
    """After this it is still served while a fresh answer is computed behind it."""
    sliding: bool = False
    jitter: float = 0.1
    """The share of `seconds` that chance takes off, so that answers do not expire together."""
    max_seconds: float | None = None
    """The end that sliding cannot move."""

    def __post_init__(self) -> None:
        for name in ("seconds", "soft_seconds", "max_seconds"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InputError(f"Lifetime({name}={value}) must be above 0, or None for no end")
        if not 0 <= self.jitter < 1:
            raise InputError(f"Lifetime(jitter={self.jitter}) must be from 0 to below 1")
        if self.sliding and self.seconds is None:
            raise InputError("a sliding lifetime needs seconds=... to slide by")


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much is kept; what saved the least for its size goes first. `None` means no limit."""

    max_entries: int | None = None
    max_bytes: int | None = None
    """Of questions, answers, vectors and evidence, as stored."""
    max_embeddings: int = 50_000
    """Vectors of questions kept so that asking again in another scope does not embed again."""

    def __post_init__(self) -> None:
        for name in ("max_entries", "max_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"Capacity({name}={value}) must be at least 1, or None")


@dataclass(frozen=True, slots=True)
class Freshness:
    """When an answer's evidence is compared with the documents as they are now."""

    mode: Mode = "before_retrieval"
    """`before_retrieval` checks versions against the registry and saves retrieval, too;
    `after_retrieval` serves only if fresh passages overlap with the stored evidence; `auto`
    retrieves only for answers near newly added chunks."""
    min_overlap: float = 0.5
    """Share of chunks in common that `after_retrieval` asks for."""
    recheck_similarity: float = 0.5
    """Cosine of question and added chunk from which its answer needs a second look in any case;
    below, down to 0.2, it does if answer and chunk share their words."""

    def __post_init__(self) -> None:
        if self.mode not in ("before_retrieval", "after_retrieval", "auto"):
            raise InputError(
                f"mode={self.mode!r}; use 'before_retrieval', 'after_retrieval' or 'auto'"
            )
        if not 0 < self.min_overlap <= 1:
            raise InputError(f"min_overlap={self.min_overlap} must be above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be looked up, stored and shared."""

    declared: tuple[str, ...] = ()
    """Parts that every scope must have; without one nothing is served or stored."""
    gate: Gate | None = None
    share_after_users: int = 1
    """An answer is shared once so many users got it from the model; needs `user=...`."""
    deterministic_tools: frozenset[str] = field(default_factory=frozenset)
    """Tools whose calls may be stored: they always give the same and change nothing."""
    call_seconds: float = 60.0
    """How long others wait for one call of the model before they make their own."""

    def __post_init__(self) -> None:
        if self.share_after_users < 1:
            raise InputError(f"share_after_users={self.share_after_users} must be at least 1")
        if self.call_seconds <= 0:
            raise InputError(f"call_seconds={self.call_seconds} must be above 0")
