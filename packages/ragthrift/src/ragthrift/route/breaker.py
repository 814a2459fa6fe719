"""A tier that keeps failing is left alone for a while."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from ragthrift.errors import InputError


class CircuitBreaker:
    """Opens for a name after so many failures in a row, and lets one call try it now and then.

    >>> breaker = CircuitBreaker(failures=2, seconds=30.0)
    >>> breaker.failed("cheap"), breaker.failed("cheap"), breaker.allows("cheap")
    (False, True, False)
    """

    def __init__(
        self,
        failures: int = 5,
        seconds: float = 30.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if failures < 1 or seconds <= 0:
            raise InputError(f"failures={failures} must be at least 1, seconds={seconds} above 0")
        self._limit, self._seconds, self._clock = failures, seconds, clock
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()
        self._next: dict[str, float] = {}

    def allows(self, name: str) -> bool:
        """Whether to call; when the wait is over, one caller is let through to find out."""
        with self._lock:
            if name not in self._next:
                return True
            now = self._clock()
            if now < self._next[name]:
                return False
            self._next[name] = now + self._seconds
            return True

    def is_open(self, name: str) -> bool:
        """Whether calls are held back; asking changes nothing."""
        with self._lock:
            return name in self._next and self._clock() < self._next[name]

    def failed(self, name: str) -> bool:
        """Count a failure; whether the name is now left alone."""
        with self._lock:
            self._failures[name] += 1
            if self._failures[name] < self._limit:
                return False
            self._next[name] = self._clock() + self._seconds
            return True

    def succeeded(self, name: str) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(name, None)
            self._next.pop(name, None)
