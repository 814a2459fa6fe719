"""Two runs side by side, in the terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from ragthrift.page.numbers import percent, plain, points
from ragthrift_bench.gate import Change
from ragthrift_bench.report.numbers import span


def changes_table(found: Sequence[Change]) -> Table:
    """A row for each configuration, then and now."""
    table = Table("configuration", title="Then and now", title_justify="left", box=SIMPLE_HEAD)
    for head in ("prompt tokens", "dollars", "quality", "points (95 %)"):
        table.add_column(head, justify="right", no_wrap=True)
    for change in found:
        table.add_row(change.name, *_cells(change))
    return table


def _cells(change: Change) -> tuple[str, ...]:
    quality = change.comparison.quality
    return (
        " → ".join(plain(count, 0) for count in change.tokens),
        percent(change.dearer),
        " → ".join(plain(100 * value) for value in change.quality),
        f"{points(quality.mean)} ({span(quality)})",
    )
