"""One selection over the units of all passages, held to the tokens of what is written out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from ragthrift.compress.clip import clip
from ragthrift.compress.greedy import Greedy
from ragthrift.compress.limits import Limits
from ragthrift.compress.render import kept_spans, write
from ragthrift.compress.sentences import Span
from ragthrift.compress.units import Unit, gaps, touched
from ragthrift.protocols import TokenCounter
from ragthrift.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_REFILLS = 3
"""Prices of units do not add up to the price of a text; what they leave over is offered again."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage and its units."""

    passage: Passage
    units: tuple[Unit, ...]

    @property
    def text(self) -> str:
        """The passage's text."""
        return self.passage.text


class Selection:
    """Chooses units of `cuts` by `values`, one array of numbers for each cut.

    Dependencies are paid for together with what needs them. The texts that are written out never
    cost more than the budget, unless pinned units do by themselves.
    """

    def __init__(
        self,
        cuts: Sequence[Cut],
        values: Sequence["Floats"],
        limits: Limits,
        counter: TokenCounter,
        elision: str = "",
    ) -> None:
        import numpy as np

        self.cuts = cuts
        self.values = np.concatenate(values)
        self.firsts = [0, *np.cumsum([len(cut.units) for cut in cuts]).tolist()]
        self.clipped: dict[int, Span] = {}
        """Where even the smallest unit was too much: the part of it that is kept, by position."""
        self.note = ""
        self._limits = limits
        self._counter = counter
        self._elision = elision
        self._counts: dict[int, tuple[list[int], int]] = {}
        self.before = [counter.count(cut.text) for cut in cuts]
        self.room = limits.room(sum(self.before))
        if self.room is not None and sum(self.before) <= self.room:
            self.room = None
        self._over = self._standing_over()
        self._greedy = Greedy(self.values, self.prices, self._needs())
        self._choose()

    def kept(self, position: int) -> list[int]:
        """The kept units of a cut, in order."""
        first, stop = self.firsts[position : position + 2]
        return [unit - first for unit in range(first, stop) if unit in self._greedy.taken]

    def text(self, position: int) -> str:
        """What is left of a cut's text."""
        cut = self.cuts[position]
        if position in self.clipped:
            start, end = self.clipped[position]
            return cut.text[start:end]
        return write(cut.text, cut.units, self.kept(position), self._elision)

    def spans(self, position: int) -> tuple[Span, ...]:
        """The spans of what is left of a cut's text."""
        if position in self.clipped:
            return (self.clipped[position],)
        cut, kept = self.cuts[position], self.kept(position)
        if len(kept) == len(cut.units):
            return ((0, len(cut.text)),)
        return tuple(kept_spans(cut.units, kept))

    def worthy(self, unit: int) -> bool:
        """Whether the unit scores high enough."""
        least = self._limits.min_score
        return least is None or bool(self.values[unit] >= least)

    @cached_property
    def prices(self) -> list[int]:
        """What each unit costs with the blanks before it; nothing where there is room for all."""
        if self.room is None:
            return [0] * len(self.values)
        mark = self._counter.count(self._elision)
        return [
            mark + self._counter.count(gap + cut.text[unit.start : unit.end])
            for cut in self.cuts
            for gap, unit in zip(gaps(cut.text, cut.units), cut.units, strict=True)
        ]

    def stands_over(self, unit: int) -> bool:
        """Whether it is a heading or a header: of use only with something under it."""
        return unit in self._over

    def _standing_over(self) -> set[int]:
        return {
            first + needed
            for first, cut in zip(self.firsts, self.cuts, strict=False)
            for unit in cut.units
            for needed in unit.needs
            if cut.units[needed].kind in ("heading", "header")
        }

    def _needs(self) -> list[list[int]]:
        return [
            [first + needed for needed in unit.needs]
            for first, cut in zip(self.firsts, self.cuts, strict=False)
            for unit in cut.units
        ]

    def _choose(self) -> None:
        for unit in self._pinned():
            self._greedy.take(unit)
        alone = [unit for unit in range(len(self.values)) if unit not in self._over]
        worthy = [unit for unit in alone if self.worthy(unit)]
        if self.room is None:
            for unit in worthy:
                self._greedy.take(unit)
        else:
            self._fit(worthy, self.room)
        if not self._greedy.taken and not self._limits.allow_empty:
            self._rescue(worthy or alone)

    def _pinned(self) -> list[int]:
        return [
            first + at
            for first, cut in zip(self.firsts, self.cuts, strict=False)
            for start, end in self._limits.pinned(cut.text)
            for at in touched(cut.units, start, end)
        ]

    def _fit(self, worthy: Sequence[int], room: int) -> None:
        pinned = len(self._greedy.groups)
        for _ in range(_REFILLS):
            left = room - self._written()
            before = len(self._greedy.groups)
            self._greedy.fill(worthy, left)
            if len(self._greedy.groups) == before:
                break
        while (over := self._written() - room) > 0 and len(self._greedy.groups) > pinned:
            self._greedy.give_back(over, keep=pinned)
        if over > 0:
            self.note = f"what is pinned needs {over} tokens more than the {room} there are"

    def _written(self) -> int:
        """Tokens of all that is written out, counted on the texts as they are."""
        total = 0
        for position in range(len(self.cuts)):
            kept = self.kept(position)
            known = self._counts.get(position)
            if known is None or known[0] != kept:
                known = kept, self._counter.count(self.text(position)) if kept else 0
                self._counts[position] = known
            total += known[1]
        return total

    def _rescue(self, units: Sequence[int]) -> None:
        """Keep the best unit with what it needs; within a budget, as much of it as fits."""
        best = self._greedy.best(units)
        self.note = "no unit was good or small enough; the best was kept"
        budget = self._limits.budget
        self._greedy.take(best)
        if budget is None or self._written() <= budget.tokens:
            return
        self._greedy.give_back(self._written(), keep=0)
        small = [unit for unit in units if self.prices[unit] <= budget.tokens]
        best = self._greedy.best(small or units)
        position = next(p for p, (a, b) in enumerate(pairwise(self.firsts)) if a <= best < b)
        cut, at = self.cuts[position], best - self.firsts[position]
        span = cut.units[at].start, cut.units[at].end
        part = clip(cut.text, span, budget.tokens, self._counter)
        if part is not None:
            self._greedy.taken.add(best)
            self.clipped[position] = part
            self.note = (
                f"no unit fits in {budget.tokens} tokens with what it needs; the best was kept "
                + ("without" if part == span else "and cut short")
            )
