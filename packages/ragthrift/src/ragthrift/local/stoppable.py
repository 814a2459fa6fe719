"""An answer that one thread reads and another may stop."""

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

from ragthrift.types import Completion


class StoppableAnswer(Generator[str, None, Completion]):
    """A generator whose `close` works while another thread waits inside `next`.

    A plain generator refuses that, and a model that reads a long prompt keeps its caller waiting
    for the first piece. The waiting thread gets a ModelError, or the pieces that were there.

    >>> def answer():
    ...     yield "Hello"
    >>> stopped = []
    >>> pieces = StoppableAnswer(answer(), lambda: stopped.append(True))
    >>> next(pieces), pieces.close(), next(pieces, None), stopped
    ('Hello', None, None, [True])
    """

    def __init__(
        self, pieces: Generator[str, None, Completion], stop: Callable[[], object]
    ) -> None:
        self._pieces = pieces
        self._stop = stop

    def send(self, value: None) -> str:
        """See `Generator`."""
        return self._pieces.send(value)

    def throw(self, *error: Any) -> str:
        """See `Generator`."""
        return self._pieces.throw(*error)

    def close(self) -> None:
        """Stop the model, from any thread."""
        self._stop()
        with suppress(ValueError):  # another thread is inside: it ends there
            self._pieces.close()
