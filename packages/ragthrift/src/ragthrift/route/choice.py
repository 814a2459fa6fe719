"""Which tier is worth its price."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def choose(
    qualities: Sequence[float],
    costs: Sequence[float],
    rate: float,
    *,
    allowed: Sequence[int] | None = None,
) -> int:
    """The place of the tier with the highest `quality - rate * cost`; the cheapest of equals.

    `qualities` are expected, 0 to 1; `costs` are dollars of this call; `rate` is the quality that
    a dollar must buy. `allowed` holds the places that may be chosen, all by default.

    >>> choose([0.6, 0.9], [0.001, 0.010], rate=10.0)
    1
    >>> choose([0.6, 0.9], [0.001, 0.010], rate=100.0)
    0
    """
    places = range(len(qualities)) if allowed is None else allowed
    worth = {at: (qualities[at] - rate * costs[at], -costs[at]) for at in places}
    return max(worth, key=lambda at: worth[at])


def choose_each(qualities: "Floats", costs: "Floats", rate: float) -> "NDArray[np.intp]":
    """`choose` for every row; both of shape (n, t), the result of shape (n,)."""
    worth = qualities - rate * costs
    cheapest_first = costs.argsort(axis=1, kind="stable")
    best = _taken(worth, cheapest_first).argmax(axis=1)
    return cheapest_first[range(len(best)), best]


def rate_for(qualities: "Floats", costs: "Floats", dollars: float) -> float:
    """The lowest rate at which the mean cost of the choices is at most `dollars`.

    At rate 0 quality alone counts: a budget that it does not use up stays unspent. A budget below
    the cheapest choices gives the rate at which they are taken.
    """
    import numpy as np

    def mean_cost(rate: float) -> float:
        return float(_taken(costs, choose_each(qualities, costs, rate)[:, None]).mean())

    rates = turning_points(qualities, costs)
    low, high = 0, len(rates) - 1
    if mean_cost(rates[0]) <= dollars or len(rates) == 1:
        return float(rates[0])
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if mean_cost(rates[middle]) <= dollars else (middle + 1, high)
    return float(np.float64(rates[low]))


def turning_points(qualities: "Floats", costs: "Floats") -> "Floats":
    """0, a rate between any two at which some choice changes, and one above them all."""
    import numpy as np

    first, second = np.triu_indices(qualities.shape[1], 1)
    dearer = costs[:, first] - costs[:, second]
    differ = dearer != 0
    with np.errstate(invalid="ignore"):
        better = qualities[:, first] - qualities[:, second]
    turns = better[differ] / dearer[differ]
    turns = np.unique(turns[np.isfinite(turns) & (turns > 0)])
    if not len(turns):
        return np.zeros(1)
    return np.concatenate([[0.0], (turns[:-1] + turns[1:]) / 2, [turns[-1] * 2]])


def _taken(rows: "Floats", places: "NDArray[np.intp]") -> "Floats":
    import numpy as np

    return np.take_along_axis(rows, places, axis=1)
