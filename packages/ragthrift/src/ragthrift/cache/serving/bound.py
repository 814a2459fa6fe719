"""Thresholds that are certified, not estimated: tests by betting over a fixed grid.

For every threshold of the grid a gambler bets that serving at it errs less than the limit; under
the opposite hypothesis the wealth is a supermartingale, so that it exceeds 1/d with probability d
at most, at any time (Ville's inequality). Waudby-Smith and Ramdas, "Estimating means of bounded
random variables by betting", JRSS B 2024; Angelopoulos et al., "Learn then Test", arXiv:2110.01052,
for the grid, tested in a fixed sequence; Xu, Karampatziakis and Mineiro, "Active, anytime-valid
risk controlling prediction sets", NeurIPS 2024, arXiv:2406.10490, for labels bought with a known
probability p, which count 1/p.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ragthrift.errors import InputError

GRID = (0.97, 0.94, 0.9, 0.85, 0.78)
"""Thresholds of confidence in the order of their tests, strict to lax."""
_TIMES = (8, 5, 3, 2, 1.4, 1)
_WINDOW = 300


@dataclass(slots=True)
class Bet:
    """Wealth of betting that a rate lies below `limit`; losses are not negative, at most 1/p.

    >>> bet = Bet(limit=0.05)
    >>> for _ in range(200):
    ...     bet.observe(0.0, probability=1.0)
    >>> bet.log_wealth > math.log(20)
    True
    """

    limit: float
    log_wealth: float = 0.0
    peak: float = 0.0
    count: float = 10.0
    total: float = 0.0
    """Of the losses, with what is assumed before any was seen: 10 losses of a quarter the limit."""
    squares: float = 0.0

    def observe(self, loss: float, *, probability: float) -> None:
        """One loss, already weighted by 1/`probability`, the chance that it was looked at."""
        mean = (self.total + 2.5 * self.limit) / self.count
        spread = (self.squares + 2.5 * self.limit) / self.count
        edge = self.limit - mean
        most = 0.9 / (1 / probability - self.limit)
        stake = min(max(edge / (spread + edge * edge), 0.0), most) if spread else 0.0
        self.log_wealth += math.log1p(stake * (self.limit - loss))
        self.peak = max(self.peak, self.log_wealth)
        self.count += 1
        self.total += loss
        self.squares += loss * loss


class Certificate:
    """The laxest threshold whose error rate is certified to lie below a limit.

    `of_hits` bounds wrong servings among servings: a threshold is certified once its wealth, and
    that of all stricter ones, has passed `1 / risk` (a fixed sequence of tests). Otherwise wrong
    servings among all requests are bounded: that rate grows as the cache fills, so the error of
    hits is bounded at several levels, lax to strict, and multiplied by the share of recent requests
    that would be hits.

    Either way the chance of ever certifying a wrong threshold stays below `risk`, however often one
    looks. It needs traffic whose error rate at a confidence does not rise after it was certified
    (the drift test watches that) and, where free and audited labels mix, errors that do not become
    more frequent with confidence.
    """

    def __init__(self, limit: float, *, of_hits: bool, risk: float = 0.05) -> None:
        if not 0 < limit < 1:
            raise InputError(f"an error rate lies between 0 and 1, not {limit}; 0.02 means 2 %")
        self.limit = limit
        self._of_hits = of_hits
        self._risk = risk
        levels = [limit] if of_hits else [limit * times for times in _TIMES if limit * times < 0.5]
        self._levels = levels or [limit]
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._bets = self._fresh()

    def _fresh(self) -> dict[float, list[Bet]]:
        return {threshold: [Bet(level) for level in self._levels] for threshold in GRID}

    @property
    def threshold(self) -> float | None:
        """The laxest certified threshold; `None` before there is one."""
        found = None
        for threshold in GRID:
            error = self._certified(threshold)
            if self._of_hits and error is None:
                break
            if error is not None and (
                self._of_hits or error * self._share(threshold) <= self.limit
            ):
                found = threshold
        return found

    def _certified(self, threshold: float) -> float | None:
        """The strictest level below which the error of hits at a threshold is certified to lie."""
        needed = -math.log(self._risk if self._of_hits else self._risk / len(GRID))
        found = None
        for bet in self._bets[threshold]:
            if bet.peak < needed:
                break
            found = bet.limit
        return found

    def _share(self, threshold: float) -> float:
        """The share of requests that would be hits, two standard errors up."""
        if not self._recent:
            return 1.0
        share = sum(confidence >= threshold for confidence in self._recent) / len(self._recent)
        return min(share + 2 * math.sqrt((share * (1 - share) + 0.01) / len(self._recent)), 1.0)

    def observe(self, confidence: float, wrong: bool, *, looked: bool, probability: float) -> None:
        """One request: `looked` says whether its answer was compared with a fresh one."""
        self._recent.append(round(confidence, 4))
        for threshold, bets in self._bets.items():
            if confidence < threshold:
                continue
            for bet in bets:
                loss = 1 / probability if looked and wrong else 0.0
                bet.observe(loss, probability=probability)

    def revoke(self) -> None:
        """Start again: what was certified no longer describes the traffic."""
        self._bets = self._fresh()

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        rows = [
            [[b.log_wealth, b.peak, b.count, b.total, b.squares] for b in bets]
            for bets in self._bets.values()
        ]
        return {
            "limit": self.limit,
            "of_hits": self._of_hits,
            "risk": self._risk,
            "bets": rows,
            "recent": list(self._recent),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The certificate of a saved state."""
        made = cls(state["limit"], of_hits=state["of_hits"], risk=state["risk"])
        made._recent.extend(state["recent"])
        if len(state["bets"]) == len(GRID):
            for threshold, rows in zip(GRID, state["bets"], strict=True):
                levels = zip(made._levels, rows, strict=True)
                made._bets[threshold] = [Bet(level, *row) for level, row in levels]
        return made
