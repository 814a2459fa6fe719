"""Parts of what was seen, so that nothing is judged by what was fitted on it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def folds_of(texts: Sequence[str], count: int = 5) -> "NDArray[np.intp]":
    """The part of every text, shape (n,), parts of about one size; equal texts share a part.

    >>> folds_of(["a", "b", "a", "c"], 3).tolist() == folds_of(["a", "b", "a", "c"], 3).tolist()
    True
    """
    import numpy as np

    ranked = sorted(dict.fromkeys(texts), key=lambda text: (_mixed(text), text))
    part = {text: place % count for place, text in enumerate(ranked)}
    return np.array([part[text] for text in texts], dtype=np.intp)


def _mixed(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))
