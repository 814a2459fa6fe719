"""Long texts cut into overlapping windows, so that no model ever cuts one silently."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ragthrift.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Offsets = Sequence[tuple[int, int]]
"""Where each token starts and ends in the text, in characters."""

_WORD = re.compile(r"\w+")


def word_offsets(text: str) -> list[tuple[int, int]]:
    """Words as tokens, for models whose tokenizer is out of reach."""
    return [match.span() for match in _WORD.finditer(text)]


def windows(text: str, offsets: Offsets, size: int) -> list[str]:
    """Pieces of at most `size` tokens that overlap by a quarter and cover the whole text.

    The last piece is as long as the others, so that no piece is too short to judge.

    >>> text = "one two three four five six"
    >>> windows(text, word_offsets(text), 4)
    ['one two three four', 'three four five six']
    """
    if size < 1:
        raise InputError(f"a window of {size} tokens holds nothing; raise max_tokens")
    if len(offsets) <= size:
        return [text]
    step = max(1, size - size // 4)
    starts = [*range(0, len(offsets) - size, step), len(offsets) - size]
    ends = [offsets[start + size - 1][1] for start in starts]
    begins = [0, *(offsets[start][0] for start in starts[1:])]
    ends[-1] = len(text)
    return [text[begin:end] for begin, end in zip(begins, ends, strict=True)]


def best_window_scores(
    score: Callable[[Sequence[str]], "Floats"],
    texts: Sequence[str],
    cut: Callable[[str], Sequence[str]],
) -> "Floats":
    """Shape (n,): the score of each text's best window, all windows scored in one call."""
    import numpy as np

    pieces = [cut(text) for text in texts]
    if not pieces:
        return np.zeros(0, dtype=np.float32)
    scores = score([piece for group in pieces for piece in group])
    starts = np.cumsum([0, *(len(group) for group in pieces[:-1])])
    return np.maximum.reduceat(scores, starts).astype(np.float32)
