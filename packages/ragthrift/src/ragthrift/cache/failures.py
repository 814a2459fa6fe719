"""A cache that fails is a miss: logged once, counted."""

import logging
import threading
from collections import Counter
from collections.abc import Callable

from ragthrift.errors import InputError, MissingExtraError
from ragthrift.pipeline import OnError

log = logging.getLogger(__name__)


class Tally:
    """Counts by name, here and through `also` (the store, for all processes)."""

    def __init__(self, also: Callable[[str, int], None], on_error: OnError) -> None:
        if on_error not in ("pass", "raise"):
            raise InputError(f"on_error={on_error!r} must be 'pass' or 'raise'")
        self._also = also
        self._raise = on_error == "raise"
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def counts(self) -> dict[str, int]:
        """The counts of this process."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def add(self, name: str, number: int = 1) -> bool:
        """Count; whether it was the first of its name."""
        with self._lock:
            self._counts[name] += number
            first = self._counts[name] == number
        self._also(name, number)
        return first

    def warn(self, name: str, text: str) -> None:
        """Count, and say it once."""
        if self.add(name):
            log.warning("%s (logged once)", text)

    def passing(self, name: str) -> "Passing":
        """Go on after a failure inside; what the caller got wrong is raised all the same."""
        return Passing(self, name)

    def passes(self, name: str, error: BaseException) -> bool:
        """Whether to go on after an error; counts it and logs the first of its kind."""
        if not isinstance(error, Exception) or isinstance(error, (InputError, MissingExtraError)):
            return False
        if self._raise:
            return False
        if self.add(f"failed_{name}"):
            log.warning("the cache's %s failed: a miss (logged once)", name, exc_info=error)
        return True


class Passing:
    """The `with` block of `Tally.passing`."""

    def __init__(self, tally: Tally, name: str) -> None:
        self._tally, self._name = tally, name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> bool:
        return error is not None and self._tally.passes(self._name, error)
