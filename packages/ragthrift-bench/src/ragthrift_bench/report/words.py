"""The findings in plain words, for a reader who will not read the tables."""

from collections.abc import Sequence
from math import ceil, isfinite

from ragthrift.page.numbers import money, money_decimals, percent, plain, points
from ragthrift_bench.report.ablation import Ablation
from ragthrift_bench.report.lines import Line
from ragthrift_bench.report.numbers import span
from ragthrift_bench.results import Results

FEW = 30
"""Fewer questions than this make bootstrap intervals too narrow (they resample what they have)."""
LONGEST_TEXT = 700
"""Characters of a question or an answer that are shown."""


def dollars_in_words(line: Line) -> str:
    """What happened to the bill: `71 % fewer dollars`."""
    return " ".join(part for part in change_in_words(line) if part)


def change_in_words(line: Line) -> tuple[str, str]:
    """The same in two parts, of which the first is the figure."""
    if line.change is None:
        return money(line.dollars, money_decimals(line.dollars)), "per 1,000 questions"
    size = abs(100 * line.change.mean)
    if size < 0.05:
        return "0 %", "change in dollars"
    decimals = 0 if 10 <= size < 99 else 1
    direction = "fewer" if line.change.mean < 0 else "more"
    return f"{plain(size, decimals)} %", f"{direction} dollars"


def quality_in_words(line: Line) -> str:
    """What happened to the answers: `quality −0.4 points (95 % −2.1 to +1.2)`."""
    return " ".join(part for part in points_in_words(line) if part)


def points_in_words(line: Line) -> tuple[str, str]:
    """The same in two parts, of which the second is the interval."""
    if line.comparison is None:
        return "", ""
    change = line.comparison.quality
    return f"quality {points(change.mean)} points", f"(95 % {span(change)})"


def card(line: Line) -> str:
    """One configuration in a sentence."""
    verdict = line.comparison.verdict if line.comparison else ""
    return f"{dollars_in_words(line)}, {quality_in_words(line)}: {verdict}"


def facts(results: Results) -> str:
    """What was asked, who answered, and whose prices were taken."""
    count = len(results.baseline.rows)
    caching = "none" if results.caching == "none" else f"{results.caching} rules, simulated"
    return (
        f"{count:,} {'question' if count == 1 else 'questions'} of {results.cases} "
        f"(hash {results.cases_hash}), seed {results.seed}. Answered by {results.answered_by}. "
        f"Prices of {results.model} on {results.price_date}. Prompt caching: {caching}."
    )


def asked(count: int) -> str:
    """The title over what a run can tell."""
    return "What one question can tell" if count == 1 else f"What {count:,} questions can tell"


def regressions_title(count: int) -> str:
    """The title over the worst regressions."""
    if not count:
        return "No answer got worse"
    return "The worst regression" if count == 1 else f"The {count} worst regressions"


def overlap(levers: Ablation) -> str | None:
    """Whether the levers save the same tokens twice."""
    if levers.together is None or levers.summed is None or levers.together.change is None:
        return None
    apart, together = -levers.summed, levers.together.change.mean
    return (
        f"By themselves the levers change the bill by {percent(apart)} added up; all together "
        f"change it by {percent(together)}. {_interaction(apart - together)}"
    )


def _interaction(surplus: float) -> str:
    if abs(surplus) < 0.0005:
        return "Each saves what the others leave alone."
    size = plain(100 * abs(surplus))
    if surplus < 0:
        return f"The difference of {size} % of the baseline is what several of them save at once."
    return f"Together they save {size} % of the baseline more than apart."


def headline(found: Sequence[Line]) -> str:
    """The one sentence to remember."""
    line = best(found)
    if line is None:
        return "Only the baseline was measured"
    verdict = line.comparison.verdict if line.comparison else None
    if verdict not in ("saves, non-inferior", "inconclusive"):
        return "Nothing tried here saves dollars and holds quality"
    if line.questions < FEW:
        quality = "too few questions to judge quality"
    else:
        quality = "quality held" if verdict == "saves, non-inferior" else "quality not yet proven"
    return f"{line.name}: {dollars_in_words(line)}, {quality}"


def best(found: Sequence[Line]) -> Line | None:
    """The cheapest configuration with the best kind of verdict that was reached."""
    compared = [line for line in found if line.comparison]
    for verdict in ("saves, non-inferior", "inconclusive"):
        reached = [
            line for line in compared if line.comparison and line.comparison.verdict == verdict
        ]
        if reached:
            return min(reached, key=lambda line: line.dollars)
    return min(compared, key=lambda line: line.dollars, default=None)


def warnings(found: Sequence[Line]) -> list[str]:
    """What to keep in mind before believing any of it."""
    failures = [
        f"{line.name}: {line.failed} of {line.questions} questions ended in an error."
        for line in found
        if line.failed
    ]
    count = found[0].questions
    if count >= FEW:
        return failures
    asked = "One question was" if count == 1 else f"Only {count} questions were"
    few = (
        f"{asked} asked. Intervals from so few are narrower than the truth: "
        "take this as a rehearsal, not as a result."
    )
    return [few, *failures]


def questions_needed(line: Line, margin: float) -> int | None:
    """About how many questions would resolve the margin, `None` where nothing can be said.

    Follows from the square-root law, for a configuration that truly loses nothing.
    """
    loss = line.comparison.resolvable if line.comparison else 0.0
    if not loss or not isfinite(loss):
        return None
    return ceil(line.questions * (loss / margin) ** 2) if margin else None


def shortened(text: str) -> str:
    """The beginning of a long text; what is missing is said."""
    if len(text) <= LONGEST_TEXT:
        return text
    missing = len(text) - LONGEST_TEXT
    return f"{text[:LONGEST_TEXT].rstrip()} … ({missing:,} more characters in results.json)"
