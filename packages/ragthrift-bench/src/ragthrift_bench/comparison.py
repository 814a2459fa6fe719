"""Whether a configuration is as good as the baseline, and what this many questions can tell."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist, stdev
from typing import Literal

from ragthrift_bench.intervals import Interval, lower_bound, mean_interval

Verdict = Literal["saves, non-inferior", "saves, inferior", "inconclusive", "costs more"]

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Paired differences, configuration minus baseline: below zero is cheaper, or worse."""

    dollars: Interval
    quality: Interval
    quality_bound: float
    """One-sided 95 % lower bound of the difference in quality."""
    resolvable: float
    """The smallest loss that this many questions would find at 80 % power."""
    verdict: Verdict


def compare(
    dollars: Sequence[float],
    quality: Sequence[float],
    *,
    margin: float = 0.02,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Comparison:
    """Judge paired differences; `margin` is the loss in quality that is set, beforehand, as small.

    Non-inferior: the lower bound of the difference lies above `-margin`. Inferior: its upper bound
    lies below zero and its mean below `-margin`. Everything else is inconclusive.
    """
    money = mean_interval(dollars, clusters=clusters, seed=seed)
    change = mean_interval(quality, clusters=clusters, seed=seed)
    independent = len(set(clusters)) if clusters is not None else len(quality)
    unseen = _unseen_loss(quality, independent)
    seen = lower_bound(quality, clusters=clusters, seed=seed)
    bound = min(seen, -unseen) if unseen else seen
    resolvable = max(resolvable_loss(quality), unseen)
    verdict = _verdict(money, change, bound, margin)
    return Comparison(money, change, bound, resolvable, verdict)


def _unseen_loss(differences: Sequence[float], independent: int) -> float:
    """The loss that could hide where none was seen, at 95 %: the exact form of the rule of three.

    A bootstrap of differences without a single loss shows no loss at all, however few they are.
    """
    return 1 - 0.05 ** (1 / independent) if min(differences) >= 0 else 0.0


def _verdict(money: Interval, change: Interval, bound: float, margin: float) -> Verdict:
    if money.low > 0:
        return "costs more"
    if change.high < 0 and change.mean < -margin:
        return "saves, inferior"
    if money.high < 0 and bound > -margin:
        return "saves, non-inferior"
    return "inconclusive"


def resolvable_loss(differences: Sequence[float], *, power: float = 0.8) -> float:
    """The smallest true loss found with this power by a one-sided test at 5 %."""
    if len(differences) < 2:
        return float("inf")
    error = stdev(differences) / sqrt(len(differences))
    return error * (_NORMAL.inv_cdf(0.95) + _NORMAL.inv_cdf(power))


def mcnemar(ours: Sequence[bool], theirs: Sequence[bool]) -> float:
    """Two-sided exact p-value that two sets of right and wrong answers differ (McNemar, 1947).

    >>> mcnemar([True] * 8 + [False] * 2, [False] * 8 + [True] * 2)
    0.109375
    """
    pairs = list(zip(ours, theirs, strict=True))
    won = sum(our and not their for our, their in pairs)
    lost = sum(their and not our for our, their in pairs)
    discordant = won + lost
    tail = sum(comb(discordant, count) for count in range(min(won, lost) + 1))
    return min(1.0, float(2 * tail / 2**discordant))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted for having tested several configurations (Holm, 1979).

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_value))
        adjusted[name] = largest
    return adjusted
