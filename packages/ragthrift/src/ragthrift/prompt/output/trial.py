"""What a budget saves: answers with it against those that were drawn to go without."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from ragthrift.types import Price

LEAST_UNITS = 5
"""Conversations in each group, below which nothing is said."""
MOST_UNITS = 200_000
"""Conversations that are remembered; later ones are left out, and counted."""
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float, less: float = 0.0) -> "Estimate":
        """The same in another unit, less a known amount."""
        return Estimate(*(factor * one - less for one in (self.value, self.low, self.high)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSaving:
    """What a budget saved over all calls that had one; `None` where that cannot be told yet."""

    calls: int
    """With a budget."""
    held_out: int
    """Without one."""
    tokens: Estimate | None
    """Of output, thinking and second tries included."""
    per_call: Estimate | None
    share: float | None
    """Of what the same calls would have written."""
    added_input_tokens: int
    """The instructions, and the prompts of second tries."""
    dollars: Estimate | None
    """Net of what was added; `None` without a price."""
    unmeasured: int = 0
    """Calls of types that have none in the other group, or of conversations past the limit."""


@dataclass(slots=True)
class _Sums:
    calls: int = 0
    output: int = 0


_Types = dict[str, _Sums]


class Trial:
    """Sums by conversation, since the draw is by conversation and its calls are alike.

    Safe for threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._units: tuple[dict[str, _Types], dict[str, _Types]] = ({}, {})
        self._added = 0
        self._left_out = 0

    def add(
        self, request_type: str, unit: str, *, held_out: bool, output: int, added: int = 0
    ) -> None:
        """One call."""
        with self._lock:
            units = self._units[held_out]
            self._added += added
            if unit not in units and len(units) >= MOST_UNITS:
                self._left_out += 1
                return
            sums = units.setdefault(unit, {}).setdefault(request_type, _Sums())
            sums.calls += 1
            sums.output += output

    def saving(self, price: Price | None = None) -> OutputSaving:
        """The difference of mean outputs, type by type, times the calls that had a budget.

        The interval is Welch's, its variances those of ratio means over conversations.
        """
        with self._lock:
            treated, control = map(_totals, self._units)
            both = {name: treated[name].calls for name in treated.keys() & control.keys()}
            errors = [_deviations(units, both) for units in self._units]
        without = sum(n * control[t].output / control[t].calls for t, n in both.items())
        written = sum(treated[t].output for t in both)
        width = _half_width(*errors)
        value = without - written
        tokens = None if width is None else Estimate(value, value - width, value + width)
        measured = sum(both.values())
        calls, held = (sum(s.calls for s in group.values()) for group in (treated, control))
        return OutputSaving(
            calls=calls,
            held_out=held,
            tokens=tokens,
            per_call=tokens.times(1 / measured) if tokens else None,
            share=value / without if tokens and without else None,
            added_input_tokens=self._added,
            dollars=_priced(tokens, self._added, price),
            unmeasured=calls - measured + self._left_out,
        )


def _priced(tokens: Estimate | None, added: int, price: Price | None) -> Estimate | None:
    if tokens is None or price is None:
        return None
    return tokens.times(price.output / 1e6, less=added * price.input / 1e6)


def _totals(units: Mapping[str, _Types]) -> _Types:
    totals: defaultdict[str, _Sums] = defaultdict(_Sums)
    for types in units.values():
        for name, sums in types.items():
            totals[name].calls += sums.calls
            totals[name].output += sums.output
    return dict(totals)


def _deviations(units: Mapping[str, _Types], weights: Mapping[str, int]) -> list[float]:
    """How much each conversation moves the total: the linearised ratio means, weighted."""
    totals = _totals(units)
    return [
        sum(
            weights[t] / totals[t].calls * (s.output - s.calls * totals[t].output / totals[t].calls)
            for t, s in types.items()
            if t in weights
        )
        for types in units.values()
        if types.keys() & weights.keys()
    ]


def _half_width(treated: list[float], control: list[float]) -> float | None:
    sizes = len(treated), len(control)
    if min(sizes) < LEAST_UNITS:
        return None
    variances = [
        n / (n - 1) * sum(d * d for d in found)
        for n, found in zip(sizes, (treated, control), strict=True)
    ]
    whole = sum(variances)
    if not whole:
        return 0.0
    freedom = whole**2 / sum(v**2 / (n - 1) for v, n in zip(variances, sizes, strict=True))
    return t_quantile(0.5 + _CONFIDENCE / 2, freedom) * sqrt(whole)


def t_quantile(share: float, freedom: float) -> float:
    """Student's, by the expansion of Abramowitz and Stegun, 26.7.5; 1 % off at 4 degrees.

    >>> round(t_quantile(0.975, 10), 3)
    2.228
    """
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms))
