"""What a decision weighs: how near, how alike in words, and what the other neighbours say."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragthrift.cache.serving.neighbour import Neighbour
from ragthrift.cache.serving.pairs import NAMES as DIFFERENCES
from ragthrift.cache.serving.pairs import differences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = (
    "similarity", "nearness", "support", "rival", "rival_support", "agreement", "group_size",
    "record", *DIFFERENCES,
)  # fmt: skip
"""In the order of the vector that `vector` gives."""

_WIDTH = 0.1
"""A neighbour this much farther than the best counts e times less."""
_PATIENCE = 4.0
"""Audited outcomes of one entry are shrunk to the global rate as if this many had been seen."""


def vector(
    asked: str, best: Neighbour, neighbours: Sequence[Neighbour], size: int, rate: float
) -> "NDArray[np.float64]":
    """Shape (len(NAMES),): the evidence for serving `best`.

    `size` is how many entries its group has, `rate` the share of audited servings that were right.
    """
    import numpy as np

    others = [n for n in neighbours if n.entry_id != best.entry_id]
    mine = [n for n in others if n.group == best.group]
    theirs = [n for n in others if n.group != best.group]
    rivals: dict[str, float] = {}
    for other in theirs:
        rivals[other.group] = rivals.get(other.group, 0.0) + _weight(other, best)
    support = sum(_weight(n, best) for n in mine)
    similarity = min(max(best.similarity, 0.0), 1.0)
    seen = best.right + best.wrong
    shrunk = (best.right + _PATIENCE * rate) / (seen + _PATIENCE)
    return np.array(
        [
            similarity,
            -math.log(1.02 - similarity) / 4,
            support / 4,
            max((_weight(n, best) for n in theirs), default=0.0),
            max(rivals.values(), default=0.0) / 4,
            (1 + support) / (1 + support + sum(rivals.values())),
            math.log(max(size, 1)) / 4,
            shrunk - rate,
            *differences(asked, best.question),
        ]
    )


def _weight(other: Neighbour, best: Neighbour) -> float:
    return math.exp(min(other.similarity - best.similarity, 0.1) / _WIDTH)
