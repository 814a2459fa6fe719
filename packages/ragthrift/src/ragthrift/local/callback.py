"""A call that reports by callback, turned into a generator."""

import atexit
import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Generic, TypeVar

from ragthrift.errors import ModelError, RagthriftError

Item = TypeVar("Item")
Call = Callable[[Callable[[Item], bool]], object]


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
    call: Call[Item], arrivals: Arrivals[Item] | None = None
) -> Generator[Item, None, None]:
    """Yield what `call(deliver)` delivers; a true answer of `deliver` asks the call to stop.

    The call runs in a thread of its own, so that Ctrl-C gets through while it is silent. It is
    asked to stop when the generator is closed, when the process ends, and by `arrivals.stop()`.
    An error of the call is raised here, as ModelError if it is none of ragthrift's.

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
        while (item := running.arrivals.items.get()) is not None:
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
