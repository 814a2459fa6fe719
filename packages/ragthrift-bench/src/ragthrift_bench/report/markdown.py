"""`report.md`: the findings as text that diffs and pastes well."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ragthrift_bench.report import notes, words
from ragthrift_bench.report.ablation import Ablation, Part, ablation
from ragthrift_bench.report.lines import Line, Tokens, lines, metrics
from ragthrift_bench.report.numbers import (
    NOTHING,
    metric_name,
    money,
    money_decimals,
    percent,
    plain,
    points,
    probability,
    signed,
    span,
)
from ragthrift_bench.report.regressions import Regression, worst_regressions
from ragthrift_bench.results import Results

LONGEST_TEXT = 700
"""Characters of a question or an answer that are shown."""


def write_markdown(results: Results, path: Path) -> None:
    """Write `report.md`; equal results make equal bytes."""
    path.write_text(markdown(results), encoding="utf-8", newline="\n")


def markdown(results: Results) -> str:
    """The report as text."""
    found = lines(results)
    sections = [
        _top(results, found),
        _verdicts(results, found),
        _resolution(results, found),
        _ablation(ablation(found), money_decimals(found[0].dollars)),
        _metrics(results),
        _regressions(results),
        "## How to read this\n\n" + _definitions(notes.how_to_read(results)),
        "## Method\n\n" + _definitions(notes.method(results)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _top(results: Results, found: Sequence[Line]) -> str:
    facts = (
        f"{len(results.baseline.rows):,} questions of {escaped(results.cases)} "
        f"(hash `{results.cases_hash}`, seed {results.seed}), "
        f"answered by {escaped(results.answered_by)}. "
        f"Prices: {escaped(results.model)} on {results.price_date}; "
        f"caching rules: {escaped(results.caching)}."
    )
    warnings = [f"> {escaped(text)}" for text in (words.caution(found), *words.failures(found)) if text]
    cards = [_card(line) for line in found if line.comparison]
    paragraphs = [f"# {escaped(words.headline(found))}", facts, *warnings, "\n".join(cards)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _card(line: Line) -> str:
    comparison = line.comparison
    if comparison is None:
        return ""
    said = f"{words.dollars_in_words(line)}, {words.quality_in_words(comparison)}"
    return f"- **{escaped(line.name)}**: {said}: {comparison.verdict}"


def _verdicts(results: Results, found: Sequence[Line]) -> str:
    metric = metric_name(results.metric)
    heads = (
        "Configuration",
        "Net $ / 1,000 questions",
        "Change (95 %)",
        "Tokens a question: fresh / cache read / cache write / output",
        f"Mean {metric}",
        "Difference, points (95 %)",
        "One-sided bound",
        "Verdict",
        "p (Holm)",
    )
    decimals = money_decimals(found[0].dollars)
    rows = [_verdict_row(line, decimals) for line in found]
    return f"## Dollars beside quality\n\n{table(heads, rows, numeric=range(1, 7))}"


def _verdict_row(line: Line, decimals: int) -> list[str]:
    change, comparison = line.change, line.comparison
    return [
        escaped(line.name),
        money(line.dollars, decimals),
        f"{percent(change.mean)} ({span(change)})" if change else NOTHING,
        _tokens(line.tokens),
        plain(100 * line.quality),
        f"{points(comparison.quality.mean)} ({span(comparison.quality)})" if comparison else NOTHING,
        points(comparison.quality_bound) if comparison else NOTHING,
        comparison.verdict if comparison else "baseline",
        probability(line.p_value).replace("<", "&lt;"),
    ]


def _tokens(tokens: Tokens) -> str:
    classes = (tokens.fresh, tokens.cache_read, tokens.cache_write, tokens.output)
    return " / ".join(plain(count, 0) for count in classes)


def _resolution(results: Results, found: Sequence[Line]) -> str:
    compared = [line for line in found if line.comparison]
    if not compared:
        return ""
    told = [f"- {escaped(line.name)}: {words.resolution(line, results.margin)}" for line in compared]
    return f"## What {len(results.baseline.rows):,} questions can tell\n\n" + "\n".join(told)


def _ablation(found: Ablation, decimals: int) -> str:
    if not found.parts:
        return ""
    heads = (
        "Lever",
        "By itself: dollars",
        "By itself: points",
        "All but it: dollars",
        "All but it: points",
        "Takes off the others' bill / 1,000",
        "Changes the others' quality, points",
    )
    rows = [_part_row(part, decimals) for part in found.parts]
    if found.together:
        name = f"**all together** ({escaped(found.together.name)})"
        rows.append([name, *_pair(found.together), *[NOTHING] * 4])
    return f"## Each lever\n\n{table(heads, rows, numeric=range(1, 7))}"


def _part_row(part: Part, decimals: int) -> list[str]:
    return [
        escaped(part.lever),
        *_pair(part.alone),
        *_pair(part.without),
        money(part.adds_dollars, decimals) if part.adds_dollars is not None else NOTHING,
        points(part.adds_quality) if part.adds_quality is not None else NOTHING,
    ]


def _pair(line: Line | None) -> list[str]:
    if line is None or line.comparison is None:
        return [NOTHING, NOTHING]
    change = percent(line.change.mean) if line.change else NOTHING
    return [change, points(line.comparison.quality.mean)]


def _metrics(results: Results) -> str:
    names = metrics(results)
    heads = ("Configuration", *(metric_name(name) for name in names))
    rows = [
        [escaped(outcome.name), *(plain(100 * outcome.mean(name)) for name in names)]
        for outcome in results.outcomes
    ]
    return f"## Every metric, means × 100\n\n{table(heads, rows, numeric=range(1, len(heads)))}"


def _regressions(results: Results) -> str:
    worst = worst_regressions(results)
    if not worst:
        return "## Worst regressions\n\nNo answer got worse."
    told = [_regression(number, one) for number, one in enumerate(worst, 1)]
    title = "Worst regression" if len(worst) == 1 else f"{len(worst)} worst regressions"
    return f"## {title}\n\n" + "\n\n".join(told)


def _regression(number: int, one: Regression) -> str:
    drop = f"{signed(100 * one.drop)} points under **{escaped(one.configuration)}**"
    others = f"; also lost by {', '.join(map(escaped, one.others))}" if one.others else ""
    expected = [f"    - Expected: {escaped(' or '.join(one.expected))}"] if one.expected else []
    parts = [
        f"{number}. **{escaped(one.question)}** {drop}{others}",
        *expected,
        f"    - Baseline: {escaped(one.baseline.answer) or '(nothing)'}",
        f"    - {escaped(one.configuration)}: {escaped(one.answered.answer) or '(nothing)'}",
    ]
    return "\n".join(parts)


def _definitions(terms: Iterable[notes.Note]) -> str:
    return "\n".join(f"- **{escaped(term)}**: {escaped(text)}" for term, text in terms)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numeric: range) -> str:
    """A Markdown table; `numeric` columns are set to the right."""
    rules = ["---:" if column in numeric else "---" for column in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows))


def escaped(text: str) -> str:
    r"""Foreign text on one line, with nothing in it that Markdown or HTML would act on.

    >>> escaped("a|b <script> *x*")
    'a\\|b &lt;script&gt; \\*x\\*'
    """
    line = shortened(" ".join(text.split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", line)


def shortened(text: str) -> str:
    """The beginning of a long text; what is missing is said."""
    if len(text) <= LONGEST_TEXT:
        return text
    missing = len(text) - LONGEST_TEXT
    return f"{text[:LONGEST_TEXT].rstrip()} … ({missing:,} more characters in results.json)"
