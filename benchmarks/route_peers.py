"""Other ways to choose between two models, on the same splits."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.route_sets import Outcomes, Places

Scores = Callable[[int], float]
"""Row to score: the higher, the sooner the strong model is asked."""
_NEIGHBOURS = 100
_GROUP_EVIDENCE = 10


@dataclass(frozen=True)
class Split:
    """What may be learnt from, and what is judged."""

    outcomes: Outcomes
    learnt: Places
    judged: Places
    seed: int
    vectors: str = ""


def random_order(split: Split) -> Scores:
    """No router: .5 but for chance."""
    order = np.random.default_rng(split.seed).random(len(split.outcomes))
    return lambda at: float(order[at])


def length(split: Split) -> Scores:
    """The longer, the harder."""
    return lambda at: float(len(split.outcomes.prompts[at]))


def column(name: str) -> Callable[[Split], Scores | None]:
    """Scores that stand in the file."""

    def scores(split: Split) -> Scores | None:
        held = split.outcomes.columns.get(name)
        return None if held is None else lambda at: float(held[at])

    return scores


def group_mean(split: Split) -> Scores | None:
    """The mean gain of the question's domain, which no router is told outside a benchmark."""
    groups = split.outcomes.columns.get("domain") or split.outcomes.columns.get("task")
    if groups is None:
        return None
    gains = _gains(split)
    mean, seen = float(gains.mean()), dict[str, list[float]]()
    for at, gain in zip(split.learnt, gains, strict=True):
        seen.setdefault(groups[at], []).append(float(gain))
    worth = {
        name: (sum(all_) + _GROUP_EVIDENCE * mean) / (len(all_) + _GROUP_EVIDENCE)
        for name, all_ in seen.items()
    }
    return lambda at: worth.get(groups[at], mean)


def knn(split: Split) -> Scores:
    """The mean gain of the nearest prompts learnt from, by MiniLM; vectors are made beforehand."""
    from benchmarks.cache_sets import vectors_of

    known = vectors_of(split.outcomes.prompts, split.vectors)
    at_all = np.stack([known[prompt] for prompt in split.outcomes.prompts])
    learnt, gains = at_all[split.learnt], _gains(split)
    count = min(_NEIGHBOURS, len(gains))

    def score(at: int) -> float:
        nearest = np.argpartition(-(learnt @ at_all[at]), count - 1)[:count]
        return float(gains[nearest].mean())

    return score


def _gains(split: Split) -> NDArray[np.float64]:
    weak, strong = split.outcomes.qualities[split.learnt].T
    return np.asarray(strong - weak)


PEERS: dict[str, Callable[[Split], Scores | None]] = {
    "random": random_order,
    "length": length,
    "litellm_heuristic": column("litellm_1_109_1_heuristic"),
    "litellm_heuristic_v2": column("litellm_1_109_1_heuristic_v2"),
    "domain_mean": group_mean,
    "knn_minilm": knn,
}
