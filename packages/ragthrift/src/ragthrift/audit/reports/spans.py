"""What each lever saves alone: from the low end to the high one."""

from collections.abc import Sequence

from ragthrift.audit.projection import Projection
from ragthrift.audit.reports.words import dollars
from ragthrift.page.axis import Axis
from ragthrift.page.sheets import LINE_HEIGHT, Drawing, Sheet, price_scale
from ragthrift.page.svg import line, picture, rectangle, tag, words

_BAR = 10.0
_GAP = 16.0
_SIDE = 8.0


def spans(projections: Sequence[Projection], sheet: Sheet) -> Drawing:
    """Bars over the range, with a point at what is expected."""
    least = min([0.0, *(found.dollars.low for found in projections)])
    most = max([0.0, *(found.dollars.high for found in projections)]) or 1.0
    axis = Axis(least, 1.02 * most, _SIDE, sheet.width - _SIDE - 10)
    top, shapes = 6.0, list[str]()
    for found in projections:
        shapes += _row(found, axis, top, sheet)
        top += LINE_HEIGHT + 4 + _BAR + _GAP
    zero = line(axis(0), 6.0, axis(0), top, "level")
    title = "Dollars that each lever saves alone"
    described = (
        "; ".join(
            f"{found.lever}: {dollars(found.dollars.low)} to {dollars(found.dollars.high)}, "
            f"expected {dollars(found.dollars.expected)}"
            for found in projections
        )
        + "."
    )
    label = words("Dollars saved in this period", axis.start, top + 36, class_="axis-title")
    size = (sheet.width, top + 42)
    drawn = (*price_scale(axis, top, sheet), label, zero, *shapes)
    return Drawing(sheet, picture(f"spans-{sheet.name}", title, described, size, *drawn))


def _row(found: Projection, axis: Axis, top: float, sheet: Sheet) -> list[str]:
    low, middle, high = (
        axis(at) for at in (found.dollars.low, found.dollars.expected, found.dollars.high)
    )
    bar = top + LINE_HEIGHT + 4
    return [
        words(found.lever, _SIDE + 5, top + LINE_HEIGHT - 3, class_="name"),
        words(
            dollars(found.dollars.expected),
            sheet.width - _SIDE,
            top + LINE_HEIGHT - 3,
            class_="amount end",
        ),
        rectangle(low, bar, max(high - low, 1.5), _BAR, class_="saved"),
        tag("circle", cx=middle, cy=bar + _BAR / 2, r=5.0, class_="mark open"),
    ]
