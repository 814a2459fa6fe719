"""Filling a room with the units that are worth most, each with what it needs."""

import heapq
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LENGTH_EXPONENT = 0.25
"""Units are taken by value per tokens to this power. On QED's training questions, 4x and 8x, 0 and
0.25 keep equally many answers; 1, the greedy knapsack, prefers short sentences and keeps 10 to 23
points fewer."""


class Greedy:
    """Takes units by value for their price; what a unit needs is paid for together with it."""

    def __init__(
        self, values: "Floats", prices: Sequence[int], needs: Sequence[Sequence[int]]
    ) -> None:
        self.taken: set[int] = set()
        self.groups: list[list[int]] = []
        """What was taken together, in order."""
        self._values = values
        self._prices = prices
        self._needs = needs
        self._needed_by: dict[int, list[int]] = {}
        for unit, needed in enumerate(needs):
            for other in needed:
                self._needed_by.setdefault(other, []).append(unit)

    def take(self, unit: int) -> int:
        """Take a unit with all it needs; what that costs."""
        group = self._missing(unit)
        if group:
            self._add(group)
        return self._price(group)

    def give_back(self, tokens: int, *, keep: int) -> None:
        """Undo the last takings until they make up so many tokens; the first `keep` stay."""
        while tokens > 0 and len(self.groups) > keep:
            group = self.groups.pop()
            self.taken.difference_update(group)
            tokens -= max(1, self._price(group))

    def fill(self, units: Iterable[int], room: int) -> int:
        """Take what fits, best first; what is left of the room."""
        allowed = set(units)
        heap = [self._entry(unit) for unit in allowed if unit not in self.taken]
        heapq.heapify(heap)
        while heap and room > 0:
            _, unit = heapq.heappop(heap)
            if unit in self.taken:
                continue
            group = self._missing(unit)
            price = self._price(group)
            if price > room:
                continue
            self._add(group)
            room -= price
            for cheaper in self._waiting_for(group):
                if cheaper in allowed:
                    heapq.heappush(heap, self._entry(cheaper))
        return room

    def best(self, units: Iterable[int]) -> int:
        """The unit that would be taken first."""
        return min(self._entry(unit) for unit in units)[1]

    def _add(self, group: list[int]) -> None:
        self.taken.update(group)
        self.groups.append(group)

    def _waiting_for(self, group: Iterable[int]) -> Iterable[int]:
        """Units that became cheaper because what they need is paid for."""
        return (
            unit
            for paid in group
            for unit in self._needed_by.get(paid, ())
            if unit not in self.taken
        )

    def _entry(self, unit: int) -> tuple[float, int]:
        price = max(1, self._price(self._missing(unit)))
        return -float(self._values[unit]) / price**LENGTH_EXPONENT, unit

    def _price(self, group: Iterable[int]) -> int:
        return sum(self._prices[unit] for unit in group)

    def _missing(self, unit: int) -> list[int]:
        found: dict[int, None] = {}
        waiting = [unit]
        while waiting:
            at = waiting.pop()
            if at not in found and at not in self.taken:
                found[at] = None
                waiting += self._needs[at]
        return list(found)
