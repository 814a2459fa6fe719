"""A stored answer in pieces again."""

import re
from collections.abc import Iterator

_PIECE = re.compile(r"\s*\S+\s?|\s+")


def pieces(answer: str) -> Iterator[str]:
    """Word by word, with the blanks between them: what comes out joins to what went in.

    >>> list(pieces("At nine, sharp."))
    ['At ', 'nine, ', 'sharp.']
    """
    for match in _PIECE.finditer(answer):
        yield match.group()
