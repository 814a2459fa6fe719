"""A text cut into units that are kept or dropped whole, and what each cannot stand without."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ragthrift.compress.blocks import Block, blocks
from ragthrift.compress.sentences import Span, sentences

UnitKind = Literal["sentence", "heading", "item", "table", "header", "row", "code", "blank"]

SMALL_TABLE = 6
"""Rows; a table with no more is one unit."""

_CHAIN = 3
"""How far a pronoun is followed back: an antecedent is rarely further, and chains cost tokens."""

_REFERS_BACK = re.compile(
    r"(?:he|she|it|they|his|her|hers|its|their|theirs|him|them|this|that|these|those|such|"
    r"the (?:former|latter|same)|however|therefore|thus|hence|moreover|furthermore|instead|"
    r"otherwise|nevertheless|consequently|accordingly|also|but|yet|so|then|as a result)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a text that is kept or dropped whole."""

    start: int
    end: int
    kind: UnitKind
    needs: tuple[int, ...] = ()
    """Positions of the units it is not understood without; each stands before it."""


def units(text: str, *, antecedents: bool = False) -> tuple[Unit, ...]:
    r"""Cut a text; between two units stand blanks only, and units never overlap.

    A unit under a heading needs the heading, a list item its lead (a sentence that ends in a
    colon) or the item it is nested in, a table's row the header, a later sentence of an item the
    first. With `antecedents` a sentence that opens with a pronoun or with "However" needs the
    sentence before it. A text of blanks is one unit.

    >>> text = "# Hours\nWe open:\n- daily\n- at 9"
    >>> [(text[unit.start : unit.end], unit.needs) for unit in units(text)]
    [('# Hours', ()), ('We open:', (0,)), ('- daily', (1,)), ('- at 9', (1,))]
    """
    outline = _Outline(text, antecedents=antecedents)
    for block in blocks(text):
        outline.add(block)
    return tuple(outline.units) or (Unit(0, len(text), "blank"),)


def with_needs(cut: Sequence[Unit], positions: Iterable[int]) -> set[int]:
    """The units at `positions` and all that they need, directly or not."""
    found: set[int] = set()
    waiting = list(positions)
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting += cut[at].needs
    return found


def touched(cut: Sequence[Unit], start: int, end: int) -> range:
    """Positions of the units that have a character in `start` to `end`.

    >>> touched([Unit(0, 4, "row"), Unit(5, 9, "row"), Unit(10, 14, "row")], 3, 6)
    range(0, 2)
    """
    first = bisect_right(cut, start, key=lambda unit: unit.end)
    return range(first, max(first, bisect_left(cut, end, key=lambda unit: unit.start)))


class _Outline:
    """Units so far, and what the next block may hang on."""

    def __init__(self, text: str, *, antecedents: bool) -> None:
        self.units: list[Unit] = []
        self._text = text
        self._antecedents = antecedents
        self._headings: list[tuple[int, int]] = []
        self._items: list[tuple[int, int]] = []
        self._lead: int | None = None

    def add(self, block: Block) -> None:
        """Append the units of the block that comes next."""
        if block.kind != "item":
            self._items.clear()
        _ADDERS[block.kind](self, block)
        if block.kind in ("heading", "paragraph"):
            self._lead = self._lead_at_end()

    def _append(self, span: Span, kind: UnitKind, needs: tuple[int, ...]) -> int:
        self.units.append(Unit(*span, kind, needs))
        return len(self.units) - 1

    def _above(self) -> tuple[int, ...]:
        """What stands over the next block: a lead if there is one, else the heading."""
        if self._lead is not None:
            return (self._lead,)
        return (self._headings[-1][1],) if self._headings else ()

    def _lead_at_end(self) -> int | None:
        last = self.units[-1]
        colon = self._text[last.end - 1] in ":："  # noqa: RUF001
        return len(self.units) - 1 if colon and last.kind == "sentence" else None

    def add_heading(self, block: Block) -> None:
        while self._headings and self._headings[-1][0] >= block.level:
            self._headings.pop()
        self._lead = None
        at = self._append((block.start, block.end), "heading", self._above())
        self._headings.append((block.level, at))

    def add_paragraph(self, block: Block) -> None:
        self._lead = None
        first = len(self.units)
        for span in sentences(self._text, block.start, block.end):
            self._append(span, "sentence", self._above())
        if self._antecedents:
            self._tie_back(first)

    def _tie_back(self, first: int) -> None:
        chain = 0
        for at in range(first + 1, len(self.units)):
            unit = self.units[at]
            refers = _REFERS_BACK.match(self._text, unit.start, min(unit.end, unit.start + 20))
            chain = chain + 1 if refers and chain < _CHAIN else 0
            if chain:
                self.units[at] = replace(unit, needs=(*unit.needs, at - 1))

    def add_item(self, block: Block) -> None:
        while self._items and self._items[-1][0] >= block.level:
            self._items.pop()
        over = (self._items[-1][1],) if self._items else self._above()
        spans = sentences(self._text, block.start, block.end)
        first = self._append((block.start, spans[0][1]), "item", over)
        for span in spans[1:]:
            self._append(span, "sentence", (first,))
        self._items.append((block.level, first))

    def add_table(self, block: Block) -> None:
        if len(block.rows) <= SMALL_TABLE + 1:
            self._append((block.start, block.end), "table", self._above())
            return
        header = self._append(block.rows[0], "header", self._above())
        for row in block.rows[1:]:
            self._append(row, "row", (header,))

    def add_code(self, block: Block) -> None:
        self._append((block.start, block.end), "code", self._above())


_ADDERS = {
    "heading": _Outline.add_heading,
    "paragraph": _Outline.add_paragraph,
    "item": _Outline.add_item,
    "table": _Outline.add_table,
    "code": _Outline.add_code,
}


def gaps(text: str, cut: Sequence[Unit]) -> Iterator[str]:
    """What stands before each unit: blanks only."""
    end = 0
    for unit in cut:
        yield text[end : unit.start]
        end = unit.end
