"""Calls on their way to a store: nobody waits for a disk."""

import os
import sqlite3
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence

from ragthrift.failures import Tally
from ragthrift.ledger.behind import EXIT_SECONDS, Behind
from ragthrift.ledger.call import Call

DISK = (OSError, sqlite3.OperationalError)
ROOM = 100_000
"""Calls that may wait: some 100 MB."""


class WriteBehind:
    """Collects calls, and writes all that wait at once, in a thread behind.

    Nothing is raised: calls that find no room, or cannot be written, are counted in `tally` as
    "lost", and the first is logged. A call that cannot be written does not take others with it.

    >>> kept = []
    >>> behind = WriteBehind(kept.extend, Tally("ledger", "pass"))
    >>> behind.put("a call")
    >>> behind.flush(), kept
    (True, ['a call'])
    """

    _asked: bool

    def __init__(
        self, write: Callable[[Sequence[Call]], None], tally: Tally, *, room: int = ROOM
    ) -> None:
        self._write, self._tally, self._room = write, tally, room
        self._behind = Behind(tally, room=2)
        self._begin()
        self._flush_at_exit()

    def put(self, call: Call) -> None:
        """Have it written; returns at once."""
        if self._process != os.getpid():  # after a fork, the parent writes what waited then
            self._begin()
            self._flush_at_exit()
        with self._lock:
            if len(self._waiting) >= self._room:
                self._tally.warn("lost", f"{self._room} calls wait to be written: one was lost")
                return
            self._waiting.append(call)
            asked, self._asked = self._asked, True
        if not asked:
            self._behind.put(self._drain)

    def flush(self, seconds: float | None = EXIT_SECONDS) -> bool:
        """Wait until all is written or lost; whether it is."""
        return self._process != os.getpid() or self._behind.flush(seconds)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: deque[Call] = deque()
        self._asked = False

    def _flush_at_exit(self) -> None:
        """A child of `multiprocessing` ends without running `atexit`."""
        processes = sys.modules.get("multiprocessing.process")
        if processes is not None and processes.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, self.flush, exitpriority=0)

    def _drain(self) -> None:
        with self._lock:
            calls, self._waiting = list(self._waiting), deque()
            self._asked = False
        try:
            self._write(calls)
        except Exception:  # noqa: BLE001 - whatever it is, the caller is not to know
            self._one_by_one(calls)

    def _one_by_one(self, calls: Sequence[Call]) -> None:
        for place, call in enumerate(calls):
            try:
                self._write([call])
            except DISK as failed:  # it will not take the others either
                self._tally.add("lost", len(calls) - place)
                self._tally.passes("writing", failed)
                return
            except Exception as failed:  # noqa: BLE001 - as above
                self._tally.warn("lost", f"a call could not be written and is lost: {failed!r}")
