"""Numbers that only a benchmark's report has."""

from ragthrift.page.numbers import NOTHING, points
from ragthrift_bench.intervals import Interval


def span(interval: Interval) -> str:
    """The two ends of an interval of shares, in hundredths.

    >>> span(Interval(-0.004, -0.021, 0.012))
    '−2.1 to +1.2'
    """
    return f"{points(interval.low)} to {points(interval.high)}"


def probability(p_value: float | None) -> str:
    """A p-value.

    >>> probability(0.0004), probability(0.25), probability(None)
    ('< 0.001', '0.250', '—')
    """
    if p_value is None:
        return NOTHING
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


_METRICS = {
    "token_f1": "token F1",
    "rouge_l": "ROUGE-L",
    "answer_kept": "answer in the prompt",
    "gold_kept": "gold passages in the prompt",
    "supports_kept": "supporting sentences in the prompt",
    "judged": "preferred by the judge",
    "mrr": "MRR",
}


def metric_name(metric: str) -> str:
    """A metric's name in prose.

    >>> metric_name("token_f1"), metric_name("exact_match"), metric_name("ndcg@10")
    ('token F1', 'exact match', 'nDCG@10')
    """
    known = _METRICS.get(metric)
    return known or metric.replace("_", " ").replace("ndcg", "nDCG")
