"""Ranking quality against graded judgements, as trec_eval defines it.

Judgements are grades by id; above 0 is relevant. Of a case: `dict.fromkeys(case.gold_ids, 1)`.
"""

import math
from collections.abc import Mapping, Sequence

from ragthrift import InputError


def ndcg(ranked_ids: Sequence[str], grades: Mapping[str, int], k: int = 10) -> float:
    """nDCG@k with linear gains, as trec_eval's `ndcg_cut`; 0 where nothing is relevant.

    >>> round(ndcg(["b", "a"], {"a": 3, "b": 0}, k=2), 4)
    0.6309
    """
    _check_depth(k)
    ideal = _dcg(sorted(grades.values(), reverse=True)[:k])
    return _dcg([grades.get(document, 0) for document in ranked_ids[:k]]) / ideal if ideal else 0.0


def recall_at_k(ranked_ids: Sequence[str], grades: Mapping[str, int], k: int = 10) -> float:
    """The share of what is relevant that stands among the first k; 0 where nothing is relevant.

    >>> recall_at_k(["b", "a", "c"], {"a": 1, "c": 2, "d": 0}, k=2)
    0.5
    """
    _check_depth(k)
    relevant = _relevant(grades)
    return len(relevant & set(ranked_ids[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked_ids: Sequence[str], grades: Mapping[str, int]) -> float:
    """One over the rank of the first relevant id, 0 where none is found; its mean is MRR.

    >>> reciprocal_rank(["b", "a"], {"a": 1})
    0.5
    """
    relevant = _relevant(grades)
    ranks = (rank for rank, name in enumerate(ranked_ids, start=1) if name in relevant)
    return 1 / next(ranks, math.inf)


def _relevant(grades: Mapping[str, int]) -> set[str]:
    return {name for name, grade in grades.items() if grade > 0}


def _dcg(gains: Sequence[int]) -> float:
    """A negative grade, as TREC gives to spam, gains nothing."""
    return sum(max(gain, 0) / math.log2(rank + 2) for rank, gain in enumerate(gains))


def _check_depth(k: int) -> None:
    if k < 1:
        raise InputError(f"k={k} must be at least 1")
