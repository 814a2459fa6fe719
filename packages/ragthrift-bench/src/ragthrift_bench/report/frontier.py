"""Where every configuration lies between dollars and quality, and which ones nothing beats."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift_bench.report.lines import Line
from ragthrift_bench.report.marks import BASELINE


@dataclass(frozen=True, slots=True)
class Point:
    """A configuration on the plot: dollars for 1,000 questions, quality in hundredths."""

    name: str
    verdict: str
    dollars: float
    quality: float
    dollars_ends: tuple[float, float]
    quality_ends: tuple[float, float]


def points_of(found: Sequence[Line]) -> list[Point]:
    """The plotted points; error bars are the intervals of the difference to the baseline."""
    baseline = found[0]
    return [_point(each, baseline) for each in found]


def _point(each: Line, baseline: Line) -> Point:
    money_ends, quality_ends = (each.dollars,) * 2, (100 * each.quality,) * 2
    if each.comparison:
        cost, quality = each.comparison.dollars, each.comparison.quality
        money_ends = baseline.dollars + 1000 * cost.low, baseline.dollars + 1000 * cost.high
        quality_ends = (
            100 * (baseline.quality + quality.low),
            100 * (baseline.quality + quality.high),
        )
    verdict = each.comparison.verdict if each.comparison else BASELINE
    return Point(each.name, verdict, each.dollars, 100 * each.quality, money_ends, quality_ends)


def frontier(points: Sequence[Point]) -> list[Point]:
    """The points that no other one beats in both dollars and quality, cheapest first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda point: (point.dollars, -point.quality)):
        if not kept or point.quality > kept[-1].quality:
            kept.append(point)
    return kept
