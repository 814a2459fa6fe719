"""How far a mean over questions can be trusted: bootstrap intervals, one-sided bounds."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ragthrift import InputError

Floats = NDArray[np.float64]

_NORMAL = NormalDist()
_BLOCK = 2_000_000
"""Resampled values held at a time: 16 MB."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds that hold it at the stated confidence."""

    mean: float
    low: float
    high: float


def mean_interval(
    values: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Two-sided BCa bootstrap interval of a mean (Efron, 1987).

    Give paired differences to compare two configurations. With `clusters` (one label a value, for
    example the source document) whole clusters are resampled, since questions on one document
    are not independent.

    >>> interval = mean_interval([0.0, 1.0] * 50)
    >>> 0.38 < interval.low < 0.45 < 0.55 < interval.high < 0.62
    True
    """
    tail = (1 - confidence) / 2
    mean, (low, high) = _bca(values, clusters, (tail, 1 - tail), resamples, seed)
    return Interval(mean, low, high)


def lower_bound(
    values: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> float:
    """The one-sided bound that the mean exceeds at the stated confidence."""
    return _bca(values, clusters, (1 - confidence,), resamples, seed)[1][0]


def _bca(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None,
    levels: tuple[float, ...],
    resamples: int,
    seed: int,
) -> tuple[float, tuple[float, ...]]:
    sums, sizes = _by_cluster(values, clusters)
    mean = float(sums.sum() / sizes.sum())
    if len(sums) < 2 or np.ptp(sums / sizes) == 0:
        return mean, (mean,) * len(levels)
    means = _resampled_means(sums, sizes, resamples, seed)
    below = (np.count_nonzero(means < mean) + np.count_nonzero(means == mean) / 2) / resamples
    bias = _NORMAL.inv_cdf(min(max(below, 0.5 / resamples), 1 - 0.5 / resamples))
    adjusted = [_adjust(level, bias, _acceleration(sums, sizes)) for level in levels]
    return mean, tuple(float(bound) for bound in np.quantile(means, adjusted))


def _by_cluster(
    values: Sequence[float], clusters: Sequence[Hashable] | None
) -> tuple[Floats, Floats]:
    """Sum and size of every cluster; without labels, every value is its own."""
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers) or not np.isfinite(numbers).all():
        raise InputError("an interval needs at least one value, and all of them finite")
    if clusters is None:
        return numbers, np.ones_like(numbers)
    if len(clusters) != len(numbers):
        raise InputError(f"{len(clusters)} cluster labels for {len(numbers)} values")
    numbering: dict[Hashable, int] = {}
    positions = [numbering.setdefault(label, len(numbering)) for label in clusters]
    if len(numbering) == 1 and len(numbers) > 1:
        raise InputError(
            "all values share one cluster, which tells nothing about how clusters vary; "
            "add cases from other documents, or leave the clusters out"
        )
    sums = np.bincount(positions, weights=numbers)
    return np.asarray(sums, dtype=np.float64), np.bincount(positions).astype(np.float64)


def _resampled_means(sums: Floats, sizes: Floats, resamples: int, seed: int) -> Floats:
    generator = np.random.default_rng(seed)
    rows = max(1, _BLOCK // len(sums))
    blocks = []
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), len(sums))
        picks = generator.integers(0, len(sums), size=shape)
        blocks.append(sums[picks].sum(axis=1) / sizes[picks].sum(axis=1))
    return np.concatenate(blocks)


def _acceleration(sums: Floats, sizes: Floats) -> float:
    """Skew of the jackknife means, as in Efron (1987), equation 7.3."""
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    distances = left_out.mean() - left_out
    spread = float((distances**2).sum())
    return float((distances**3).sum()) / (6 * spread**1.5) if spread else 0.0


def _adjust(level: float, bias: float, acceleration: float) -> float:
    shifted = bias + _NORMAL.inv_cdf(level)
    return _NORMAL.cdf(bias + shifted / (1 - acceleration * shifted))
