"""`report.md`: the findings as text that diffs and pastes well."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ragthrift.page.numbers import money_decimals, points
from ragthrift.page.tables import Cell, Table
from ragthrift_bench.report import notes, words
from ragthrift_bench.report.ablation import ablation
from ragthrift_bench.report.lines import Line, lines
from ragthrift_bench.report.regressions import Regression, worst_regressions
from ragthrift_bench.report.tables import (
    ablation_table,
    billing_table,
    metrics_table,
    resolution_table,
    verdict_table,
)
from ragthrift_bench.results import Results


def write_markdown(results: Results, path: Path) -> None:
    """Write `report.md`; equal results make equal bytes.

    Raises InputError when there is nothing to report.
    """
    path.write_text(markdown(results), encoding="utf-8", newline="\n")


def markdown(results: Results) -> str:
    """The report as text."""
    found = lines(results)
    levers = ablation(found)
    count = len(results.baseline.rows)
    sections = [
        _top(results, found),
        _section("Dollars beside quality", verdict_table(results, found)),
        _section(words.asked(count), resolution_table(results, found)),
        _section("Each lever", ablation_table(levers, money_decimals(found[0].dollars))),
        escaped(words.overlap(levers) or ""),
        _section("What was billed", billing_table(found)),
        _section("Every metric", metrics_table(results)),
        _regressions(results),
        "## How to read this\n\n" + _definitions(notes.how_to_read(results)),
        "## Method\n\n" + _definitions(notes.method(results)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _top(results: Results, found: Sequence[Line]) -> str:
    warnings = words.warnings(found)
    paragraphs = [
        f"# {escaped(words.headline(found))}",
        escaped(words.facts(results)),
        *(f"> {escaped(warning)}" for warning in warnings),
        "\n".join(_card(line) for line in found if line.comparison),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _card(line: Line) -> str:
    return f"- **{escaped(line.name)}**: {words.card(line)}"


def _section(title: str, table: Table) -> str:
    if not table.rows:
        return ""
    return f"## {title}\n\n{table.caption}.\n\n{_table(table)}"


def _table(table: Table) -> str:
    rules = ["---:" if column in table.numeric else "---" for column in range(len(table.heads))]
    rows = [table.heads, rules, *([_cell(cell) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _cell(cell: Cell) -> str:
    return escaped(f"{cell.text} ({cell.small})" if cell.small else cell.text)


def _regressions(results: Results) -> str:
    worst = worst_regressions(results)
    told = [_regression(number, one) for number, one in enumerate(worst, 1)]
    return "\n\n".join([f"## {words.regressions_title(len(worst))}", *told])


def _regression(number: int, one: Regression) -> str:
    others = f"; also worse: {', '.join(map(escaped, one.others))}" if one.others else ""
    expected = [f"    - Expected: {escaped(' or '.join(one.expected))}"] if one.expected else []
    parts = [
        f"{number}. **{escaped(one.question)}**",
        *expected,
        f"    - Baseline: {escaped(one.baseline.answer) or '(nothing)'}",
        f"    - {escaped(one.configuration)} ({points(one.drop)} points): "
        f"{escaped(one.answered.answer) or '(nothing)'}{others}",
    ]
    return "\n".join(parts)


def _definitions(terms: Iterable[notes.Note]) -> str:
    return "\n".join(f"- **{escaped(term)}**: {escaped(text)}" for term, text in terms)


def escaped(text: str) -> str:
    r"""Foreign text on one line, with nothing in it that Markdown or HTML would act on.

    >>> escaped("a|b <script> *x*")
    'a\\|b &lt;script&gt; \\*x\\*'
    """
    line = words.shortened(" ".join(text.split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", line)
