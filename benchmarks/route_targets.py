"""How near a router comes to its target: a budget or a quality, at rest and when traffic shifts."""

from argparse import Namespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.route_sets import Outcomes, Places, splits
from benchmarks.shared import say
from ragthrift.route.ask import Ask
from ragthrift.route.choice import choose, choose_each
from ragthrift.route.controller import Controller
from ragthrift.route.learned import LearnedQuality
from ragthrift.route.targets import Budget, Quality, Rate, expected_unseen, rate_of

Floats = NDArray[np.float64]
SHARES = (0.1, 0.3, 0.5)
QUALITIES = (0.95, 0.98)
COSTS = (0.0, 1.0)
"""Of the weak and the strong model: shares of calls are counted, not dollars."""


def ask_targets(outcomes: Outcomes, then: Outcomes | None, chosen: Namespace) -> dict[str, Any]:
    """Errors in points: of budgets the distance, of qualities also what is short of the target."""
    rows: list[dict[str, float]] = []
    for seed in range(chosen.seed, chosen.seed + chosen.runs):
        learnt, judged = next(splits(outcomes, chosen.labels, seed, chosen.folds))
        rows.append(_run(outcomes, then, learnt, judged, seed))
        say(chosen.json, f"seed {seed}: {rows[-1]}")
    means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    return {key: round(value, 4) for key, value in means.items()} | {
        "budget_error": _worst(means, "budget"),
        "static_budget_error": _worst(means, "static"),
        "quality_short": _worst(means, "short"),
        "quality_error": _worst(means, "distance"),
    }


def _run(
    outcomes: Outcomes, then: Outcomes | None, learnt: Places, judged: Places, seed: int
) -> dict[str, float]:
    seen = outcomes.taken(learnt)
    unseen = expected_unseen(seen, LearnedQuality(), outcomes.tiers)
    model = LearnedQuality().fit(seen)
    order = np.random.default_rng(seed).permutation(judged)
    asked = [_expected(model, outcomes, order)]
    if then is not None:
        asked.append(_expected(model, then, np.random.default_rng(seed).permutation(len(then))))
    told: dict[str, float] = {}
    for share in SHARES:
        rate = _rate(Budget(share=share), unseen, outcomes.qualities[learnt])
        told |= _held(share, rate, asked)
    for wanted in QUALITIES:
        rate = _rate(Quality(wanted), unseen, outcomes.qualities[learnt])
        reached = _quality(rate, asked[0], outcomes.qualities[order])
        told[f"short_{wanted}"] = max(wanted - reached, 0.0) * 100
        told[f"distance_{wanted}"] = abs(wanted - reached) * 100
        told[f"strong_share_{wanted}"] = float(_choices(asked[0], rate).mean())
    return told


def _rate(target: Budget | Quality, unseen: Floats, qualities: Floats) -> Rate:
    return rate_of(target, unseen, qualities, np.broadcast_to(COSTS, unseen.shape).copy())


def _expected(model: LearnedQuality, outcomes: Outcomes, order: Places) -> Floats:
    asks = [Ask(outcomes.prompts[at]) for at in order]
    return np.array([model.expected(ask, outcomes.tiers) for ask in asks])


def _held(share: float, rate: Rate, asked: list[Floats]) -> dict[str, float]:
    """Points off the budget in each part of the stream, by a fixed rate and by the controller."""
    controller, told = Controller(Budget(share=share), rate), dict[str, float]()
    for part, expected in zip(("", "_then"), asked, strict=False):
        strong = 0
        for qualities in expected:
            cheapest = controller.exhausted()
            at = 0 if cheapest else choose(qualities, COSTS, controller.rate(COSTS))
            controller.spent(COSTS[at], qualities=tuple(qualities), costs=COSTS)
            strong += at
        fixed = float(_choices(expected, rate).mean())
        told[f"static{part}_{share}"] = abs(fixed - share) * 100
        told[f"budget{part}_{share}"] = abs(strong / len(expected) - share) * 100
    return told


def _choices(expected: Floats, rate: Rate) -> NDArray[np.intp]:
    return choose_each(expected, np.broadcast_to(COSTS, expected.shape), rate.per_dollar)


def _quality(rate: Rate, expected: Floats, qualities: Floats) -> float:
    chosen = np.take_along_axis(qualities, _choices(expected, rate)[:, None], axis=1)
    return float(chosen.mean() / qualities[:, 1].mean())


def _worst(means: dict[str, float], kind: str) -> float:
    """Of the means over the seeds, the one furthest off."""
    return round(max(value for key, value in means.items() if key.startswith(kind)), 4)
