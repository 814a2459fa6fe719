"""Answers in pieces: stored ones again, and those that come, as a whole."""

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace

from ragthrift.cache.fresh import Fresh, as_fresh
from ragthrift.types import Completion

_PIECE = re.compile(r"\s*\S+\s?|\s+")


def pieces(answer: str) -> Iterator[str]:
    """Word by word, with the blanks between them: what comes out joins to what went in.

    >>> list(pieces("At nine, sharp."))
    ['At ', 'nine, ', 'sharp.']
    """
    for match in _PIECE.finditer(answer):
        yield match.group()


def captured(said: Iterable[str | Completion | Fresh]) -> Generator[str, None, Fresh]:
    """Pieces as they come; at the end the whole, as its last piece says that it ended."""
    texts: list[str] = []
    end = Fresh("")
    for piece in said:
        if isinstance(piece, str):
            texts.append(piece)
            yield piece
        else:
            end = as_fresh(piece)
    return replace(end, text="".join(texts) or end.text)


def whole(said: Iterable[str | Completion | Fresh]) -> Fresh:
    """The same when nobody reads the pieces.

    >>> whole(["At ", "nine."]).text
    'At nine.'
    """
    reading = captured(said)
    while True:
        try:
            next(reading)
        except StopIteration as end:
            fresh: Fresh = end.value
            return fresh
