"""What a router is held to: a budget, or a quality."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

from ragthrift.errors import InputError
from ragthrift.route.choice import choose_each, rate_for, turning_points
from ragthrift.route.folds import folds_of
from ragthrift.route.outcome import Outcome
from ragthrift.route.quality import QualityModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS = 200


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent: a share of the way from the cheapest tier to the strongest, or dollars.

    `share=0` always calls the cheapest tier, `share=1` always the strongest; with two tiers it is
    the share of calls that the strong one gets. A budget is a ceiling: where no dearer answer is
    expected to be better, less is spent.
    """

    share: float | None = None
    usd_per_day: float | None = None
    """Dollars in a day of UTC."""

    def __post_init__(self) -> None:
        if (self.share is None) == (self.usd_per_day is None):
            raise InputError("a Budget has either share=... or usd_per_day=...")
        if self.share is not None and not 0 <= self.share <= 1:
            raise InputError(f"Budget(share={self.share}) is a share, 0 to 1")
        if self.usd_per_day is not None and self.usd_per_day <= 0:
            raise InputError(f"Budget(usd_per_day={self.usd_per_day}) must be above 0")


@dataclass(frozen=True, slots=True)
class Quality:
    """The share of the strongest tier's quality to keep, and how sure to be of it."""

    at_least: float = 0.98
    confidence: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.at_least <= 1 or not 0.5 <= self.confidence < 1:
            raise InputError(f"{self} needs at_least in (0, 1] and confidence in [0.5, 1)")


Target = Budget | Quality


@dataclass(frozen=True, slots=True)
class Rate:
    """The exchange rate that meets a target, and what it came to on the outcomes."""

    per_dollar: float
    """Quality that a dollar must buy: what `choose` takes."""
    share: float
    """Of the way from the cheapest tier's cost to the strongest's."""
    quality: float
    """As a share of the strongest tier's."""
    bound: float
    """What that share is at least, at the target's confidence (90 % for a budget)."""
    outcomes: int
    """How many outcomes with every tier stood behind it."""
    typical: float | None = None
    """Dollars of a typical call to the dearest tier, if the outcomes held no costs of their own: a
    call of other costs has the rate in proportion."""

    def of(self, costs: Sequence[float]) -> float:
        """Quality that a dollar must buy, for a call of these costs."""
        if self.typical is None or max(costs) <= 0:
            return self.per_dollar
        return self.per_dollar * self.typical / max(costs)


def calibrate(
    target: Target,
    outcomes: Sequence[Outcome],
    model: QualityModel,
    tiers: Sequence[str],
    costs: Sequence[float],
    *,
    calls_per_day: float | None = None,
) -> Rate:
    """The rate that meets the target on outcomes that the model was not fitted on.

    The model is fitted anew on five parts of the outcomes in turn, so that what it knows by heart
    does not count. `tiers` by name, cheap to strong; `costs` are dollars of a typical call of
    each, used where an outcome does not hold its own. Only outcomes of every tier count.

    Raises `InputError` below 20 such outcomes, or for `usd_per_day` without `calls_per_day`.
    """
    whole = [one for one in outcomes if all(name in one.qualities for name in tiers)]
    if len(whole) < 20:
        raise InputError(
            f"{len(whole)} outcomes hold the quality of all of {', '.join(tiers)}; at least 20 are "
            "needed: raise shadow_share so that more calls are tried on every tier"
        )
    expected = expected_unseen(whole, model, tiers)
    rate = rate_of(target, expected, *_seen(whole, tiers, costs), calls_per_day=calls_per_day)
    return rate if any(one.costs for one in whole) else replace(rate, typical=max(costs))


def rate_of(
    target: Target,
    expected: "Floats",
    qualities: "Floats",
    costs: "Floats",
    *,
    calls_per_day: float | None = None,
) -> Rate:
    """The rate that meets the target; all of shape (n, t), cheap to strong."""
    if isinstance(target, Quality):
        rate = _rate_for_quality(target, expected, qualities, costs)
        return _measured(rate, expected, qualities, costs, target.confidence)
    dollars = _dollars_per_call(target, costs, calls_per_day)
    rate = rate_for(expected, costs, dollars)
    return _measured(rate, expected, qualities, costs, 0.9)


