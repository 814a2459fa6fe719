"""A passage as it is read: its units, and windows of neighbouring units that fit the encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragthrift.compress.units import Unit, units

WINDOW_TOKENS = 230
"""Room for a window: MiniLM's 256 tokens, less the special ones and a margin."""
_SHORT_WINDOW = 24
"""A window ends with a paragraph, unless it would hold fewer tokens than this."""


@dataclass(frozen=True, slots=True)
class Window:
    """Neighbouring units that the encoder reads together."""

    start: int
    end: int
    units: range


class Sheet:
    r"""A passage's units, what they stand under, and its windows.

    `count` counts tokens of the encoder; `title` is that of a passage whose text has none.

    >>> sheet = Sheet("Rooms\n\nThe hall is large. The bar is small.", len)
    >>> [sheet.title(at) for at in range(3)], [sheet.rank(at) for at in range(3)]
    (['', 'Rooms', 'Rooms'], [1, 1, 2])
    """

    def __init__(self, text: str, count: Callable[[str], int], title: str = "") -> None:
        self.text = text
        self._title = title
        self.units = units(text)
        self.tokens = [count(text[unit.start : unit.end]) for unit in self.units]
        self._under = [_heading(self.units, unit) for unit in self.units]
        self.windows = _windows(text, self.units, self.tokens)
        self._first = {at: window.units.start for window in self.windows for at in window.units}

    def piece(self, window: Window) -> str:
        """What the encoder reads."""
        return self.text[window.start : window.end]

    def words(self, at: int) -> str:
        """The text of one unit."""
        return self.text[self.units[at].start : self.units[at].end]

    def title(self, at: int) -> str:
        """The heading that a unit stands under, else the passage's own title."""
        under = self._under[at]
        return self._title if under is None else self.words(under).lstrip("# ").strip()

    def rank(self, at: int) -> int:
        """A unit's place under its heading, from 1; in its window, where there is no heading."""
        under = self._under[at]
        return at - self._first[at] + 1 if under is None else at - under

    def is_heading(self, at: int) -> bool:
        """Whether it only stands over others, a heading or a table's header."""
        return self.units[at].kind in ("heading", "header")


def _heading(cut: Sequence[Unit], unit: Unit) -> int | None:
    over = [needed for needed in unit.needs if cut[needed].kind == "heading"]
    return max(over, default=None)


def _windows(text: str, cut: Sequence[Unit], tokens: Sequence[int]) -> tuple[Window, ...]:
    windows, first = [], 0
    while first < len(cut):
        last, size = first, 0
        while last < len(cut) and (last == first or size + tokens[last] <= WINDOW_TOKENS):
            breaks = last > first and "\n\n" in text[cut[last - 1].end : cut[last].start]
            if breaks and size >= _SHORT_WINDOW:
                break
            size += tokens[last]
            last += 1
        windows.append(Window(cut[first].start, cut[last - 1].end, range(first, last)))
        first = last
    return tuple(windows)
