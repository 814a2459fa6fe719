"""From the baseline's bill to what every lever leaves of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.page.axis import Axis
from ragthrift.page.lettering import text_width, wrapped
from ragthrift.page.numbers import money, money_decimals, percent
from ragthrift.page.sheets import LETTERS, LINE_HEIGHT, Drawing, Sheet, price_scale
from ragthrift.page.svg import line, picture, rectangle, tag, words
from ragthrift_bench.report.lines import Line, full_stack

_BAR = 18.0
_GAP = 18.0
_SIDE = 2.0


def steps(found: Sequence[Line]) -> list[Line]:
    """What the waterfall shows: the baseline, each lever alone, all together.

    Where no configuration says which levers it holds, all are shown.
    """
    together = full_stack(found)
    chosen = [line for line in found[1:] if len(line.levers) == 1 or line is together]
    return [found[0], *(chosen or found[1:])]


def waterfall(found: Sequence[Line], sheet: Sheet) -> Drawing:
    """Draw the bars on a sheet: what is still paid, and from there to the baseline the saving."""
    rows, baseline = steps(found), found[0]
    most = max(_reach(row, baseline) for row in rows)
    axis = Axis(0, 1.02 * most or 1.0, _SIDE, sheet.width - _SIDE - 10)
    hatch = f"hatch-{sheet.name}"
    top, bars = 4.0, []
    for row in rows:
        bar = _Row(row, baseline, axis, top, sheet)
        bars.append(bar)
        top = bar.bottom + _GAP
    shapes = [shape for bar in bars for shape in bar.shapes(hatch)]
    level = line(axis(baseline.dollars), bars[0].bar, axis(baseline.dollars), top, "level")
    size = (sheet.width, top + 44)
    title = "Net dollars per 1,000 questions: the baseline, each lever alone, and all together"
    drawn = (_pattern(hatch), *_scale(axis, top, sheet), level, *shapes)
    return Drawing(sheet, picture(f"waterfall-{sheet.name}", title, _described(rows), size, *drawn))


def _reach(row: Line, baseline: Line) -> float:
    high = row.comparison.dollars.high if row.comparison else 0.0
    return max(row.dollars, baseline.dollars + 1000 * high)


def _described(rows: Sequence[Line]) -> str:
    decimals = money_decimals(rows[0].dollars)
    return "; ".join(f"{row.name}: {_amount(row, decimals)}" for row in rows) + "."


def _amount(row: Line, decimals: int) -> str:
    change = f" ({percent(row.change.mean)})" if row.change else ""
    return money(row.dollars, decimals) + change


def _pattern(identity: str) -> str:
    stroke = tag("path", d="M0 6L6 0M-1 1L1 -1M5 7L7 5", class_="hatch-line")
    return tag("pattern", stroke, id=identity, width=6.0, height=6.0, patternUnits="userSpaceOnUse")


def _scale(axis: Axis, top: float, sheet: Sheet) -> list[str]:
    title = "Net dollars per 1,000 questions"
    return [*price_scale(axis, top, sheet), words(title, axis.start, top + 39, class_="axis-title")]


@dataclass(frozen=True, slots=True)
class _Row:
    """One configuration: its name and amount, and its bar below them."""

    row: Line
    baseline: Line
    axis: Axis
    top: float
    sheet: Sheet

    @property
    def amount(self) -> str:
        return _amount(self.row, money_decimals(self.baseline.dollars))

    @property
    def names(self) -> list[str]:
        room = self.sheet.width - text_width(self.amount, LETTERS) - 3 * _SIDE - 24
        return wrapped(self.row.name, room, LETTERS)

    @property
    def bar(self) -> float:
        """The bar's upper edge."""
        return self.top + LINE_HEIGHT * len(self.names) + 5

    @property
    def bottom(self) -> float:
        return self.bar + _BAR

    def shapes(self, hatch: str) -> list[str]:
        start, paid, usual = (self.axis(x) for x in (0, self.row.dollars, self.baseline.dollars))
        shapes = [
            words(name, _SIDE, self.top + LINE_HEIGHT * number - 3, class_="name")
            for number, name in enumerate(self.names, 1)
        ]
        shapes += self.figures()
        shapes.append(rectangle(start, self.bar, min(paid, usual) - start, _BAR, class_="paid"))
        if paid < usual:
            shapes.append(rectangle(paid, self.bar, usual - paid, _BAR, class_="saved"))
        elif paid > usual:
            extra = (usual, self.bar, paid - usual, _BAR)
            shapes.append(rectangle(*extra, class_="extra"))
            shapes.append(rectangle(*extra, fill=f"url(#{hatch})"))
        return [*shapes, *self.whisker()]

    def figures(self) -> list[str]:
        """The amount at the right, on a ground that interrupts the line of the baseline."""
        right, width = self.sheet.width - _SIDE, text_width(self.amount, LETTERS)
        ground = rectangle(right - width, self.top, width, LINE_HEIGHT, class_="ground")
        return [ground, words(self.amount, right, self.top + LINE_HEIGHT - 3, class_="amount end")]

    def whisker(self) -> list[str]:
        """The 95 % interval of the bill."""
        if self.row.comparison is None:
            return []
        change, middle = self.row.comparison.dollars, self.bar + _BAR / 2
        low, high = (self.axis(self.baseline.dollars + 1000 * x) for x in (change.low, change.high))
        caps = [line(end, middle - 4, end, middle + 4, "whisker") for end in (low, high)]
        return [line(low, middle, high, middle, "whisker"), *caps]
