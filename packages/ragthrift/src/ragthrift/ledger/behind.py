"""Work that is done behind the request, in order, by one thread."""

import atexit
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

from ragthrift.failures import Tally

_NAP_SECONDS = 0.05
"""The thread looks for work so often: to wake it for each piece would hold up who brings it."""
IDLE_SECONDS = 5.0
"""After which the thread ends; the next piece of work starts another."""
EXIT_SECONDS = 30.0
"""How long a program that ends waits for what is left to do."""

Work = Callable[[], None]


class Behind:
    """A bounded queue and a daemon thread; what fails or finds no room is counted in the tally.

    >>> seen = []
    >>> behind = Behind(Tally("recorder", "pass"), room=2)
    >>> behind.put(lambda: seen.append(1))
    >>> behind.flush(), seen
    (True, [1])
    """

    _alive: bool
    _busy: bool

    def __init__(self, tally: Tally, *, room: int) -> None:
        self._tally, self._room = tally, room
        self._begin()
        forget = weakref.ref(self)

        def finish() -> None:
            left = forget()
            if left is not None:
                left.flush(EXIT_SECONDS)

        self._finish = finish
        atexit.register(finish)
        weakref.finalize(self, atexit.unregister, finish).atexit = False
        self._finish_in_child()

    def put(self, work: Work) -> None:
        """Have it done; returns at once."""
        if self._process != os.getpid():  # a fork has the parent's queue, and not its thread
            self._begin()
            self._finish_in_child()
        with self._changed:
            if len(self._waiting) >= self._room:
                self._tally.warn(
                    "dropped", f"{self._room} calls wait to be recorded, so that one was dropped"
                )
                return
            self._waiting.append(work)
            if not self._alive:
                self._alive = True
                threading.Thread(target=self._run, daemon=True, name="ragthrift-ledger").start()

    def flush(self, seconds: float | None = None) -> bool:
        """Wait until all that was put is done; whether it is."""
        if self._process != os.getpid():
            return True
        with self._changed:
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._waiting: deque[Work] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._alive = self._busy = False

    def _finish_in_child(self) -> None:
        """A child of `multiprocessing` ends without running `atexit`."""
        processes = sys.modules.get("multiprocessing.process")
        if processes is not None and processes.parent_process() is not None:
            from multiprocessing.util import Finalize

            # Before those of a store, which have 0: what is done here may be written there.
            Finalize(None, self._finish, exitpriority=1)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                with self._tally.passing("recording"):
                    work()
            except BaseException as error:  # noqa: BLE001 - nobody is there to hear it
                self._tally.warn("failed_recording", f"a call was not recorded: {error!r}")

    def _next(self) -> Work | None:
        """The next piece, `None` when there was none for a while."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            idle_from = time.monotonic()
            while not self._waiting:
                if time.monotonic() - idle_from > IDLE_SECONDS:
                    self._alive = False
                    return None
                self._changed.wait(_NAP_SECONDS)
            self._busy = True
            return self._waiting.popleft()
