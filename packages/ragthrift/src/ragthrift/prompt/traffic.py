"""How often prompts begin alike, and how long after one another."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from ragthrift.errors import InputError


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls whose prompts begin alike.

    >>> Traffic.every(60, calls=10).share_within(300)
    0.9
    >>> Traffic.once().share_within(300)
    0.0
    """

    gaps: tuple[float, ...]
    """Seconds between two calls after one another, the shortest first."""
    calls: int
    """How many there were or will be: each that is not within a gap is the first of its kind."""

    def __post_init__(self) -> None:
        if self.calls <= len(self.gaps) or list(self.gaps) != sorted(self.gaps):
            raise InputError("Traffic needs more calls than gaps, and the gaps in ascending order")

    @classmethod
    def every(cls, seconds: float, *, calls: int = 1000) -> Self:
        """Calls at equal distances."""
        return cls((seconds,) * (calls - 1), calls)

    @classmethod
    def once(cls) -> Self:
        """A prompt that no other begins like."""
        return cls((), 1)

    @classmethod
    def of(cls, times: Iterable[Iterable[float]]) -> Self:
        """From the times of calls in seconds, those that begin alike together.

        >>> Traffic.of([[0, 10, 500], [20]])
        Traffic(gaps=(10, 490), calls=4)
        """
        gaps: list[float] = []
        calls = 0
        for group in times:
            ordered = sorted(group)
            calls += len(ordered)
            gaps += (later - at for at, later in pairwise(ordered))
        return cls(tuple(sorted(gaps)), calls) if calls else cls.once()

    def share_within(self, seconds: float) -> float:
        """Share of the calls that come no later than that after the one before."""
        return bisect_right(self.gaps, seconds) / self.calls
