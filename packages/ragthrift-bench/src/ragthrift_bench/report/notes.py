"""How to read a report, and how its numbers came about; the same text in every format."""

from ragthrift.page.numbers import money, plain
from ragthrift_bench.report.numbers import metric_name
from ragthrift_bench.results import Results

Note = tuple[str, str]
"""A term and its explanation."""


def how_to_read(results: Results) -> list[Note]:
    """The columns and the verdicts, explained."""
    return [
        (
            "Net dollars",
            "What the provider would have billed for every call, and what the lever's own models "
            "cost. Fewer tokens are not always fewer dollars: a changed prompt can miss the cache.",
        ),
        (
            "Points",
            f"Hundredths of {metric_name(results.metric)}. Every difference is paired: the same "
            "question, under the configuration and under the baseline.",
        ),
        (
            "95 % interval",
            "Where the true mean difference lies, as far as this many questions can tell "
            "(BCa bootstrap). The change in dollars is taken against the baseline's mean.",
        ),
        (
            "One-sided bound",
            "With 95 % confidence the true difference in quality is no worse than this.",
        ),
        *_verdicts(plain(100 * results.margin)),
        (
            "p (Holm)",
            "How surprising the changes in exact match would be if nothing had changed (McNemar's "
            "exact test), corrected for having tried several configurations.",
        ),
        (
            "Smallest loss found",
            "A true loss of this size would be noticed four times in five (80 % power, one-sided "
            "5 % test). Smaller ones can hide.",
        ),
    ]


def _verdicts(margin: str) -> list[Note]:
    return [
        ("Saves, non-inferior", f"Cheaper, and the one-sided bound is above {margin} points lost."),
        ("Saves, inferior", f"Worse beyond chance, and on average by more than {margin} points."),
        ("Costs more", "The whole interval of the change in dollars is above zero."),
        ("Inconclusive", "Everything else: ask more questions before deciding."),
    ]


def method(results: Results) -> list[Note]:
    """Everything needed to repeat the run."""
    questions = len(results.baseline.rows)
    clusters = {row.cluster for row in results.baseline.rows if row.cluster is not None}
    notes = [
        ("Questions", f"{questions:,} of {results.cases} (hash {results.cases_hash})"),
        ("Answered by", results.answered_by),
        ("Prices", f"{results.model} on {results.price_date}"),
        ("Prompt caching", _caching(results)),
        *_machine_price(results.machine_price),
        ("Verdicts speak of", f"{metric_name(results.metric)}, margin {_margin(results)}"),
        ("Seed", str(results.seed)),
    ]
    if clusters:
        notes.append(("Clusters", f"{len(clusters):,} source documents, resampled whole"))
    notes += [(f"Version of {name}", text) for name, text in sorted(results.versions.items())]
    notes += [(f"Machine: {name}", text) for name, text in sorted(results.machine.items())]
    return notes


def _caching(results: Results) -> str:
    if results.caching == "none":
        return "not simulated"
    if results.caching == "reported":
        return "as the provider itself counted it"
    apart = f"one question every {plain(results.seconds_apart)} seconds"
    return f"simulated by the rules {results.caching}, {apart}"


def _machine_price(dollars_an_hour: float) -> list[Note]:
    if not dollars_an_hour:
        return []
    price = money(dollars_an_hour, 2)
    return [("The levers' computing", f"{price} for each hour that they kept this machine busy")]


def _margin(results: Results) -> str:
    return f"{plain(100 * results.margin)} points, set before the run"
