"""A call that reports by callback, turned into a generator."""

import atexit
import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import TypeVar

from ragthrift.errors import ModelError

Item = TypeVar("Item")


def iterate_callback(
    call: Callable[[Callable[[Item], bool]], object],
) -> Generator[Item, None, None]:
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
    arrived: SimpleQueue[Item | Exception | None] = SimpleQueue()
    unwanted = threading.Event()

    def deliver(item: Item) -> bool:
        arrived.put(item)
        return unwanted.is_set()

    def run() -> None:
        try:
            call(deliver)
        except (RuntimeError, ValueError, MemoryError) as error:
            arrived.put(error)
        finally:
            atexit.unregister(end)
            arrived.put(None)

    def end() -> None:
        unwanted.set()
        thread.join()

    # A daemon, joined by `end`: a thread that is none would be waited for before it is told to
    # stop, and one that still calls back when the interpreter is gone would crash the process.
    thread = threading.Thread(target=run, name="callback", daemon=True)
    atexit.register(end)
    thread.start()
    try:
        while (item := arrived.get()) is not None:
            if isinstance(item, Exception):
                raise ModelError(f"llama.cpp failed while answering: {item}") from item
            yield item
    finally:
        unwanted.set()
