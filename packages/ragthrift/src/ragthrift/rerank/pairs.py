"""Room for a question and a passage in one cross-encoder input."""

import logging
from collections.abc import Callable, Sequence

from ragthrift.windows import Offsets, windows

log = logging.getLogger(__name__)

_SPECIAL_TOKENS = 4
"""The most that a tokenizer puts around a pair: RoBERTa's four."""


class PairWindows:
    """Cuts texts so that a query and a piece of text fit in `max_tokens` together.

    The query may take half of the room; a longer one is cut there, and a warning says so.
    """

    def __init__(self, query: str, offsets: Callable[[str], Offsets], max_tokens: int) -> None:
        self._offsets = offsets
        room = max_tokens - _SPECIAL_TOKENS
        tokens = offsets(query)
        self.query = query
        if len(tokens) > room // 2:
            log.warning("query of %d tokens cut to %d for scoring", len(tokens), room // 2)
            self.query = query[: tokens[room // 2 - 1][1]]
        self._size = room - min(len(tokens), room // 2)

    def cut(self, text: str) -> Sequence[str]:
        """Overlapping pieces of the text; the text itself when it fits."""
        return windows(text, self._offsets(text), self._size)
