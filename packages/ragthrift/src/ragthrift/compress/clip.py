"""As much of a unit as fits, where a budget is smaller than every unit."""

import re

from ragthrift.compress.sentences import Span
from ragthrift.protocols import TokenCounter

_WORD_END = re.compile(r"(?<=\S)(?=\s)")


def clip(text: str, span: Span, tokens: int, counter: TokenCounter) -> Span | None:
    """The longest beginning of a span that fits, up to the end of a word if one does.

    `None` where not even one character fits.

    >>> from ragthrift.tokens import EstimatedTokens
    >>> clip("Soup is served at noon.", (0, 23), 3, EstimatedTokens())
    (0, 7)
    """
    start, end = span
    word_ends = [*(found.end() for found in _WORD_END.finditer(text, start, end)), end]
    for ends in (word_ends, range(start + 1, end + 1)):
        low, high = 0, len(ends)
        while low < high:
            middle = (low + high + 1) // 2
            if counter.count(text[start : ends[middle - 1]]) <= tokens:
                low = middle
            else:
                high = middle - 1
        if low and counter.count(text[start : ends[low - 1]]) <= tokens:
            return start, ends[low - 1]
    return None