def expected_unseen(
    outcomes: Sequence[Outcome], model: QualityModel, tiers: Sequence[str]
) -> "Floats":
    """What the model expects of each outcome when fitted on the other parts, shape (n, t)."""
    import numpy as np

    fold = folds_of([one.ask.question for one in outcomes])
    expected = np.zeros((len(outcomes), len(tiers)))
    for number in range(int(fold.max()) + 1):
        fitted = model.fit([one for one, at in zip(outcomes, fold, strict=True) if at != number])
        for place in np.flatnonzero(fold == number).tolist():
            expected[place] = fitted.expected(outcomes[place].ask, tiers)
    return expected


def _seen(
    outcomes: Sequence[Outcome], tiers: Sequence[str], costs: Sequence[float]
) -> tuple["Floats", "Floats"]:
    import numpy as np

    typical = dict(zip(tiers, costs, strict=True))
    qualities = [[one.qualities[name] for name in tiers] for one in outcomes]
    dollars = [[one.costs.get(name, typical[name]) for name in tiers] for one in outcomes]
    return np.array(qualities, dtype=np.float64), np.array(dollars, dtype=np.float64)


def _dollars_per_call(target: Budget, costs: "Floats", calls_per_day: float | None) -> float:
    if target.share is not None:
        cheap, strong = costs.min(axis=1).mean(), costs.max(axis=1).mean()
        return float(cheap + target.share * (strong - cheap))
    if target.usd_per_day is None or not calls_per_day:
        raise InputError("a budget of dollars per day needs calls_per_day=..., above 0")
    return target.usd_per_day / calls_per_day


def _rate_for_quality(
    target: Quality, expected: "Floats", qualities: "Floats", costs: "Floats"
) -> float:
    """The highest rate up to which every lower one keeps the quality, at its confidence.

    Tested from the dearest to the cheapest until the first failure, so that trying many rates
    does not make a lucky one more likely (fixed-sequence testing, Maurer et al., 1995).
    """
    import numpy as np

    kept = 0.0
    turns = turning_points(expected, costs)
    for place in np.unique(np.linspace(0, len(turns) - 1, _STEPS).astype(int)):
        rate = float(turns[place])
        if _shortfall(rate, target, expected, qualities, costs) > 0:
            break
        kept = rate
    return kept


def _shortfall(
    rate: float, target: Quality, expected: "Floats", qualities: "Floats", costs: "Floats"
) -> float:
    """How far below the target the quality may be, at the confidence; below 0 it is met."""
    chosen = _chosen(rate, expected, qualities, costs)
    surplus = chosen - target.at_least * qualities[:, -1]
    return -_lower_mean(surplus, target.confidence)


def _lower_mean(values: "Floats", confidence: float) -> float:
    """Lower bound of a mean, by the normal approximation."""
    error = values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean() - NormalDist().inv_cdf(confidence) * error)


def _chosen(rate: float, expected: "Floats", of: "Floats", costs: "Floats") -> "Floats":
    import numpy as np

    places = choose_each(expected, costs, rate)[:, None]
    return np.take_along_axis(of, places, axis=1)[:, 0]


def _measured(
    rate: float, expected: "Floats", qualities: "Floats", costs: "Floats", confidence: float
) -> Rate:
    quality = _chosen(rate, expected, qualities, costs)
    strongest = max(float(qualities[:, -1].mean()), 1e-9)
    ratio = float(quality.mean()) / strongest
    behind = _lower_mean(quality - ratio * qualities[:, -1], confidence)
    cheap, strong = costs.min(axis=1).mean(), costs.max(axis=1).mean()
    spent = _chosen(rate, expected, costs, costs).mean()
    share = float((spent - cheap) / (strong - cheap)) if strong > cheap else 0.0
    return Rate(rate, share, ratio, ratio + behind / strongest, len(quality))
