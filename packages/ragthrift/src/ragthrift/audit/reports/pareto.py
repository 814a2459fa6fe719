"""Bars from the largest down, and how much they make up together."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.audit.reports.words import dollars, hundredths
from ragthrift.page.axis import Axis
from ragthrift.page.lettering import text_width, wrapped
from ragthrift.page.sheets import LETTERS, LINE_HEIGHT, Drawing, Sheet
from ragthrift.page.svg import line, picture, rectangle, tag, words

MOST = 9
"""Bars; what comes after is one."""
RULE = 0.8
"""Of the dollars: where to stop looking, by Juran's rule."""
_BAR = 14.0
_GAP = 16.0
_SIDE = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A name and its dollars."""

    name: str
    dollars: float


def pareto(name: str, title: str, bars: Sequence[Bar], sheet: Sheet) -> Drawing:
    """Bars with the line of what they add up to, on one scale of shares."""
    shown = fewer([bar for bar in bars if bar.dollars > 0])
    whole = sum(bar.dollars for bar in shown) or 1.0
    room = max((text_width(_amount(bar, whole), LETTERS) for bar in shown), default=0.0)
    axis = Axis(0, 1, _SIDE, sheet.width - room - 4 * _SIDE)
    top, shapes, path, down = 8.0, list[str](), list[tuple[float, float]](), 0.0
    for bar in shown:
        down += bar.dollars / whole
        row = _Row(bar, _amount(bar, whole), bar.dollars / whole, axis, top, sheet)
        shapes += row.shapes()
        path.append((axis(down), row.bar + _BAR / 2))
        top = row.bar + _BAR + _GAP
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
    curve = tag("polyline", points=joined, class_="frontier")
    dots = [tag("circle", cx=x, cy=y, r=3.5, class_="mark good") for x, y in path]
    rule = line(axis(RULE), 4.0, axis(RULE), top, "level")
    size = (sheet.width, top + 40)
    described = "; ".join(f"{bar.name}: {dollars(bar.dollars)}" for bar in shown) + "."
    drawn = (*_scale(axis, top, sheet), rule, *shapes, curve, *dots)
    return Drawing(sheet, picture(f"{name}-{sheet.name}", title, described, size, *drawn))


def fewer(bars: Sequence[Bar]) -> list[Bar]:
    """The largest, and the others as one."""
    order = sorted(bars, key=lambda bar: -bar.dollars)
    if len(order) <= MOST:
        return order
    rest = sum(bar.dollars for bar in order[MOST - 1 :])
    return [*order[: MOST - 1], Bar(f"{len(order) - MOST + 1} others", rest)]


def _amount(bar: Bar, whole: float) -> str:
    return f"{dollars(bar.dollars)} ({hundredths(bar.dollars / whole)})"


def _scale(axis: Axis, top: float, sheet: Sheet) -> list[str]:
    shapes = [line(axis.start, top, axis.end, top, "rule")]
    every = (0.0, 0.2, 0.4, 0.6, RULE, 1.0)
    for share in every if sheet.ticks_across > len(every) else (0.0, 0.4, RULE):
        x = axis(share)
        side = "" if not share else "end" if share == 1 else "middle"
        shapes.append(line(x, top, x, top + 5, "rule"))
        shapes.append(words(f"{100 * share:.0f} %", x, top + 20, class_=f"tick {side}".strip()))
    return [*shapes, words("Share of the dollars", axis.start, top + 36, class_="axis-title")]


@dataclass(frozen=True, slots=True)
class _Row:
    """One bar, its name and amount above it."""

    shown: Bar
    amount: str
    share: float
    axis: Axis
    top: float
    sheet: Sheet

    @property
    def names(self) -> list[str]:
        return wrapped(self.shown.name, self.axis(1) - self.axis(0), LETTERS)

    @property
    def bar(self) -> float:
        """Its upper edge."""
        return self.top + LINE_HEIGHT * len(self.names) + 4

    def shapes(self) -> list[str]:
        names = [
            words(name, _SIDE, self.top + LINE_HEIGHT * number - 3, class_="name")
            for number, name in enumerate(self.names, 1)
        ]
        right = self.sheet.width - _SIDE
        amount = words(self.amount, right, self.bar + _BAR - 2, class_="amount end")
        start = self.axis(0)
        length = self.axis(self.share) - start
        filled = rectangle(start, self.bar, length, _BAR, class_="paid")
        return [*names, amount, filled]
