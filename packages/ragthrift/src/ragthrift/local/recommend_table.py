"""What was measured, as lines of text and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ragthrift.local.recommend import Measured

_COLUMNS = ("kind", "MB", "size", "perplexity", "change, 95 % interval", "agree", "read", "write")
_FOOT = "read, write: tokens per CPU-second; change and agree: against the first"


def as_table(rows: Sequence[Measured]) -> str:
    """One line for each kind; sizes are shares of the first one's."""
    cells = [_COLUMNS, *(_cells(row, rows[0]) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join((*(_line(line, widths) for line in cells), _FOOT))


def as_json(rows: Iterable[Measured]) -> list[dict[str, Any]]:
    """The same numbers, unrounded."""
    return [
        {name: str(value) if isinstance(value, Path) else value for name, value in row.items()}
        for row in map(asdict, rows)
    ]


def _cells(row: Measured, first: Measured) -> tuple[str, ...]:
    change = row.change
    return (
        row.kind,
        f"{row.size / 1e6:,.1f}",
        f"{row.size / first.size:.0%}",
        f"{row.perplexity:.3f}",
        ""
        if row is first
        else f"{change.perplexity:+.2%} ({change.low:+.2%} to {change.high:+.2%})",
        f"{change.agreement:.1%}",
        f"{row.prefill:.0f}",
        f"{row.decode:.1f}",
    )


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    first, *others = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join((first, *(cell.strip().rjust(len(cell)) for cell in others)))
