"""One calibrated model for all entries, from a shipped prior, refined by every label."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from ragthrift.cache.serving.features import NAMES
from ragthrift.cache.serving.prior import BIAS, COEFFICIENTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_EVERY = 25
_RECENT = 500
_KEEP = 0.9
"""Share of what old labels said that is kept each time labels are folded: old traffic fades."""


class PooledModel:
    """P(right) by ridge logistic regression, shrunk to the prior instead of to zero.

    The newest labels are kept and refitted by Newton's method every 25; older ones live on as a
    Gaussian (Laplace's approximation; Spiegelhalter and Lauritzen, 1990), so that the state stays
    small however long it runs.
    """

    def __init__(self) -> None:
        import numpy as np

        self._mean = np.array([*(COEFFICIENTS[name] for name in NAMES), BIAS])
        self._at = self._mean.copy()
        self._precision = np.eye(len(self._mean))
        self._rows: list[list[float]] = []
        self._seen = 0

    @property
    def labels(self) -> int:
        """How many labels it has learnt from."""
        return self._seen

    def probability(self, features: "Floats") -> float:
        """P(right) for a vector of `features.NAMES`."""
        import numpy as np

        score = float(np.append(features, 1.0) @ self._at)
        return float(1 / (1 + np.exp(-min(max(score, -30.0), 30.0))))

    def terms(self, features: "Floats") -> dict[str, float]:
        """What each feature adds to the log odds."""
        return dict(zip(NAMES, (features * self._at[:-1]).tolist(), strict=True))

    def learn(self, features: Sequence[float], right: bool) -> None:
        """One label: whether serving with these features was right, or would have been."""
        self._rows.append([*(round(float(v), 4) for v in features), 1.0, float(right)])
        self._seen += 1
        if self._seen % _EVERY == 0:
            self._refit()
        if len(self._rows) >= _RECENT:
            self._fold()

    def _refit(self) -> None:
        import numpy as np

        rows = np.array(self._rows)
        x, y = rows[:, :-1], rows[:, -1]
        for _ in range(6):
            p, information = self._information(x)
            gradient = x.T @ (y - p) - self._precision @ (self._at - self._mean)
            step = np.linalg.solve(information + self._precision, gradient)
            self._at = self._at + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-9))

    def _information(self, x: "Floats") -> "tuple[Floats, Floats]":
        import numpy as np

        p = 1 / (1 + np.exp(-np.clip(x @ self._at, -30, 30)))
        return p, (x.T * (p * (1 - p))) @ x

    def _fold(self) -> None:
        import numpy as np

        half = _RECENT // 2
        old, self._rows = np.array(self._rows[:half]), self._rows[half:]
        x, y = old[:, :-1], old[:, -1]
        p, information = self._information(x)
        grown = self._precision + information
        gradient = x.T @ (y - p) - self._precision @ (self._at - self._mean)
        self._mean = self._at + np.linalg.solve(grown, gradient)
        self._precision = _KEEP * grown + (1 - _KEEP) * np.eye(len(self._mean))

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "names": list(NAMES),
            "at": self._at.tolist(),
            "mean": self._mean.tolist(),
            "precision": self._precision.tolist(),
            "rows": self._rows,
            "seen": self._seen,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The model of a saved state; one of other features starts from the prior again."""
        import numpy as np

        model = cls()
        if list(state.get("names", ())) != list(NAMES):
            return model
        model._at = np.array(state["at"])
        model._mean = np.array(state["mean"])
        model._precision = np.array(state["precision"])
        model._rows = [list(row) for row in state["rows"]]
        model._seen = int(state["seen"])
        return model
