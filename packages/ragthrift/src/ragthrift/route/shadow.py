"""A share of the calls is put to the other tiers too, behind the caller's back, to learn from."""

import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from ragthrift.errors import InputError
from ragthrift.route.ask import Ask
from ragthrift.route.checks import agreement

Judge = Callable[[Ask, Mapping[str, str]], Mapping[str, float]]
"""`(ask, answers) -> qualities`: how good each tier's answer is, 0 to 1, by the tier's name; the
answers come cheap to strong. A tier may be left out."""

MOST_WAITING = 32


def agrees_with_strongest(ask: Ask, answers: Mapping[str, str]) -> dict[str, float]:  # noqa: ARG001
    """Quality as agreement with the strongest tier's answer, which is taken for right.

    >>> agrees_with_strongest(Ask("How many?"), {"cheap": "It is 42.", "strong": "It is 43."})
    {'cheap': 0.0, 'strong': 1.0}
    """
    strongest = list(answers.values())[-1]
    return {tier: agreement(text, strongest) for tier, text in answers.items()}


class Shadows:
    """Draws the calls, and runs them one after another on a thread of its own.

    While too many wait, none is added: shadow calls never slow the others down.
    """

    def __init__(self, share: float, *, seed: int = 0) -> None:
        if not 0 <= share <= 1:
            raise InputError(f"shadow_share={share} must be from 0 to 1")
        self.share = share
        self._random = random.Random(seed)
        self._lock = threading.Condition()
        self._behind: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._closed = False
        self._dollars = 0.0

    def drawn(self) -> bool:
        """Whether the next call is compared."""
        with self._lock:
            return self._random.random() < self.share

    def spent(self, dollars: float) -> None:
        """A comparison cost so much."""
        with self._lock:
            self._dollars += dollars

    def unaccounted(self) -> float:
        """What comparisons cost since this was last asked."""
        with self._lock:
            dollars, self._dollars = self._dollars, 0.0
        return dollars

    def submit(self, work: Callable[[], None]) -> bool:
        """Run it later; whether there was room."""
        with self._lock:
            if self._closed or self._waiting >= MOST_WAITING:
                return False
            if self._behind is None:
                self._behind = ThreadPoolExecutor(1, thread_name_prefix="ragthrift-route")
            self._waiting += 1
            self._behind.submit(self._run, work)
        return True

    def settle(self) -> None:
        """Wait until nothing waits or runs."""
        with self._lock:
            self._lock.wait_for(lambda: not self._waiting)

    def close(self) -> None:
        """Finish what waits."""
        with self._lock:
            self._closed = True
            behind, self._behind = self._behind, None
        if behind:
            behind.shutdown()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with self._lock:
                self._waiting -= 1
                self._lock.notify_all()
