"""What fails beside the call itself is passed over: logged once, counted."""

import logging
import threading
from collections import Counter

from ragthrift.errors import InputError, MissingExtraError
from ragthrift.pipeline import OnError

log = logging.getLogger(__name__)


class Tally:
    """Counts failures of checks, models and the log; the tiers' own errors are none of these."""

    def __init__(self, on_error: OnError) -> None:
        if on_error not in ("pass", "raise"):
            raise InputError(f"on_error={on_error!r} must be 'pass' or 'raise'")
        self._raise = on_error == "raise"
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def counts(self) -> dict[str, int]:
        """How often each part failed."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def passing(self, name: str) -> "Passing":
        """Go on after a failure inside; what the caller got wrong is raised all the same."""
        return Passing(self, name)

    def passes(self, name: str, error: BaseException) -> bool:
        """Whether to go on after an error; counts it and logs the first of its kind."""
        if not isinstance(error, Exception) or isinstance(error, (InputError, MissingExtraError)):
            return False
        if self._raise:
            return False
        with self._lock:
            self._counts[name] += 1
            first = self._counts[name] == 1
        if first:
            log.warning(
                "the router's %s failed and was passed over (logged once)", name, exc_info=error
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
