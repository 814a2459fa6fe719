"""What a cache would have served, and how wrong, before it serves anything."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Interval:
    """A rate with its 95 % interval."""

    rate: float
    low: float
    high: float


def interval(events: int, trials: int) -> Interval:
    """A rate and its 95 % interval by Wilson's score (1927); [0, 1] without trials.

    >>> interval(1, 100)
    Interval(rate=0.01, low=0.0018, high=0.0545)
    """
    if not trials:
        return Interval(0.0, 0.0, 1.0)
    rate, spread = events / trials, _Z * _Z / trials
    centre = (rate + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * ((rate * (1 - rate) + spread / 4) / trials) ** 0.5
    return Interval(rate, round(max(centre - half, 0.0), 4), round(min(centre + half, 1.0), 4))


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """Counted while every question still went to the model."""

    requests: int
    would_serve: int
    judged: int
    """Would-be hits whose stored answer could be compared with the fresh one."""
    wrong: int

    @property
    def served(self) -> Interval:
        """Share of requests that would have been served."""
        return interval(self.would_serve, self.requests)

    @property
    def wrong_of_hits(self) -> Interval:
        """Share of judged would-be hits whose stored answer differs from the fresh one."""
        return interval(self.wrong, self.judged)

    def __str__(self) -> str:
        served, wrong = self.served, self.wrong_of_hits
        return (
            f"would have served {served.rate:.1%} of {self.requests} requests "
            f"({served.low:.1%} to {served.high:.1%}), "
            f"{wrong.rate:.2%} of the {self.judged} judged ones wrong "
            f"({wrong.low:.2%} to {wrong.high:.2%})"
        )


class Shadow:
    """Counts for a `ShadowReport`; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = {"requests": 0, "would_serve": 0, "judged": 0, "wrong": 0}

    def observe(self, *, would_serve: bool, right: bool | None) -> None:
        """One request; `right` is `None` when the answers could not be compared."""
        with self._lock:
            self._counts["requests"] += 1
            self._counts["would_serve"] += would_serve
            self._counts["judged"] += would_serve and right is not None
            self._counts["wrong"] += would_serve and right is False

    def report(self) -> ShadowReport:
        """What was counted so far."""
        with self._lock:
            return ShadowReport(**self._counts)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return asdict(self.report())

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The counts of a saved state."""
        shadow = cls()
        shadow._counts = {name: int(state[name]) for name in shadow._counts}
        return shadow
