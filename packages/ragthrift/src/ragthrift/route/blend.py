"""Heads and a prior as one expectation, weighed by evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import inf
from typing import TYPE_CHECKING, Any, Self

from ragthrift.route.heads import HEADS, Head, Seen, VectorHead

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Arrays = dict[str, NDArray[np.generic]]

EVIDENCE = 200
"""Outcomes after which what was learnt weighs as much as the prior."""
_MEAN_EVIDENCE = 10
_USUAL_GAIN = 0.05
"""Spread of expected gains before any was measured."""
_LEAST_SPREAD = 1e-3
"""Below it what a head says is the same of everything."""
_LOUDEST = 4.0
"""Spreads beyond which no head is heard: texts unlike any seen make them shout."""
_FEWEST = 10
"""Outcomes of a tier below which nothing is learnt of it."""


@dataclass(frozen=True, slots=True)
class Blend:
    """Expected quality of t tiers: a level that they share, and what sets them apart.

    All heads have an equal voice, each measured in its own spread, since weights for them would be
    noisier than what they win; the prior's voice fades as outcomes come in. What is said has the
    scale on which it came true for outcomes left out.
    """

    heads: tuple[Head, ...]
    means: "Floats"
    """Mean quality of each tier, shape (t,)."""
    spreads: "Floats"
    """Of each head and then the prior, in level and in gains: shape (heads + 1, 2)."""
    prior_means: "Floats"
    voices: "Floats"
    """Weight of each head and then the prior, shape (heads + 1,); they add up to 1."""
    scales: "Floats"
    """Quality per unit of level and of gain, shape (2,)."""

    @classmethod
    def fit(cls, seen: Seen, targets: "Floats", prior: "Floats", weights: "Floats") -> Self:
        """Learn; `targets` (n, t) with nan where a tier was not tried, `weights` (n,)."""
        import numpy as np

        tried = ~np.isnan(targets)
        means = _means(targets, prior, tried * weights[:, None])
        missed = targets - means
        trust = np.sqrt(weights / weights.mean())
        kinds = [one for one in HEADS if one is not VectorHead or seen.vectors is not None]
        pairs = [_fitted(kind, seen, missed, tried, trust) for kind in kinds]
        said = [unseen for _, unseen in pairs] + [prior - prior.mean(axis=0)]
        learnt = tried.mean() * len(targets)
        share = learnt / (learnt + EVIDENCE)
        voices = np.append(_voices(said[:-1], missed, tried) * share, 1 - share)
        spreads = np.array([_spread(one) for one in said])
        heads = tuple(head for head, _ in pairs)
        blank = cls(heads, means, spreads, prior.mean(axis=0), voices, np.ones(2))
        return replace(blank, scales=_scales(*blank._mixed(said), missed, tried))

    def expected(self, seen: Seen, prior: "Floats") -> "Floats":
        """Shape (n, t), not yet held between 0 and 1."""
        said = [head.says(seen) for head in self.heads] + [prior - self.prior_means]
        level, gains = self._mixed(said)
        made: Floats = self.means + self.scales[0] * level + self.scales[1] * gains
        return made

    def _mixed(self, said: list["Floats"]) -> tuple["Floats", "Floats"]:
        """Level (n, 1) and gains (n, t), in spreads."""
        import numpy as np

        heard = []
        for kind in (0, 1):
            spreads = self.spreads[:, kind, None, None]
            halves = np.stack([_halves(one)[kind] for one in said])
            heard.append(
                np.tensordot(self.voices, np.clip(halves / spreads, -_LOUDEST, _LOUDEST), 1)
            )
        return heard[0], heard[1]

    def arrays(self) -> "Arrays":
        """The blend as plain arrays."""
        held: Arrays = {
            "means": self.means,
            "spreads": self.spreads,
            "prior_means": self.prior_means,
            "voices": self.voices,
            "scales": self.scales,
        }
        for head in self.heads:
            for one in fields(head):
                held[f"{type(head).__name__}.{one.name}"] = getattr(head, one.name)
        return held

    @classmethod
    def restored(cls, arrays: "Mapping[str, NDArray[np.generic]]") -> Self:
        """The blend that `arrays` came from."""
        held: dict[str, Any] = dict(arrays)
        heads = tuple(
            kind(**{one.name: held[f"{kind.__name__}.{one.name}"] for one in fields(kind)})
            for kind in HEADS
            if f"{kind.__name__}.weights" in held
        )
        plain = {one.name: held[one.name] for one in fields(cls) if one.name in held}
        return cls(heads=heads, **plain)


def _means(targets: "Floats", prior: "Floats", weights: "Floats") -> "Floats":
    """Mean quality of each tier, held near the prior's by a few outcomes."""
    import numpy as np

    weights = weights / max(float(weights.max()), 1e-12)
    summed = (np.nan_to_num(targets) * weights).sum(axis=0) + _MEAN_EVIDENCE * prior.mean(axis=0)
    means: Floats = summed / (weights.sum(axis=0) + _MEAN_EVIDENCE)
    return means


