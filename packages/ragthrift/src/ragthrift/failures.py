"""A part that fails is passed over: logged once, counted."""

import logging
import threading
from collections import Counter
from collections.abc import Callable

from ragthrift.errors import InputError, MissingExtraError
from ragthrift.pipeline import OnError

log = logging.getLogger(__name__)

_FAILED = "failed_"


class Tally:
    """Counts by name, here and through `also`, such as a store for all processes.

    `owner` is whose parts fail, in the words of the log.

    >>> tally = Tally("cache", "pass")
    >>> with tally.passing("store"):
    ...     raise OSError("the disk is full")
    >>> tally.counts(), tally.failures()
    ({'failed_store': 1}, {'store': 1})
    """

    def __init__(
        self, owner: str, on_error: OnError, *, also: Callable[[str, int], None] | None = None
    ) -> None:
        if on_error not in ("pass", "raise"):
            raise InputError(f"on_error={on_error!r} must be 'pass' or 'raise'")
        self._owner, self._also = owner, also
        self._raise = on_error == "raise"
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def counts(self) -> dict[str, int]:
        """The counts of this process."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def failures(self) -> dict[str, int]:
        """How often each part failed in this process."""
        failed = {name: n for name, n in self.counts().items() if name.startswith(_FAILED)}
        return {name.removeprefix(_FAILED): number for name, number in failed.items()}

    def add(self, name: str, number: int = 1) -> bool:
        """Count; whether it was the first of its name."""
        with self._lock:
            self._counts[name] += number
            first = self._counts[name] == number
        if self._also:
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
        if self.add(_FAILED + name):
            log.warning(
                "the %s's %s failed and was passed over (logged once)",
                self._owner,
                name,
                exc_info=error,
            )
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
