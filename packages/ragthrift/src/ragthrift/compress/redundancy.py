"""What a unit says that better units do not."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ragthrift.lexical import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def novelty(texts: Sequence[str], values: "Floats") -> "Floats":
    """Shape (n,): the share of each text's word pairs that no text of higher value has.

    One pass, best first, so that time grows with the length of the texts and not with its square.

    >>> import numpy as np
    >>> novelty(["Dogs bark loudly.", "The dogs bark."], np.array([0.2, 0.9]))
    array([0.5, 1. ])
    """
    import numpy as np

    seen: set[tuple[str, ...]] = set()
    new = np.ones(len(texts))
    for at in np.argsort(-values, kind="stable"):
        found = words(texts[at])
        pairs: set[tuple[str, ...]] = {*pairwise(found)} or {tuple(found)}
        new[at] = 1 - len(pairs & seen) / len(pairs)
        seen |= pairs
    return new
