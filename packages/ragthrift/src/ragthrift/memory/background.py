"""Work that is done after the answer was sent."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

log = logging.getLogger(__name__)


class Background:
    """One thread for each piece of work.

    A thread is a daemon: a summariser that hangs does not keep the program from ending, and what
    it would have written is not missed, since all of it can be made again.

    >>> background = Background()
    >>> background.start(lambda: True).result()
    True
    >>> background.close()
    """

    def __init__(self) -> None:
        self._under_way: set[Future[bool]] = set()
        self._lock = threading.Lock()

    def start(self, work: Callable[[], bool]) -> "Future[bool]":
        """Begin at once; the result, or the error, is in the future."""
        future: Future[bool] = Future()
        with self._lock:
            self._under_way.add(future)
        threading.Thread(
            target=self._run, args=(work, future), daemon=True, name="ragthrift-memory"
        ).start()
        return future

    def close(self, timeout: float | None = None) -> None:
        """Wait for what is under way, so many seconds at most."""
        with self._lock:
            under_way = set(self._under_way)
        wait(under_way, timeout)

    def _run(self, work: Callable[[], bool], future: "Future[bool]") -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  (it is raised where the future is read)
            log.warning("the memory could not work in the background: %s", error)
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            with self._lock:
                self._under_way.discard(future)
