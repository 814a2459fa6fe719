"""The README's table, made from committed results: `python -m benchmarks.readme`."""

import re
from pathlib import Path

from ragthrift.page.numbers import money, percent, plain, points
from ragthrift_bench.report.numbers import span
from ragthrift_bench.results import Outcome, Results

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/results/suite/results.json"
_TABLE = re.compile(r"(<!-- table: [^>]*-->\n).*?(<!-- end of table -->)", re.DOTALL)
_HEADS = (
    "configuration",
    "prompt tokens",
    "dollars for 1,000 questions",
    "gold passages in the prompt",
    "answers, token F1",
    "verdict",
)


def table(found: Results) -> str:
    """Savings beside quality, in Markdown."""
    count = len(found.baseline.rows)
    rows = [_row(outcome, found) for outcome in found.outcomes]
    lines = [f"| {' | '.join(cells)} |" for cells in (_HEADS, _rules(), *rows)]
    note = (
        f"\nMeasured by `ragthrift bench run`: {count} questions of the demo set, 10 passages "
        f"retrieved for each, 95 % intervals of the paired difference, {found.model}'s prices of "
        f"{found.price_date}. {found.answered_by}, answers: a tiny base model, often wrong, before "
        "and after. The [whole report](benchmarks/results/suite/report.md) has every metric and "
        "the worst losses."
    )
    return "\n".join([*lines, note]) + "\n"


def _rules() -> tuple[str, ...]:
    return ("---", *["---:"] * (len(_HEADS) - 2), "---")


def _row(outcome: Outcome, found: Results) -> tuple[str, ...]:
    count = len(outcome.rows)
    spent = found.baseline.dollars / count
    dollars, quality = money(1000 * outcome.dollars / count, 3), plain(outcome.mean("token_f1"), 2)
    verdict = ""
    if found_change := outcome.comparison:
        dollars += f" ({percent(found_change.dollars.mean / spent)})"
        difference = found_change.quality
        quality += f" ({points(difference.mean)} points, {span(difference)})"
        verdict = found_change.verdict
    return (
        outcome.name,
        plain(outcome.usage.input_tokens / count, 0),
        dollars,
        f"{outcome.mean('gold_kept'):.0%}",
        quality,
        verdict,
    )


def with_table(readme: str, found: Results) -> str:
    """The README with its table replaced."""
    return _TABLE.sub(lambda match: match[1] + table(found) + match[2], readme)


def main() -> None:
    """Write the README's table."""
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(), Results.read(RESULTS)))


if __name__ == "__main__":
    main()
