"""The threshold when no limit is set: the lowest whose expected error meets a modest aim."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Self

OF_HITS = 0.02
OF_ALL = 0.01
"""Without a limit, at most this share of hits, and of all requests, is expected to be wrong."""
SLACK = 1.6
"""Confidences near 1 are too modest: over all served hits the model expects this many times the
errors that come (measured on the development half of Banking77)."""
FLOOR = 0.55
"""No answer is served below it, and a cache without history serves from it upwards."""
_WINDOW = 300
_START = 50
_PATIENCE = 5.0


class Aim:
    """Reads the threshold off the newest confidences, corrected by how true they have been.

    An estimate and no bound: it asks for no labels before it serves. `Certificate` is the bound.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._asked = 0
        self._labels = 0
        self._wrong = _PATIENCE
        self._expected = _PATIENCE
        self._threshold = FLOOR

    @property
    def threshold(self) -> float:
        """Confidence from which answers are served."""
        return self._threshold

    def asked(self, confidence: float) -> None:
        """One request and the confidence of its best candidate."""
        self._recent.append(confidence)
        self._asked += 1
        if self._labels >= _START and self._asked % 10 == 0:
            self._threshold = self._read()

    def labelled(self, confidence: float, right: bool, *, weight: float = 1.0) -> None:
        """What a request turned out to be; those far from being served say nothing here."""
        self._labels += 1
        if confidence < 0.6:
            return
        self._wrong += weight * (not right)
        self._expected += weight * (1 - confidence)
        if self._expected > 100:
            self._wrong, self._expected = self._wrong / 2, self._expected / 2

    def _read(self) -> float:
        truth = self._wrong / self._expected / SLACK
        best, expected = 1.0, 0.0
        ordered = sorted(self._recent, reverse=True)
        for rank, confidence in enumerate(ordered, 1):
            expected += (1 - confidence) * truth
            if expected <= OF_HITS * rank and expected <= OF_ALL * len(ordered):
                best = confidence
        return max(best, FLOOR)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "recent": [round(c, 5) for c in self._recent],
            "counts": [self._asked, self._labels],
            "truth": [self._wrong, self._expected],
            "threshold": self._threshold,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The aim of a saved state."""
        aim = cls()
        aim._recent.extend(state["recent"])
        aim._asked, aim._labels = state["counts"]
        aim._wrong, aim._expected = state["truth"]
        aim._threshold = float(state["threshold"])
        return aim
