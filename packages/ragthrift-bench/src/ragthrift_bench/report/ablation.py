"""What each lever does alone, and what would be missing without it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift_bench.report.lines import Line, full_stack


@dataclass(frozen=True, slots=True)
class Part:
    """One lever of the run."""

    lever: str
    alone: Line | None
    without: Line | None
    """All levers but this one."""
    adds_dollars: float | None
    """Dollars for 1,000 questions that it takes off the bill of the others; below 0 it adds."""
    adds_quality: float | None
    """What it changes in the mean quality of the others."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """The levers of a run, in the order they were first tried, and all of them together.

    One lever alone is no ablation: then there are no parts.
    """

    parts: tuple[Part, ...]
    together: Line | None

    @property
    def summed(self) -> float | None:
        """The saved shares of the levers alone, added up; `None` where one was not tried alone."""
        if self.together is None:
            return None
        alone = [part.alone for part in self.parts if part.lever in self.together.levers]
        saved = [line.saved for line in alone if line and line.change]
        return sum(saved) if len(saved) == len(set(self.together.levers)) else None


def ablation(found: Sequence[Line]) -> Ablation:
    """Read off which configuration tries which levers."""
    every = list(dict.fromkeys(lever for line in found for lever in line.levers))
    if len(every) < 2:
        return Ablation((), None)
    together = full_stack(found)
    return Ablation(tuple(_part(lever, together, found) for lever in every), together)


def _part(lever: str, together: Line | None, found: Sequence[Line]) -> Part:
    alone = _with_levers({lever}, found)
    if together is None or lever not in together.levers:
        return Part(lever, alone, None, None, None)
    without = _with_levers(set(together.levers) - {lever}, found)
    if without is None:
        return Part(lever, alone, None, None, None)
    dollars = without.dollars - together.dollars
    return Part(lever, alone, without, dollars, together.quality - without.quality)


def _with_levers(levers: set[str], found: Sequence[Line]) -> Line | None:
    return next((line for line in found if set(line.levers) == levers), None)
