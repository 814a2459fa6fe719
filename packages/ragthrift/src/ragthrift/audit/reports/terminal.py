"""The findings in a terminal."""

from typing import TYPE_CHECKING

from ragthrift.audit.report import Audit
from ragthrift.audit.reports import words
from ragthrift.audit.reports.tables import lever_table, sections, step_table
from ragthrift.errors import missing_extra
from ragthrift.page.tables import Table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable


def show(audit: Audit, console: "Console | None" = None) -> None:
    """Print the report."""
    try:
        from rich.console import Console
        from rich.markup import escape
    except ImportError as error:
        missing_extra("audit", "rich", error)
    paper = console or Console()
    paper.print(f"[bold]{escape(words.headline(audit))}[/]")
    paper.print(escape(words.facts(audit)), highlight=False)
    for warning in words.warnings(audit):
        paper.print(f"[yellow]{escape(warning)}[/]")
    for title, table, aside in sections(audit):
        paper.print()
        paper.print(_rich(title, table))
        if aside:
            paper.print(escape(aside), highlight=False)
    if audit.plan.projections:
        paper.print()
        paper.print(_rich("What each lever would save", lever_table(audit)))
        for found in audit.plan.projections:
            paper.print(f"[bold]{escape(found.lever)}[/]: {escape(found.title)}", highlight=False)
            paper.print(f"  [cyan]{escape(found.code)}[/]", highlight=False)
            paper.print(f"  assumes {escape(found.assumes)}", style="dim", highlight=False)
            paper.print(f"  {escape(found.caution)}", style="dim", highlight=False)
    if audit.plan.steps:
        paper.print()
        paper.print(_rich("Do this first", step_table(audit)))
        paper.print(escape(words.together(audit)), highlight=False)


def _rich(title: str, content: Table) -> "RichTable":
    from rich.markup import escape
    from rich.table import Table as RichTable

    table = RichTable(
        title=escape(title), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for column, head in enumerate(content.heads):
        numeric = column in content.numeric
        table.add_column(escape(head), justify="right" if numeric else "left", header_style="dim")
    for row in content.rows:
        cells = [
            escape(cell.text) + (f"\n[dim]{escape(cell.small)}[/]" if cell.small else "")
            for cell in row
        ]
        table.add_row(*cells)
    return table
