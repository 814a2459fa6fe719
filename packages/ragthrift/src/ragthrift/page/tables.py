"""A table, the same for every format."""

from dataclasses import dataclass

from ragthrift.page.numbers import NOTHING


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table."""

    text: str
    small: str = ""
    """An interval or another aside."""
    verdict: str = ""
    """Whose mark goes before the text."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of a row names it; `numeric` columns are set to the right."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: range

    def without(self, head: str) -> "Table":
        """The table less one of its numeric columns."""
        gone = self.heads.index(head)
        rows = tuple((*row[:gone], *row[gone + 1 :]) for row in self.rows)
        heads = (*self.heads[:gone], *self.heads[gone + 1 :])
        return Table(self.caption, heads, rows, range(self.numeric.start, self.numeric.stop - 1))


NO_CELL = Cell(NOTHING)
