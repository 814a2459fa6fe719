"""What a model says about a passage after reading it once: how good it is, and which parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ragthrift.compress.units import Unit
from ragthrift.errors import ModelError
from ragthrift.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reading:
    """One passage, read for one query.

    >>> Reading(0.9, keep=[0.8, 0.1], spans=[(0, 5), (6, 11)]).score
    0.9
    """

    score: float
    """Relevance of the passage, in [0, 1]."""
    keep: "ArrayLike"
    """Shape (n,), in [0, 1]: what each of `spans` is worth."""
    spans: Sequence[tuple[int, int]]
    """Offsets into the passage's text, in characters: of tokens, words, sentences or units, in
    order. They may leave gaps."""


@runtime_checkable
class PassageReader(Protocol):
    """Reads passages for a query: everything that ranking and pruning need, in one call."""

    def read(self, query: str, passages: Sequence[Passage]) -> Sequence[Reading]:
        """One reading for each passage, in order."""
        ...


def checked(readings: Sequence[Reading], passages: Sequence[Passage]) -> Sequence[Reading]:
    """The readings, if there is a sound one for each passage; else a ModelError."""
    import numpy as np

    if len(readings) != len(passages):
        raise ModelError(f"the reader gave {len(readings)} readings of {len(passages)} passages")
    for reading, passage in zip(readings, passages, strict=True):
        keep = np.asarray(reading.keep, dtype=np.float64)
        numbers = np.append(keep, reading.score)
        if keep.shape != (len(reading.spans),) or not (0 <= numbers.min() <= numbers.max() <= 1):
            raise ModelError(
                f"the reading of passage {passage.id} has {keep.shape} values from "
                f"{numbers.min()} to {numbers.max()} for {len(reading.spans)} spans: one number "
                "in [0, 1] for each span and for the score is needed"
            )
    return readings


def unit_values(reading: Reading, cut: Sequence[Unit]) -> "Floats":
    """Shape (units,): the mean over the spans in a unit, by their length.

    A span belongs to the unit that holds its middle. A unit that holds none, because spans are
    longer than units or do not reach it, gets the value of the nearest span.

    >>> reading = Reading(0.5, keep=[1.0, 0.0, 0.4], spans=[(0, 2), (2, 4), (5, 9)])
    >>> unit_values(reading, [Unit(0, 4, "sentence"), Unit(5, 9, "sentence")])
    array([0.5, 0.4])
    """
    import numpy as np

    keep = np.asarray(reading.keep, dtype=np.float64)
    if not len(keep):
        return np.zeros(len(cut))
    bounds = np.asarray(reading.spans, dtype=np.float64)
    middles = bounds.mean(axis=1)
    weights = np.maximum(bounds[:, 1] - bounds[:, 0], 1e-9)
    ends = np.array([unit.end for unit in cut])
    owners = np.minimum(np.searchsorted(ends, middles, side="right"), len(cut) - 1)
    totals = np.bincount(owners, weights, len(cut))
    values = np.bincount(owners, weights * keep, len(cut)) / np.maximum(totals, 1e-12)
    for at in np.flatnonzero(totals == 0).tolist():
        values[at] = keep[_nearest(middles, (cut[at].start + cut[at].end) / 2)]
    return np.asarray(values)


def _nearest(middles: "Floats", place: float) -> int:
    import numpy as np

    after = int(np.searchsorted(middles, place).clip(1, max(1, len(middles) - 1)))
    if len(middles) == 1:
        return 0
    return after if middles[after] - place < place - middles[after - 1] else after - 1
