"""The findings as text that pastes well into an issue."""

import re

from ragthrift.audit.projection import Projection
from ragthrift.audit.report import Audit
from ragthrift.audit.reports import words
from ragthrift.audit.reports.tables import lever_table, sections, step_table
from ragthrift.page.tables import Cell, Table


def markdown(audit: Audit) -> str:
    """The whole report."""
    parts = [
        f"# {escaped(words.headline(audit))}",
        escaped(words.facts(audit)),
        *(f"> {escaped(warning)}" for warning in words.warnings(audit)),
    ]
    if audit.plan.steps:
        parts += ["## Do this first", _table(step_table(audit)), escaped(words.together(audit))]
    if audit.plan.projections:
        parts += ["## Each lever", _table(lever_table(audit))]
        parts.append("\n".join(_lever(found) for found in audit.plan.projections))
    for title, table, aside in sections(audit):
        parts += [f"## {title}", f"{escaped(table.caption)}.", _table(table), escaped(aside)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _lever(found: Projection) -> str:
    code = found.code.replace("`", "'")
    return (
        f"- **{escaped(found.lever)}**: {escaped(found.title)}, `{code}`. "
        f"Assumes: {escaped(found.assumes)}. Risk {found.risk}: {escaped(found.caution)}."
    )


def _table(table: Table) -> str:
    rules = ["---:" if column in table.numeric else "---" for column in range(len(table.heads))]
    rows = [table.heads, rules, *([_cell(cell) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _cell(cell: Cell) -> str:
    return escaped(f"{cell.text} ({cell.small})" if cell.small else cell.text)


def escaped(text: str) -> str:
    r"""Foreign text on one line, with nothing in it that Markdown or HTML would act on.

    >>> escaped("a|b <script> *x*")
    'a\\|b &lt;script&gt; \\*x\\*'
    """
    line = " ".join(text.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", line)
