"""Quality learnt from an application's own outcomes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from ragthrift.errors import InputError
from ragthrift.protocols import Embedder
from ragthrift.route.archive import packed, unpacked
from ragthrift.route.ask import Ask
from ragthrift.route.blend import Blend
from ragthrift.route.features import clipped, structure
from ragthrift.route.heads import Seen
from ragthrift.route.outcome import Outcome
from ragthrift.route.prior import PriorQuality
from ragthrift.route.quality import QualityModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class LearnedQuality:
    """A prior until `fit`, then a blend of it with what the outcomes taught, by evidence.

    `embedder` is the application's own, if it has one: its vectors become one more head.

    >>> model = LearnedQuality()
    >>> ask = Ask("When does the canteen open?")
    >>> model.expected(ask, ["cheap", "strong"]) == PriorQuality().expected(ask, ["a", "b"])
    True
    >>> seen = [Outcome(Ask(f"Is {n} prime?"), {"cheap": 0.0, "strong": 1.0}) for n in range(40)]
    >>> cheap, strong = model.fit(seen).expected(Ask("Is 97 prime?"), ["cheap", "strong"])
    >>> strong - cheap > 0.5
    True
    """

    def __init__(
        self, *, prior: QualityModel | None = None, embedder: Embedder | None = None
    ) -> None:
        self._prior = prior or PriorQuality()
        self._embedder = embedder
        self._tiers: tuple[str, ...] = ()
        self._blend: Blend | None = None

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers it has learnt of, cheap to strong; empty before `fit`."""
        return self._tiers

    def expected(self, ask: Ask, tiers: Sequence[str]) -> tuple[float, ...]:
        """Expected quality, 0 to 1; of a tier that was never tried, the prior's."""
        prior = self._prior.expected(ask, tiers)
        if self._blend is None or not set(tiers) & set(self._tiers):
            return prior
        rows = self._blend.expected(self._seen([ask]), self._priors([ask]))
        learnt = dict(zip(self._tiers, rows[0], strict=True))
        return tuple(
            min(max(float(learnt.get(name, before)), 0.0), 1.0)
            for name, before in zip(tiers, prior, strict=True)
        )

    def fit(self, outcomes: Sequence[Outcome]) -> "LearnedQuality":
        """A new model that has learnt from these outcomes, and from them only.

        Tiers are ranked by their mean quality; without outcomes the new model is the prior.
        """
        import numpy as np

        fresh = LearnedQuality(prior=self._prior, embedder=self._embedder)
        tried = [one for one in outcomes if one.qualities]
        fresh._tiers = _ranked(tried)
        if not tried:
            return fresh
        asks = [one.ask for one in tried]
        targets = np.array(
            [[one.qualities.get(name, np.nan) for name in fresh._tiers] for one in tried]
        )
        weights = np.array([1 / max(one.propensity, 0.01) for one in tried])
        fresh._blend = Blend.fit(fresh._seen(asks), targets, fresh._priors(asks), weights)
        return fresh

    def to_bytes(self) -> bytes:
        """What was learnt, as a NumPy archive: nothing in it can run."""
        import numpy as np

        arrays = self._blend.arrays() if self._blend else {}
        return packed({"tiers": np.array(self._tiers, dtype=np.str_), **arrays})

    @classmethod
    def from_bytes(
        cls, state: bytes, *, prior: QualityModel | None = None, embedder: Embedder | None = None
    ) -> Self:
        """The model that `to_bytes` came from; give it the same prior and embedder."""
        arrays = unpacked(state)
        if "tiers" not in arrays:
            raise InputError("these bytes are no state of LearnedQuality; fit it anew")
        made = cls(prior=prior, embedder=embedder)
        made._tiers = tuple(arrays["tiers"].tolist())
        made._blend = Blend.restored(arrays) if "means" in arrays else None
        return made

    def _seen(self, asks: Sequence[Ask]) -> Seen:
        import numpy as np

        texts = [
            clipped(f"{ask.history}\n{ask.question}" if ask.history else ask.question)
            for ask in asks
        ]
        shapes = np.array([structure(ask) for ask in asks])
        vectors = None
        if self._embedder is not None:
            vectors = np.asarray(self._embedder.embed([ask.question for ask in asks]), np.float64)
        return Seen.of(texts, shapes, vectors)

    def _priors(self, asks: Sequence[Ask]) -> "Floats":
        import numpy as np

        return np.array([self._prior.expected(ask, self._tiers) for ask in asks])


def _ranked(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Names by mean quality, worst first."""
    seen: dict[str, list[float]] = {}
    for one in outcomes:
        for name, quality in one.qualities.items():
            seen.setdefault(name, []).append(quality)
    return tuple(sorted(seen, key=lambda name: (sum(seen[name]) / len(seen[name]), name)))
