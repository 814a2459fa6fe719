"""Dollars against quality: what is cheaper, what is better, and what nothing beats."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ragthrift.page.axis import Axis, covering, decimals_of, round_step
from ragthrift.page.lettering import text_width, wrapped
from ragthrift.page.numbers import money, money_decimals, plain
from ragthrift.page.sheets import (
    LETTERS,
    LINE_HEIGHT,
    SMALL_LETTERS,
    Drawing,
    Sheet,
    price_scale,
)
from ragthrift.page.svg import line, picture, rectangle, tag, words
from ragthrift_bench.report.frontier import Point, frontier, points_of
from ragthrift_bench.report.labels import Box, Place, placed
from ragthrift_bench.report.lines import Line
from ragthrift_bench.report.marks import BASELINE, mark
from ragthrift_bench.report.numbers import metric_name

_RADIUS = 6.0


def pareto(found: Sequence[Line], metric: str, margin: float, sheet: Sheet) -> Drawing:
    """Draw the plot on a sheet."""
    points = points_of(found)
    plot = _Plot.around(points, margin, sheet)
    labels, key = _labels(points, plot)
    shapes = [
        *plot.grid(metric),
        *plot.margin_zone(points),
        plot.step_line(frontier(points)),
        *(bar for point in points for bar in plot.bars(point)),
        *(mark(point.verdict, *plot.place(point), _RADIUS) for point in reversed(points)),
        *labels,
    ]
    title = f"Net dollars per 1,000 questions against mean {metric_name(metric)}"
    return Drawing(
        sheet,
        picture(f"pareto-{sheet.name}", title, _described(points), plot.size, *shapes),
        key,
    )


def _described(points: Sequence[Point]) -> str:
    decimals = money_decimals(points[0].dollars)
    told = (
        f"{point.name}: {money(point.dollars, decimals)}, {plain(point.quality)} points"
        for point in points
    )
    kept = ", ".join(point.name for point in frontier(points))
    return f"{'; '.join(told)}. On the frontier: {kept}."


@dataclass(frozen=True, slots=True)
class _Plot:
    """Axes with everything that is drawn along them."""

    across: Axis
    up: Axis
    floor: float
    """Quality at the margin below the baseline."""
    margin: float
    sheet: Sheet
    size: tuple[float, float]

    @classmethod
    def around(cls, points: Sequence[Point], margin: float, sheet: Sheet) -> "_Plot":
        floor = points[0].quality - 100 * margin
        height = 440.0 if sheet.width > 500 else 400.0
        left, right = 44.0, sheet.width - 12
        most = max(point.dollars_ends[1] for point in points)
        reached = [floor, *(end for point in points for end in point.quality_ends)]
        low, high = covering(reached, least=4.0)
        return cls(
            Axis(0, 1.08 * most or 1.0, left, right),
            Axis(low, high, height - 46, 30),
            floor,
            margin,
            sheet,
            (sheet.width, height),
        )

    @property
    def paper(self) -> Box:
        """Where names may stand."""
        across, up = self.across, self.up
        return Box(across.start, up.end, across.end - across.start, up.start - up.end)

    def place(self, point: Point) -> Place:
        return self.across(point.dollars), self.up(point.quality)

    def grid(self, metric: str) -> list[str]:
        across, up = self.across, self.up
        shapes = [words(f"Mean {metric_name(metric)}, points", 2, 14, class_="axis-title")]
        step = round_step(up.high - up.low, 6)
        for tick in up.ticks(6):
            shapes.append(line(across.start, up(tick), across.end, up(tick), "grid"))
            label = plain(tick, decimals_of(step))
            shapes.append(words(label, across.start - 8, up(tick) + 4, class_="tick end"))
        shapes += price_scale(across, up.start, self.sheet)
        title = "Net dollars per 1,000 questions"
        return [*shapes, words(title, across.end, self.size[1] - 6, class_="axis-title end")]

    def margin_zone(self, points: Sequence[Point]) -> list[str]:
        """Everything below the margin, and what that means."""
        across, level = self.across, self.up(self.floor)
        box = self.margin_label(points)
        return [
            rectangle(
                across.start, level, across.end - across.start, self.up.start - level, class_="zone"
            ),
            line(across.start, level, across.end, level, "margin"),
            words(_margin_words(self.margin), box.left, box.bottom - 4, class_="note"),
        ]

    def margin_label(self, points: Sequence[Point]) -> Box:
        """Along the margin, where no point or error bar is in the way if there is such a place."""
        width = text_width(_margin_words(self.margin), SMALL_LETTERS)
        level, right = self.up(self.floor), self.across.end - width - 4
        obstacles = [*self.occupied(points), *self.clutter(points)]
        places = [
            Box(left, top, width, LINE_HEIGHT)
            for top in (level + 3, level - LINE_HEIGHT - 2)
            for left in (right, self.across.start + 6)
        ]
        inside = [box for box in places if box.within(self.paper)] or places
        return min(inside, key=lambda box: sum(box.overlaps(other) for other in obstacles))

    def occupied(self, points: Sequence[Point]) -> list[Box]:
        """What the marks cover."""
        side = 2 * _RADIUS + 3
        places = [self.place(point) for point in points]
        return [Box(x - side / 2, y - side / 2, side, side) for x, y in places]

    def clutter(self, points: Sequence[Point]) -> list[Box]:
        """What the error bars and the frontier cover."""
        boxes = []
        for point in points:
            (x, y), (left, right) = self.place(point), map(self.across, point.dollars_ends)
            top, bottom = self.up(point.quality_ends[1]), self.up(point.quality_ends[0])
            boxes += [Box(x - 1, top, 2, bottom - top), Box(left, y - 1, right - left, 2)]
        steps = [*map(self.place, frontier(points)), (self.across.end, self.up.start)]
        for (x, y), (after, above) in pairwise(steps):
            boxes += [Box(x, y - 1, after - x, 2), Box(after - 1, above, 2, y - above)]
        return boxes

    def bars(self, point: Point) -> list[str]:
        (x, y), (left, right) = self.place(point), map(self.across, point.dollars_ends)
        bottom, top = map(self.up, point.quality_ends)
        if point.verdict == BASELINE:
            return []
        caps = [line(x - 4, end, x + 4, end, "bar") for end in (top, bottom)]
        caps += [line(end, y - 4, end, y + 4, "bar") for end in (left, right)]
        return [line(x, top, x, bottom, "bar"), line(left, y, right, y, "bar"), *caps]

    def step_line(self, kept: Sequence[Point]) -> str:
        """Right from every point of the frontier, and up at the next."""
        x, y = self.place(kept[0])
        path = [f"M{x:.1f} {y:.1f}"]
        path += [f"H{x:.1f}V{y:.1f}" for x, y in map(self.place, kept[1:])]
        return tag("path", d=f"{''.join(path)}H{self.across.end:.1f}", class_="frontier")


def _margin_words(margin: float) -> str:
    return f"more than {plain(100 * margin)} points below the baseline"


def _labels(points: Sequence[Point], plot: _Plot) -> tuple[list[str], tuple[str, ...]]:
    """Names where they fit, else numbers with a key."""
    places = [plot.place(point) for point in points]
    named = [wrapped(point.name, plot.sheet.name_width, LETTERS) for point in points]
    numbered = [[str(number)] for number in range(1, len(points) + 1)]
    note = plot.margin_label(points)
    for texts in (named, numbered):
        boxes = placed(
            places,
            [_extent(lines) for lines in texts],
            plot.paper,
            taken=[*plot.occupied(points), note],
            clutter=plot.clutter(points),
            insist=texts is numbered,
        )
        if boxes:
            break
    drawn = [_label(*each) for each in zip(texts, boxes or (), places, strict=True)]
    return drawn, tuple(point.name for point in points) if texts is numbered else ()


def _extent(lines: Sequence[str]) -> tuple[float, float]:
    return max(text_width(each, LETTERS) for each in lines) + 4, LINE_HEIGHT * len(lines) + 2


def _label(lines: Sequence[str], box: Box, place: Place) -> str:
    """A name, tied to its point by a line where it stands apart."""
    x, y = place
    near = box.nearest(place)
    apart = abs(near[0] - x) + abs(near[1] - y) > 3 * _RADIUS
    tie = line(x, y, *near, "tie") if apart else ""
    column, kind = (box.left + box.right) / 2, "name middle"
    if box.left >= x:
        column, kind = box.left + 2, "name"
    elif box.right <= x:
        column, kind = box.right - 2, "name end"
    rows = (
        words(each, column, box.top + LINE_HEIGHT * number - 3, class_=kind)
        for number, each in enumerate(lines, 1)
    )
    return tie + "".join(rows)
