"""What a process remembers of the conversations it serves, beside what the transcript keeps."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ragthrift.memory.turn import Turn
from ragthrift.types import Message

_MAX_WAIT = 32


@dataclass(slots=True)
class Talk:
    """One conversation. All of it may be lost: only an estimate and a shared prefix are poorer."""

    turns: list[Turn] = field(default_factory=list)
    full: list[Message] = field(default_factory=list)
    """The last prompt, had the whole history been sent."""
    prompt: list[Message] = field(default_factory=list)
    """The last prompt."""
    prompted: str = ""
    """The last turn of that prompt."""
    rules: list[Message] = field(default_factory=list)
    """The system messages that begin it."""
    called: float = 0.0
    """When the last prompt was built."""
    failed: int = 0
    """Summaries that failed one after the other."""
    waits: int = 0
    """Calls until the next try."""
    failure: str = ""

    def fail(self, reason: str) -> None:
        """Wait twice as long after each failure, at most 32 calls."""
        self.failed += 1
        self.waits = min(2 ** (self.failed - 1), _MAX_WAIT)
        self.failure = reason

    def succeed(self) -> None:
        """Forget that anything failed."""
        self.failed, self.waits, self.failure = 0, 0, ""


class Talks:
    """The conversations that were served last, with their texts. Safe for threads.

    >>> talks = Talks(most=1)
    >>> talks["ann"].failed = 1
    >>> talks["ben"].failed, talks["ann"].failed
    (0, 0)
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._talks: OrderedDict[str, Talk] = OrderedDict()
        self._lock = threading.Lock()

    def __delitem__(self, session: str) -> None:
        with self._lock:
            self._talks.pop(session, None)

    def __getitem__(self, session: str) -> Talk:
        with self._lock:
            talk = self._talks.setdefault(session, Talk())
            self._talks.move_to_end(session)
            while len(self._talks) > self._most:
                self._talks.popitem(last=False)
            return talk


def shared(first: Sequence[Message], second: Sequence[Message]) -> int:
    """How many messages both begin with: what a provider's prompt cache can serve.

    >>> hi, soup = Message("user", "Hi"), Message("user", "Soup?")
    >>> shared([hi, soup], [hi, hi, hi])
    1
    """
    pairs = enumerate(zip(first, second, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(first), len(second)))
