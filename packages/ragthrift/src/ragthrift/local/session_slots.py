"""Which of llama.cpp's slots a session's calls go to."""

import threading
from collections import OrderedDict


class SessionSlots:
    """A session keeps its slot; a new one gets that of the session which rested longest.

    The prefix of a session that lost its slot goes to llama.cpp's cache in memory, from where it
    comes back into any slot. Safe for threads.

    >>> slots = SessionSlots(2)
    >>> [slots.of(session) for session in ("a", "b", "a", "c", "b")]
    [0, 1, 0, 1, 0]
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._slots: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, session: str) -> int:
        """Its slot, from 0."""
        with self._lock:
            slot = self._slots.pop(session, None)
            if slot is None:
                slot = self._free()
            self._slots[session] = slot
            return slot

    def holds(self, session: str) -> bool:
        """Whether it has a slot already."""
        with self._lock:
            return session in self._slots

    def _free(self) -> int:
        if len(self._slots) < self._count:
            return len(self._slots)
        return self._slots.popitem(last=False)[1]
