"""From amounts to places on the paper."""

from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from `low` to `high`, drawn from `start` to `end`.

    >>> Axis(0, 10, 100, 200)(5)
    150.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where an amount lies."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """At most about `count` round amounts.

        >>> Axis(0, 10, 0, 1).ticks(5)
        [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        """
        step = round_step(self.high - self.low, count)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [round(number * step, 12) + 0.0 for number in range(first, last + 1)]


def round_step(extent: float, count: int) -> float:
    """1, 2 or 5 times a power of ten, so that `count` steps cover the extent."""
    rough = extent / count
    power = 10.0 ** floor(log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough * (1 - 1e-9))


def decimals_of(step: float) -> int:
    """Decimals that tell neighbours on the axis apart.

    >>> decimals_of(0.05), decimals_of(20)
    (2, 0)
    """
    return max(0, -floor(log10(step) + 1e-9))


def covering(amounts: list[float], *, least: float, padding: float = 0.08) -> tuple[float, float]:
    """Ends that hold all amounts with room at both sides, and at least `least` between them."""
    low, high = min(amounts), max(amounts)
    missing = max(0.0, least - (high - low)) / 2
    room = padding * max(high - low, least)
    return low - missing - room, high + missing + room
