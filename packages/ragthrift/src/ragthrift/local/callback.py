"""A call that reports by callback, turned into a generator."""

import atexit
import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Generic, TypeVar

from ragthrift.errors import ModelError

Item = TypeVar("Item")
Call = Callable[[Callable[[Item], bool]], object]


def iterate_callback(call: Call[Item]) -> Generator[Item, None, None]:
    """Yield what `call(deliver)` delivers; a true answer of `deliver` asks the call to stop.

    The call runs in a thread of its own, so that Ctrl-C gets through while it is silent. It is
    asked to stop when the generator is closed, and when the process ends. An error of the call is
    raised here as ModelError.

    >>> def count(deliver):
    ...     for number in range(1000):
    ...         if deliver(number):
    ...             return
    >>> numbers = iterate_callback(count)
    >>> next(numbers), next(numbers)
    (0, 1)
    >>> numbers.close()
    """
    running = _Running(call)
    try:
        while (item := running.arrived.get()) is not None:
            if isinstance(item, Exception):
                raise ModelError(f"llama.cpp failed while answering: {item}") from item
            yield item
    finally:
        running.unwanted.set()


class _Running(Generic[Item]):
    """The thread of one call, what it delivered, and the wish that it end."""

    def __init__(self, call: Call[Item]) -> None:
        self.arrived: SimpleQueue[Item | Exception | None] = SimpleQueue()
        self.unwanted = threading.Event()
        self._call = call
        # A daemon, joined by `_end`: a thread that is none would be waited for before it is told
        # to stop, and one that still calls back when the interpreter is gone would crash it.
        self._thread = threading.Thread(target=self._run, name="callback", daemon=True)
        atexit.register(self._end)
        self._thread.start()

    def _deliver(self, item: Item) -> bool:
        self.arrived.put(item)
        return self.unwanted.is_set()

    def _run(self) -> None:
        try:
            self._call(self._deliver)
        except (RuntimeError, ValueError, MemoryError) as error:
            self.arrived.put(error)
        finally:
            atexit.unregister(self._end)
            self.arrived.put(None)

    def _end(self) -> None:
        self.unwanted.set()
        self._thread.join()
