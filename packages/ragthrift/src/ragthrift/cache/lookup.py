"""What a look into the cache found, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ragthrift.cache.entry import Entry, Place
from ragthrift.cache.fresh import Fresh
from ragthrift.cache.serving.neighbour import Neighbour, Serving
from ragthrift.types import CacheHit, Passage, Scope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tier = Literal["exact", "semantic", "none"]
Source = Literal["exact", "semantic", "flight", "model"]
"""Who answered; `flight`: a call of the model that somebody else was already making."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found, what was decided and why; hand it to `store` with the model's answer."""

    question: str
    scope: Scope
    reason: str
    hit: CacheHit | None = None
    """What is served; `None` in shadow mode and for an audit, too."""
    tier: Tier = "none"
    would_serve: bool = False
    """Whether it would be served if this were neither shadow mode nor an audit."""
    needs_retrieval: bool = False
    """Look again with the passages that retrieval gives now."""
    soft_expired: bool = False
    """Served while a fresh answer is due."""
    serving: Serving | None = None
    neighbours: tuple[Neighbour, ...] = ()
    place: Place | None = None
    """`None` when the question may be neither looked up nor stored."""
    fence: int | None = None
    """The registry's epoch when the look was taken."""
    entry: Entry | None = field(default=None, repr=False)
    """The entry behind `hit`."""
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    """The entries behind `neighbours`."""
    vector: "NDArray[np.float32] | None" = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, from the cache or from the model."""

    text: str
    source: Source
    lookup: Lookup
    fresh: Fresh | None = None
    """What the model said; `None` when the cache answered."""
    passages: tuple[Passage, ...] = ()
    """What was retrieved on the way, if anything was."""

    @property
    def extra(self) -> bytes:
        """What came with the answer."""
        if self.fresh is not None:
            return self.fresh.extra
        return self.lookup.entry.extra if self.lookup.entry else b""


def from_cache(lookup: Lookup, hit: CacheHit, passages: Sequence[Passage] | None) -> Answer:
    """The answer that a hit is."""
    source: Source = "exact" if lookup.tier == "exact" else "semantic"
    return Answer(hit.answer, source, lookup, None, tuple(passages or ()))
