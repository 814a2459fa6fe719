"""Notices that audited servings err more often than they should."""

import math
from dataclasses import dataclass

_ALARM = math.log(200)
_RAISED = 5
_CALM = 100
"""Right audits in a row of an untroubled cache, after which one tightening is taken back."""


@dataclass(slots=True)
class Drift:
    """Page's CUSUM (Biometrika, 1954) on audited errors: from `expected` to five times as many.

    >>> drift = Drift(expected=0.02)
    >>> any(drift.audited(wrong=True) for _ in range(5)), drift.level
    (True, 1)
    """

    expected: float
    """Share of wrong servings that is no news."""
    score: float = 0.0
    level: int = 0
    """How many times the threshold is tightened: each halves what is left below 1."""
    calm: int = 0

    def audited(self, *, wrong: bool) -> bool:
        """One audited serving; whether it raised the alarm."""
        raised = min(_RAISED * self.expected, 0.9)
        change = raised / self.expected if wrong else (1 - raised) / (1 - self.expected)
        self.score = max(0.0, self.score + math.log(change))
        self.calm = 0 if wrong else self.calm + 1
        if self.score >= _ALARM:
            self.score, self.calm, self.level = 0.0, 0, min(self.level + 1, 6)
            return True
        if self.calm >= _CALM and self.level:
            self.calm, self.level = 0, self.level - 1
        return False

    def tightened(self, threshold: float) -> float:
        """The threshold to serve at."""
        return 1 - (1 - threshold) * 0.5**self.level
