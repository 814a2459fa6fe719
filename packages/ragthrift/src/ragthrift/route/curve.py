"""Quality against the share of calls that the strongest tier answers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragthrift.route.outcome import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 1000
POINTS = 11
FEWEST = 20
"""Compared calls below which no curve is drawn."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Point:
    """What sending a share of the calls to the strongest tier comes to."""

    strong_share: float
    quality: Interval
    random_quality: float
    """With the same share, drawn by lot."""
    dollars: float | None
    """Per call; `None` without known prices."""


@dataclass(frozen=True, slots=True)
class Curve:
    """From always the cheapest tier to always the strongest, in the order that the router chose.

    Drawn from the calls that both tiers answered and whose answers were judged: those of shadow
    sampling stand for all calls.
    """

    cheap: str
    strong: str
    calls: int
    points: tuple[Point, ...]
    apgr: Interval | None
    """Share of the quality gap recovered, averaged over the shares of strong calls (RouteLLM): 0.5
    is by lot. `None` where the strong tier is not better."""


Expected = tuple[Mapping[str, float], Outcome]
"""What a router expected of the tiers by name, and what they made of it."""


def curve_of(outcomes: Sequence[Expected], ladder: Sequence[str]) -> Curve | None:
    """The curve of the two tiers by which most calls were compared; `ladder` is cheap to strong."""
    import numpy as np

    pairs = Counter(pair for _, one in outcomes if (pair := _ends(one, ladder)) is not None)
    if not pairs or pairs.most_common(1)[0][1] < FEWEST:
        return None
    (cheap, strong), number = pairs.most_common(1)[0]
    compared = [pair for pair in outcomes if _ends(pair[1], ladder) == (cheap, strong)]
    compared.sort(key=lambda pair: _gap(pair[0], strong, cheap))
    low, high = (
        np.array([one.qualities[name] for _, one in compared], dtype=np.float64)
        for name in (cheap, strong)
    )
    ends = [mean([one.costs.get(name) for _, one in compared]) for name in (cheap, strong)]
    drawn, apgr = _drawn(low, high)
    points = tuple(_point(at, low, high, drawn[at], ends) for at in range(POINTS))
    return Curve(cheap, strong, number, points, apgr)


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def interval(values: Sequence[float]) -> Interval:
    """A mean with its interval."""
    import numpy as np

    known = np.array(values, dtype=np.float64)
    picks = np.random.default_rng(0).integers(0, len(known), size=(RESAMPLES, len(known)))
    low, high = np.quantile(known[picks].mean(axis=1), [0.025, 0.975])
    return Interval(float(known.mean()), float(low), float(high))


def _ends(outcome: Outcome, ladder: Sequence[str]) -> tuple[str, str] | None:
    names = [name for name in ladder if name in outcome.qualities]
    return (names[0], names[-1]) if len(names) > 1 else None


def _gap(qualities: Mapping[str, float], cheap: str, strong: str) -> float:
    return qualities.get(strong, 0.0) - qualities.get(cheap, 0.0)


def _drawn(low: "Floats", high: "Floats") -> "tuple[Floats, Interval | None]":
    """Resampled qualities at each share, shape (points, resamples), and the area's interval.

    `low` and `high` are in the order in which the router would send calls up.
    """
    import numpy as np

    random = np.random.default_rng(0)
    picks = np.sort(random.integers(0, len(low), size=(RESAMPLES, len(low))), axis=1)
    drawn = np.stack([_qualities(low[row], high[row]) for row in picks], axis=1)
    if high.mean() <= low.mean():
        return drawn, None
    areas = [_apgr(drawn[:, at]) for at in range(RESAMPLES) if drawn[-1, at] > drawn[0, at]]
    known = np.array(areas)
    lower, upper = np.quantile(known, [0.025, 0.975])
    return drawn, Interval(_apgr(_qualities(low, high)), float(lower), float(upper))


def _qualities(low: "Floats", high: "Floats") -> "Floats":
    """Mean quality as the first 0 %, 10 % … 100 % of the calls go to the strong tier."""
    import numpy as np

    cuts = np.round(np.linspace(0, len(low), POINTS)).astype(int)
    gained = np.concatenate([[0.0], np.cumsum(high - low)])
    return np.asarray((low.sum() + gained[cuts]) / len(low), dtype=np.float64)


def _apgr(qualities: "Floats") -> float:
    recovered = (qualities - qualities[0]) / (qualities[-1] - qualities[0])
    return float(((recovered[1:] + recovered[:-1]) / 2).mean())


def _point(
    at: int, low: "Floats", high: "Floats", drawn: "Floats", ends: Sequence[float | None]
) -> Point:
    import numpy as np

    share = at / (POINTS - 1)
    bounds = np.quantile(drawn, [0.025, 0.975])
    quality = Interval(float(_qualities(low, high)[at]), float(bounds[0]), float(bounds[1]))
    by_lot = float((1 - share) * low.mean() + share * high.mean())
    cheap, strong = ends
    known = cheap is not None and strong is not None
    dollars = (1 - share) * (cheap or 0.0) + share * (strong or 0.0) if known else None
    return Point(share, quality, by_lot, dollars)
