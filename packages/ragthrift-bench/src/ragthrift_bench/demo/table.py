"""The demo's table: before and after, in both frameworks."""

from collections.abc import Mapping

from rich.table import Table

from ragthrift_bench.demo.measure import Summary

BeforeAfter = tuple[Summary, Summary]

_ROWS = (
    ("prompt tokens", "prompt_tokens", "{:,.0f}"),
    ("dollars for 1,000", "dollars_per_1000", "${:.3f}"),
    ("gold passage in prompt", "kept_gold", "{:.0%}"),
    ("answer contains gold", "contains", "{:.0%}"),
    ("answer equals gold", "exact_match", "{:.0%}"),
    ("answer, token F1", "token_f1", "{:.2f}"),
    ("seconds", "seconds", "{:.1f}"),
)
_COSTS = {"prompt_tokens", "dollars_per_1000", "seconds"}


def comparison_table(results: Mapping[str, BeforeAfter], title: str) -> Table:
    """One row a number, one column a framework: before, after and the change."""
    table = Table(title=title, title_justify="left", min_width=78)
    table.add_column("")
    for framework in results:
        table.add_column(framework, justify="right", no_wrap=True)
    for label, field, form in _ROWS:
        table.add_row(label, *(_cell(sides, field, form) for sides in results.values()))
    return table


def _cell(sides: BeforeAfter, field: str, form: str) -> str:
    before, after = (float(getattr(summary, field)) for summary in sides)
    if field in _COSTS:
        change = f"{(after - before) / before:+.0%}" if before else ""
    elif "%" in form:
        change = f"{(after - before) * 100:+.0f} pt"
    else:
        change = f"{after - before:+.2f}"
    return f"{form.format(before)} → {form.format(after)}  [bold]{change:>6}[/bold]"
