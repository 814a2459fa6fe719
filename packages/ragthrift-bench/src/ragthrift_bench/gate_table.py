"""Two runs side by side, in the terminal."""

from collections.abc import Sequence

from rich.table import Table

from ragthrift_bench.gate import Change
from ragthrift_bench.report.numbers import money, money_decimals, percent, plain, points, span


def changes_table(found: Sequence[Change]) -> Table:
    """A row for each configuration, then and now."""
    table = Table("configuration", title="Then and now", title_justify="left")
    for head in ("prompt tokens", "$ / 1,000", "change", "quality", "points (95 %)"):
        table.add_column(head, justify="right", no_wrap=True)
    for change in found:
        table.add_row(change.name, *_cells(change))
    return table


def _cells(change: Change) -> tuple[str, ...]:
    decimals = money_decimals(max(change.dollars))
    quality = change.comparison.quality
    return (
        " → ".join(plain(count, 0) for count in change.tokens),
        " → ".join(money(amount, decimals) for amount in change.dollars),
        percent(change.dearer),
        " → ".join(plain(100 * value) for value in change.quality),
        f"{points(quality.mean)} ({span(quality)})",
    )
