"""One call for many who ask the same at once, in this process."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
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

    def join(self, key: Hashable, seconds: float) -> tuple[Result | None, bool]:
        """The result of somebody else's call, and whether the call is the caller's to make.

        If whoever makes it gives up, one of those who wait gets to make it and the others wait on.
        Neither after `seconds`: make your own.
        """
        deadline = time.monotonic() + seconds
        while True:
            flight, mine = self.board(key)
            if mine:
                return None, True
            shared = self.wait(flight, deadline - time.monotonic())
            if shared is not None or not flight.done():
                return shared, False

    @contextmanager
    def making(self, key: Hashable) -> Iterator[Callable[[Result], None]]:
        """Make the call; what the block gives is everybody's result, and its error their error."""
        results: list[Result] = []
        try:
            yield results.append
        except Exception as error:
            self.land(key, error=error)
            raise
        except BaseException:  # an interrupted thread is not the others' concern
            self.land(key)
            raise
        self.land(key, result=results[-1] if results else None)

    def once(self, key: Hashable, call: Callable[[], Result], *, seconds: float) -> Result | None:
        """The result of one call for all, as by `join` and `making`; `None`: make your own."""
        shared, mine = self.join(key, seconds)
        if not mine:
            return shared
        with self.making(key) as give:
            result = call()
            give(result)
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
