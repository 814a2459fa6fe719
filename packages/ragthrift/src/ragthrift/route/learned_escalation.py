"""What a dearer answer would add, learnt from questions with both answers."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ragthrift.errors import InputError
from ragthrift.route.answer_features import answered
from ragthrift.route.archive import packed, unpacked
from ragthrift.route.ask import Ask
from ragthrift.route.blend import Blend
from ragthrift.route.escalation import EscalationModel
from ragthrift.route.features import clipped, structure
from ragthrift.route.heads import Seen
from ragthrift.route.outcome import Outcome
from ragthrift.route.prior import PriorEscalation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Arrays = Mapping[str, NDArray[np.generic]]

_FEWEST = 20
_DIGITS = re.compile(r"\d[\d,.]*")


class LearnedEscalation:
    """A prior until `fit`, then for every pair of tiers that was seen a blend of it and outcomes.

    Learns from outcomes that hold the lower tier's answer and both qualities, 20 at the least.

    >>> wrong, right = "6 x 7 = 41", "6 x 7 = 42"
    >>> gain = LearnedEscalation().gain
    >>> ask = Ask("What is 6 x 7?")
    >>> gain(ask, wrong, "cheap", "strong") > gain(ask, right, "cheap", "strong")
    True
    """

    def __init__(self, *, prior: EscalationModel | None = None) -> None:
        self._prior = prior or PriorEscalation()
        self._blends: dict[tuple[str, str], Blend] = {}

    def gain(self, ask: Ask, answer: str, tier: str, above: str) -> float:
        """Expected quality of `above` less that of this answer by `tier`, -1 to 1."""
        prior = self._prior.gain(ask, answer, tier, above)
        blend = self._blends.get((tier, above))
        if blend is None:
            return prior
        low, high = blend.expected(_seen([(ask, answer)]), _as_pair([prior]))[0]
        return min(max(float(high - low), -1.0), 1.0)

    def fit(self, outcomes: Sequence[Outcome]) -> "LearnedEscalation":
        """A new model that has learnt from these outcomes, and from them only."""
        fresh = LearnedEscalation(prior=self._prior)
        for tier, above in _pairs(outcomes):
            both = [o for o in outcomes if tier in o.answers and o.gain(tier, above) is not None]
            if len(both) >= _FEWEST:
                fresh._blends[tier, above] = self._blended(both, tier, above)
        return fresh

    def _blended(self, outcomes: Sequence[Outcome], tier: str, above: str) -> Blend:
        import numpy as np

        pairs = [(one.ask, one.answers[tier]) for one in outcomes]
        targets = np.array([[one.qualities[tier], one.qualities[above]] for one in outcomes])
        gains = [self._prior.gain(ask, answer, tier, above) for ask, answer in pairs]
        weights = np.array([1 / max(one.propensity, 0.01) for one in outcomes])
        return Blend.fit(_seen(pairs), targets, _as_pair(gains), weights)

    def to_bytes(self) -> bytes:
        """What was learnt, as a NumPy archive: nothing in it can run."""
        import numpy as np

        arrays: dict[str, NDArray[np.generic]] = {
            "pairs": np.array(list(self._blends), dtype=np.str_).reshape(-1, 2)
        }
        for number, blend in enumerate(self._blends.values()):
            arrays |= {f"{number}/{name}": one for name, one in blend.arrays().items()}
        return packed(arrays)

    @classmethod
    def from_bytes(
        cls, state: bytes, *, prior: EscalationModel | None = None
    ) -> "LearnedEscalation":
        """The model that `to_bytes` came from; give it the same prior."""
        arrays = unpacked(state)
        if "pairs" not in arrays:
            raise InputError("these bytes are no state of LearnedEscalation; fit it anew")
        made = cls(prior=prior)
        for number, (tier, above) in enumerate(arrays["pairs"].tolist()):
            made._blends[tier, above] = Blend.restored(_under(f"{number}/", arrays))
        return made


def _pairs(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Every tier that has an answer, with every other whose quality is known beside it."""
    found = {
        (tier, above)
        for one in outcomes
        for tier in one.answers
        for above in one.qualities
        if tier in one.qualities and tier != above
    }
    return sorted(found)


def _seen(pairs: Sequence[tuple[Ask, str]]) -> Seen:
    """Answers with numbers masked, since what matters of them stands in their shape."""
    import numpy as np

    texts = [_DIGITS.sub("0", clipped(answer)) for _, answer in pairs]
    shapes = np.array([(*answered(ask, answer), *structure(ask)) for ask, answer in pairs])
    return Seen.of(texts, shapes)


def _as_pair(gains: Sequence[float]) -> "Floats":
    """Gains as the qualities of two tiers around one half."""
    import numpy as np

    half = np.array(gains, dtype=np.float64) / 2
    return np.stack([0.5 - half, 0.5 + half], axis=1)


def _under(prefix: str, arrays: "Arrays") -> "Arrays":
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
