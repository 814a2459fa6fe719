"""The findings in plain words, for a reader who will not read the tables."""

from collections.abc import Sequence
from math import ceil, isfinite

from ragthrift_bench.comparison import Comparison
from ragthrift_bench.report.lines import Line
from ragthrift_bench.report.numbers import money, money_decimals, plain, points, span

FEW = 30
"""Fewer questions than this make bootstrap intervals too narrow (they resample what they have)."""


def dollars_in_words(line: Line) -> str:
    """What happened to the bill: `71 % fewer dollars`."""
    if line.change is None:
        return f"{money(line.dollars, money_decimals(line.dollars))} per 1,000 questions"
    size = abs(100 * line.change.mean)
    if size < 0.05:
        return "the same dollars"
    decimals = 0 if 10 <= size < 99 else 1
    return f"{plain(size, decimals)} % {'fewer' if line.change.mean < 0 else 'more'} dollars"


def quality_in_words(comparison: Comparison) -> str:
    """What happened to the answers: `quality −0.4 points (95 % −2.1 to +1.2)`."""
    change = comparison.quality
    return f"quality {points(change.mean)} points (95 % {span(change)})"


def headline(found: Sequence[Line]) -> str:
    """The one sentence to remember."""
    line = best(found)
    if line is None:
        return "Only the baseline was measured"
    verdict = line.comparison.verdict if line.comparison else None
    if verdict == "saves, non-inferior":
        return f"{line.name}: {dollars_in_words(line)}, quality held"
    if verdict == "inconclusive":
        return f"{line.name}: {dollars_in_words(line)}, quality not yet proven"
    return "Nothing tried here saves dollars and holds quality"


def best(found: Sequence[Line]) -> Line | None:
    """The cheapest configuration with the best kind of verdict that was reached."""
    compared = [line for line in found if line.comparison]
    for verdict in ("saves, non-inferior", "inconclusive"):
        reached = [line for line in compared if line.comparison and line.comparison.verdict == verdict]
        if reached:
            return min(reached, key=lambda line: line.dollars)
    return min(compared, key=lambda line: line.dollars, default=None)


def caution(found: Sequence[Line]) -> str | None:
    """What to keep in mind before believing any of it, where there is something."""
    count = found[0].questions
    if count < FEW:
        noun = "One question was" if count == 1 else f"Only {count} questions were"
        return (
            f"{noun} asked. Intervals from so few are narrower than the truth: "
            "take this as a rehearsal, not as a result."
        )
    return None


def failures(found: Sequence[Line]) -> list[str]:
    """Which configurations met errors."""
    return [
        f"{line.name}: {line.failed} of {line.questions} questions ended in an error."
        for line in found
        if line.failed
    ]


def resolution(line: Line, margin: float) -> str:
    """What this many questions can tell about one configuration.

    The number of questions for the margin follows from the square-root law, for a configuration
    that truly loses nothing.
    """
    comparison = line.comparison
    if comparison is None:
        return ""
    loss = comparison.resolvable
    if not isfinite(loss):
        return "one question cannot tell how much quality varies"
    if loss == 0:
        return "no question scored differently"
    found = f"finds a true loss of {plain(100 * loss)} points or more"
    if loss <= margin:
        return found
    needed = ceil(line.questions * (loss / margin) ** 2)
    return f"{found}; for {plain(100 * margin)} points about {needed:,} questions are needed"
