"""The two papers that figures are drawn on: one for screens and print, one for phones."""

from dataclasses import dataclass

from ragthrift_bench.report.lettering import text_width
from ragthrift_bench.report.numbers import money
from ragthrift_bench.report.svg import words

LETTERS = 13.0
"""Size of names in a figure; the style sheet sets the same."""
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


def price_tick(x: float, y: float, dollars: float, decimals: int, sheet: Sheet) -> str:
    """An amount below its place on an axis, moved inwards where it would leave the sheet."""
    text = money(dollars, decimals) if dollars else "$0"
    half = text_width(text, 12) / 2
    inside = min(max(x, half), sheet.width - half)
    return words(text, inside, y, class_="tick middle")
