"""Ranking quality against graded judgements."""

import math
from collections.abc import Mapping, Sequence


def ndcg(ranked_ids: Sequence[str], grades: Mapping[str, int], k: int = 10) -> float:
    """nDCG@k with linear gains, as trec_eval's `ndcg_cut`; 0 where nothing is relevant.

    >>> ndcg(["b", "a"], {"a": 3, "b": 0}, k=2)
    0.6309297535714575
    """
    ideal = _dcg(sorted(grades.values(), reverse=True)[:k])
    return _dcg([grades.get(document, 0) for document in ranked_ids[:k]]) / ideal if ideal else 0.0


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))
