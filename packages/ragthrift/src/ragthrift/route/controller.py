"""Holds a target while traffic shifts."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ragthrift.errors import InputError
from ragthrift.route.choice import rate_for
from ragthrift.route.targets import Budget, Rate, Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WINDOW = 200
"""Latest calls from which the rate is drawn: more follow a shift later, fewer waver."""
_FIRST = 30
_EVERY = 5
"""Calls between two rates: drawing one takes about half a millisecond."""
_HORIZON = 100
_BURST = 25.0
_DAY = 86_400.0


class Controller:
    """Moves the exchange rate so that what is spent meets the target; safe for threads.

    A budget is held by the rate that would have met it on the latest calls, corrected for what was
    over- or underspent so far, and has a hard cap: no stretch of calls spends more than its share
    plus 25 calls to the strongest tier, no day of UTC more than its dollars once the cheapest tier
    answers all. A `Quality` keeps the calibrated rate: labels move it, not traffic.

    `rate` is what `calibrate` found; without it a budget starts at the cheapest tier and is free
    after 30 calls. `clock` gives seconds since 1970.

    >>> controller = Controller(Budget(share=0.5))
    >>> for gain in range(100):
    ...     controller.spent(0.0, qualities=(0.5, 0.5 + gain / 200), costs=(0.0, 1.0))
    >>> controller.rate((0.0, 1.0)) < 0.5
    True
    """

    def __init__(
        self,
        target: Target,
        rate: Rate | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if rate is None and not isinstance(target, Budget):
            raise InputError(f"{target} needs the rate that calibrate() finds on outcomes")
        self._target = target
        self._start = rate
        self._rate: float | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: deque[tuple[tuple[float, ...], tuple[float, ...]]] = deque(maxlen=WINDOW)
        self._seen = 0
        self._owed = 0.0
        self._room = _BURST
        self._today = _Day(clock())

    def rate(self, costs: Sequence[float]) -> float:
        """Quality that a dollar must buy now, for a call of these costs, cheap to strong."""
        with self._lock:
            if self._rate is not None:
                return self._rate
        if self._start is not None:
            return self._start.of(costs)
        return 1 / max(max(costs) - min(costs), 1e-12)

    def exhausted(self) -> bool:
        """Whether the hard cap is reached: the cheapest tier then answers all."""
        if not isinstance(self._target, Budget):
            return False
        with self._lock:
            if self._target.usd_per_day is None:
                return self._room < 1
            self._today = self._today.at(self._clock())
            return self._today.dollars + self._dearest() > self._target.usd_per_day

    def spent(self, dollars: float, *, qualities: Sequence[float], costs: Sequence[float]) -> None:
        """A call was answered: all that it cost, and what was expected of the tiers before it."""
        if not isinstance(self._target, Budget) or len(qualities) != len(costs):
            return
        with self._lock:
            self._today = self._today.at(self._clock()).paid(dollars)
            self._calls.append((tuple(qualities), tuple(costs)))
            self._account(dollars, costs)
            self._seen += 1
            if len(self._calls) >= _FIRST and self._seen % _EVERY == 0:
                self._rate = self._drawn()

    def _account(self, dollars: float, costs: Sequence[float]) -> None:
        share = self._target.share if isinstance(self._target, Budget) else None
        span = max(costs) - min(costs)
        if share is None or span <= 0:
            return
        used = (dollars - min(costs)) / span
        self._owed = min(max(self._owed + share - used, -_HORIZON), _HORIZON)
        self._room = min(self._room + share - used, _BURST)

    def _drawn(self) -> float:
        import numpy as np

        tiers = max(len(qualities) for qualities, _ in self._calls)
        whole = [call for call in self._calls if len(call[0]) == tiers]
        qualities = np.array([qualities for qualities, _ in whole])
        costs = np.array([costs for _, costs in whole])
        return rate_for(qualities, costs, self._aim(costs))

    def _aim(self, costs: "Floats") -> float:
        """Dollars that the next calls may cost on average."""
        cheap, strong = float(costs.min(axis=1).mean()), float(costs.max(axis=1).mean())
        if not isinstance(self._target, Budget):
            return strong
        if self._target.share is not None:
            share = min(max(self._target.share + self._owed / _HORIZON, 0.0), 1.0)
            return cheap + share * (strong - cheap)
        left = (self._target.usd_per_day or 0.0) - self._today.dollars
        return max(left, 0.0) / self._today.calls_to_come()

    def _dearest(self) -> float:
        return max((max(costs) for _, costs in self._calls), default=0.0)


class _Day:
    """What a day of UTC has come to; a new one begins at midnight."""

    def __init__(self, now: float, calls_per_second: float | None = None) -> None:
        self._began = self._now = now
        self._calls = 0
        self._known = calls_per_second
        self.dollars = 0.0

    def at(self, now: float) -> "_Day":
        """The day that holds this moment."""
        if now // _DAY == self._began // _DAY:
            self._now = max(now, self._now)
            return self
        return _Day(now, self._calls_per_second())

    def paid(self, dollars: float) -> "_Day":
        """The day with one more call."""
        self._calls += 1
        self.dollars += dollars
        return self

    def calls_to_come(self) -> float:
        """As many a second as today, or yesterday while today is young; at least one."""
        left = _DAY - self._now % _DAY
        return max(left * self._calls_per_second(), 1.0)

    def _calls_per_second(self) -> float:
        seconds = self._now - self._began
        weight = min(seconds / 3600, 1.0) if self._known is not None else 1.0
        today = self._calls / max(seconds, 1.0)
        return weight * today + (1 - weight) * (self._known or 0.0)
