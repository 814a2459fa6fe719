"""One call for many who ask the same at once, in this process."""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Result = TypeVar("Result")


class AbandonedError(Exception):
    """Whoever made the call gave up before there was a result."""


class Flights(Generic[Result]):
    """Calls under way by key: the first makes the call, the others wait for its result."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[Hashable, Future[Result]] = {}

    def board(self, key: Hashable) -> tuple[Future[Result], bool]:
        """The call under way and whether it is the caller's to make."""
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None:
                return flight, False
            flight = self._flying[key] = Future()
            return flight, True

    def flying(self, key: Hashable) -> bool:
        """Whether somebody is making the call."""
        with self._lock:
            return key in self._flying

    def land(
        self, key: Hashable, *, result: Result | None = None, error: BaseException | None = None
    ) -> None:
        """Give everybody who waits the result, or the error."""
        with self._lock:
            flight = self._flying.pop(key)
        if result is not None:
            flight.set_result(result)
        else:
            flight.set_exception(error or AbandonedError())

    def once(self, key: Hashable, call: Callable[[], Result], *, seconds: float) -> Result | None:
        """The result of one call for all; an error is everybody's.

        If whoever makes it gives up, one of those who wait makes it again. `None` after
        `seconds`: make your own.
        """
        deadline = time.monotonic() + seconds
        while True:
            flight, mine = self.board(key)
            if mine:
                break
            shared = self.wait(flight, deadline - time.monotonic())
            if shared is not None or not flight.done():
                return shared
        try:
            result = call()
        except Exception as error:
            self.land(key, error=error)
            raise
        except BaseException:  # an interrupted thread is not the others' concern
            self.land(key)
            raise
        self.land(key, result=result)
        return result

    def wait(self, flight: "Future[Result]", seconds: float) -> Result | None:
        """The result of somebody else's call, or `None` when it does not come."""
        # Not by the timeout of `result`: a call may fail with a TimeoutError of its own.
        if not wait([flight], seconds).done:
            return None
        try:
            return flight.result()
        except AbandonedError:
            return None
