"""An answer that comes in pieces."""

from collections.abc import Generator

from ragthrift.types import Completion


def whole(pieces: Generator[str, None, Completion]) -> Completion:
    """Wait for all of them, and take what the generator returns.

    >>> from ragthrift.usage import Usage
    >>> def answer():
    ...     yield "At "
    ...     yield "nine."
    ...     return Completion("At nine.", Usage(3, 2), "tiny")
    >>> whole(answer()).text
    'At nine.'
    """
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            completion: Completion = end.value
            return completion