def _fitted(
    kind: type[Head], seen: Seen, targets: "Floats", tried: "Flags", trust: "Floats"
) -> tuple[Head, "Floats"]:
    """One head for all tiers, and what it says of each row unseen.

    Tiers that were tried on the same questions are fitted together.
    """
    import numpy as np

    head = kind.of(seen, targets.shape[1])
    weights, unseen = np.zeros_like(head.weights), np.zeros_like(targets)
    groups: dict[bytes, list[int]] = {}
    for tier in range(targets.shape[1]):
        groups.setdefault(tried[:, tier].tobytes(), []).append(tier)
    for tiers in groups.values():
        rows = np.flatnonzero(tried[:, tiers[0]])
        if len(rows) < _FEWEST:
            continue
        part = seen.take(rows)
        weights[:, tiers], left_out = head.learn(part, targets[rows][:, tiers], trust[rows])
        unseen[rows[:, None], tiers] = left_out
    whole = replace(head, weights=weights)
    return whole, np.where(tried, unseen, whole.says(seen))


def _voices(unseen: list["Floats"], missed: "Floats", tried: "Flags") -> "Floats":
    """Each head's share: how what it says of gains correlates with what came true, unseen.

    Correlations, not regression weights: with few outcomes those are mostly noise. A head without
    any still has a tenth of a voice.
    """
    import numpy as np

    told = []
    for one in unseen:
        gains = _halves(one)[1][tried] if one.shape[1] > 1 else one[tried]
        true = missed[tried]
        spread = np.sqrt((gains**2).sum() * (true**2).sum())
        told.append(max(float((gains * true).sum() / max(spread, 1e-12)), 0.0))
    shares = np.array(told) + max(*told, 1e-3) / 10
    voices: Floats = shares / shares.sum()
    return voices


def _spread(said: "Floats") -> tuple[float, float]:
    """Of level and gains; infinite for a head that says the same of everything: it has no voice."""
    level, gains = _halves(said - said.mean(axis=0))
    found = (float((one**2).mean() ** 0.5) for one in (level, gains))
    first, second = (one if one > _LEAST_SPREAD else inf for one in found)
    return first, second


def _halves(said: "Floats") -> tuple["Floats", "Floats"]:
    level = said.mean(axis=1, keepdims=True)
    return level, said - level


def _scales(level: "Floats", gains: "Floats", missed: "Floats", tried: "Flags") -> "Floats":
    """Least squares over all that was tried, held near the usual by `EVIDENCE` outcomes."""
    import numpy as np

    shares = np.broadcast_to(level, gains.shape)
    rows = np.stack([shares[tried], gains[tried]], axis=1)
    typical = np.array([(one**2).mean() for one in rows.T]) * EVIDENCE
    usual = _USUAL_GAIN / np.maximum(np.sqrt((rows**2).mean(axis=0)), 1e-9)
    held = np.diag(np.maximum(typical, 1e-12))
    scales = np.linalg.solve(rows.T @ rows + held, rows.T @ missed[tried] + held @ usual)
    held_up: Floats = np.maximum(scales, 0.01 * usual)
    return held_up
