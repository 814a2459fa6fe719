"""What to do when a tier fails, or answers what does not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ragthrift.errors import InputError
from ragthrift.types import Tier


@dataclass(frozen=True, slots=True)
class Recovery:
    """Who answers in place of a tier that fails, and when it is left alone.

    After its own fallbacks come the tiers above, nearest first, then those below; a pinned call
    stays with its own fallbacks.
    """

    fallbacks: Mapping[str, Sequence[Tier]] = field(default_factory=dict)
    """By a tier's name: others of its rung, such as the same model at another provider."""
    open_after: int = 5
    """Failures in a row after which a tier is left alone."""
    open_seconds: float = 30.0
    repairs: int = 1
    """How often the same tier is asked to mend an answer that does not fit its schema."""

    def __post_init__(self) -> None:
        if self.repairs < 0:
            raise InputError(f"Recovery(repairs={self.repairs}) must not be below 0")

    def chain(self, tier: Tier, ladder: Sequence[Tier], *, pinned: bool) -> list[Tier]:
        """The tier and who comes after it, in order; `ladder` is cheap to strong.

        >>> low, mid, top = (Tier(name, name) for name in ("low", "mid", "top"))
        >>> [t.name for t in Recovery().chain(mid, [low, mid, top], pinned=False)]
        ['mid', 'top', 'low']
        """
        own = [tier, *self.fallbacks.get(tier.name, ())]
        if pinned:
            return own
        place = [rung.name for rung in ladder].index(tier.name)
        return own + list(ladder[place + 1 :]) + list(ladder[:place][::-1])
