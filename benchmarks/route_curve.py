"""What routing is measured by: curves of quality over strong calls or dollars."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def strong_curve(scores: Floats, weak: Floats, strong: Floats) -> tuple[Floats, Floats]:
    """Share of strong calls and mean quality at RouteLLM's thresholds: ten bins by score.

    Its evaluation cuts at the deciles of the score, equal deciles dropped; the last cut is strict.
    """
    cuts = np.unique(np.quantile(scores, np.linspace(0, 1, 11)))
    chosen = [scores >= cuts[0], *(scores >= cut for cut in cuts[1:-1]), scores > cuts[-1]]
    shares = np.array([one.mean() for one in chosen])
    quality = np.array([np.where(one, strong, weak).mean() for one in chosen])
    order = np.argsort(shares, kind="stable")
    return shares[order], quality[order]


def apgr(scores: Floats, weak: Floats, strong: Floats) -> float:
    """Average performance gap recovered (RouteLLM): .5 for random scores."""
    shares, quality = strong_curve(scores, weak, strong)
    gap = strong.mean() - weak.mean()
    return float((np.trapezoid(quality, shares) - weak.mean()) / gap)


def cpt(scores: Floats, weak: Floats, strong: Floats, recovered: float) -> float:
    """Percent of strong calls at which this share of the gap is recovered."""
    shares, quality = strong_curve(scores, weak, strong)
    gap = (quality - weak.mean()) / (strong.mean() - weak.mean())
    return float(np.interp(recovered, np.maximum.accumulate(gap), shares) * 100)


def measures(scores: Floats, weak: Floats, strong: Floats) -> dict[str, float]:
    """All three."""
    return {
        "apgr": apgr(scores, weak, strong),
        "cpt50": cpt(scores, weak, strong, 0.5),
        "cpt80": cpt(scores, weak, strong, 0.8),
    }


def interval(
    parts: Sequence[tuple[Floats, Floats, Floats]], seed: int, draws: int = 100
) -> tuple[float, float]:
    """95 % of APGR over questions drawn again, in every run; parts are (scores, weak, strong)."""
    random, found = np.random.default_rng(seed), []
    for scores, weak, strong in parts:
        for _ in range(draws):
            at = random.integers(len(scores), size=len(scores))
            if strong[at].mean() > weak[at].mean():
                found.append(apgr(scores[at], weak[at], strong[at]))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def cost_at(costs: Floats, quality: Floats, wanted: float) -> float | None:
    """The lowest cost on a curve at which a quality is reached, `None` where it never is."""
    order = np.lexsort((-quality, costs))
    best = np.maximum.accumulate(quality[order])
    if best[-1] < wanted:
        return None
    at = int(np.argmax(best >= wanted))
    if at == 0:
        return float(costs[order][0])
    span = best[at] - best[at - 1]
    part = (wanted - best[at - 1]) / span if span > 0 else 1.0
    before, here = costs[order][at - 1], costs[order][at]
    return float(before + part * (here - before))
