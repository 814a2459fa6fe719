"""A call that reports by callback, turned into a generator."""

import atexit
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from ragthrift.errors import ModelError, RagthriftError

Item = TypeVar("Item")
Call = Callable[[Callable[[Item], bool]], object]


_LOOK_SECONDS = 1.0


class Pulse:
    """Whether something that many calls share still goes on, by what it delivers to any of them.

    A call may wait long for its turn; that nothing at all comes for `seconds` while calls are
    under way is another matter.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._underway = 0
        self._beat = 0.0

    @property
    def stopped(self) -> bool:
        """Whether calls wait and nothing came for too long."""
        return self._underway > 0 and time.monotonic() - self._beat > self.seconds

    def beat(self) -> None:
        """Something was delivered."""
        self._beat = time.monotonic()

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call is under way."""
        with self._lock:
            self._underway += 1
            if self._underway == 1:
                self.beat()
        try:
            yield
        finally:
            with self._lock:
                self._underway -= 1


class Arrivals(Generic[Item]):
    """What a call delivered and nobody took yet, and the wish that the call end."""

    def __init__(self) -> None:
        self.items: SimpleQueue[Item | Exception | None] = SimpleQueue()
        self.unwanted = threading.Event()

    def stop(self) -> None:
        """Ask the call to stop, from any thread; who waits for an item waits no longer."""
        self.unwanted.set()
        self.items.put(None)


def iterate_callback(
    call: Call[Item], arrivals: Arrivals[Item] | None = None, pulse: Pulse | None = None
) -> Generator[Item, None, None]:
    """Yield what `call(deliver)` delivers; a true answer of `deliver` asks the call to stop.

    The call runs in a thread of its own, so that Ctrl-C gets through while it is silent. It is
    asked to stop when the generator is closed, when the process ends, and by `arrivals.stop()`.
    An error of the call is raised here, as ModelError if it is none of ragthrift's; so is that
    `pulse` has stopped, and the call is then left behind.

    >>> def count(deliver):
    ...     for number in range(1000):
    ...         if deliver(number):
    ...             return
    >>> numbers = iterate_callback(count)
    >>> next(numbers), next(numbers)
    (0, 1)
    >>> numbers.close()
    """
    running = _Running(call, arrivals or Arrivals())
    try:
        while (item := running.take(pulse)) is not None:
            if isinstance(item, RagthriftError):
                raise item
            if isinstance(item, Exception):
                raise ModelError(f"the model failed while answering: {item}") from item
            yield item
    finally:
        running.arrivals.unwanted.set()


class _Running(Generic[Item]):
    """The thread of one call."""

    def __init__(self, call: Call[Item], arrivals: Arrivals[Item]) -> None:
        self.arrivals = arrivals
        self._call = call
        # A daemon, joined by `_end`: a thread that is none would be waited for before it is told
        # to stop, and one that still calls back when the interpreter is gone would crash it.
        self._thread = threading.Thread(target=self._run, name="callback", daemon=True)
        atexit.register(self._end)
        self._thread.start()

    def take(self, pulse: Pulse | None) -> "Item | Exception | None":
        """What comes next."""
        while True:
            try:
                return self.arrivals.items.get(timeout=_LOOK_SECONDS if pulse else None)
            except Empty:
                if pulse is None or not pulse.stopped:
                    continue
                atexit.unregister(self._end)  # it would be waited for without end
                raise ModelError(
                    f"the model has answered no call for {pulse.seconds:.0f} seconds: its loop "
                    "hangs; load it again, or start the process again to have its memory back"
                ) from None

    def _deliver(self, item: Item) -> bool:
        self.arrivals.items.put(item)
        return self.arrivals.unwanted.is_set()

    def _run(self) -> None:
        try:
            self._call(self._deliver)
        except (RagthriftError, RuntimeError, ValueError, TypeError, MemoryError) as error:
            self.arrivals.items.put(error)
        finally:
            atexit.unregister(self._end)
            self.arrivals.items.put(None)

    def _end(self) -> None:
        self.arrivals.unwanted.set()
        self._thread.join()
