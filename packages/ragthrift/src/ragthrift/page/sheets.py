"""The two papers that figures are drawn on: one for screens and print, one for phones."""

from dataclasses import dataclass
from itertools import pairwise

from ragthrift.page.axis import Axis, decimals_of, round_step
from ragthrift.page.lettering import text_width
from ragthrift.page.numbers import money
from ragthrift.page.svg import line, words

LETTERS = 13.0
"""Size of names in a figure; the style sheet sets the same."""
SMALL_LETTERS = 12.0
"""Size of amounts and notes."""
LINE_HEIGHT = 16.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper and the number of marks that its axes have room for."""

    name: str
    width: float
    ticks_across: int
    name_width: float
    """Names are broken into lines no wider than this."""


WIDE = Sheet("wide", 760, 8, 170)
NARROW = Sheet("narrow", 342, 5, 118)
SHEETS = (WIDE, NARROW)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished figure on one sheet."""

    sheet: Sheet
    svg: str
    key: tuple[str, ...] = ()
    """Names by number, where the points are numbered because their names do not fit."""


def price_scale(axis: Axis, top: float, sheet: Sheet) -> list[str]:
    """Ticks of an axis of dollars with their amounts below, as many as stand free."""
    for count in range(sheet.ticks_across, 1, -1):
        amounts = axis.ticks(count)
        decimals = decimals_of(round_step(axis.high - axis.low, count))
        texts = [money(amount, max(2, decimals) if decimals else 0) for amount in amounts]
        widths = [text_width(text, SMALL_LETTERS) for text in texts]
        places = [
            min(max(axis(amount), width / 2), sheet.width - width / 2)
            for amount, width in zip(amounts, widths, strict=True)
        ]
        spans = [(x - width / 2, x + width / 2) for x, width in zip(places, widths, strict=True)]
        if all(left[1] < right[0] for left, right in pairwise(spans)):
            break
    marks = [line(axis(amount), top, axis(amount), top + 5, "rule") for amount in amounts]
    labels = [
        words(text, x, top + 20, class_="tick middle")
        for text, x in zip(texts, places, strict=True)
    ]
    return [line(axis.start, top, axis.end, top, "rule"), *marks, *labels]
