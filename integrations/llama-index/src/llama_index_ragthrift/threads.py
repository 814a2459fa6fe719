"""Threads that work for an event loop: each call has its own.

A pool that has a limit, such as the one of `asyncio.to_thread`, can be full of threads that wait
for what needs a thread of that pool.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


async def in_own_thread(call: Callable[[], T]) -> T:
    """Its result, waited for; a cancelled task leaves the thread behind to finish."""
    with _thread() as thread:
        return await _run(thread, call)


async def in_threads(source: Generator[T, None, Any]) -> AsyncGenerator[T, None]:
    """Its values, each waited for in a thread; whoever stops early closes the generator.

    A cancelled task leaves a call behind that still waits for the next value. A generator cannot
    be closed while it runs: the one thread does so afterwards.
    """
    with _thread() as thread:
        try:
            while value := await _run(thread, lambda: list(islice(source, 1))):
                yield value[0]
        finally:
            await _run(thread, source.close)


class Loop:
    """The event loop of whoever asks, for a thread that works for it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def run(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of what is awaited on the loop; not to be called there."""
        return self._start(call).result()

    def values(self, source: AsyncIterable[T]) -> Generator[T, None, None]:
        """The values of what is iterated on the loop, in one task; closing cancels it."""
        values: SimpleQueue[list[T]] = SimpleQueue()

        async def read() -> None:
            async for value in source:
                values.put([value])

        reading = self._start(read)
        reading.add_done_callback(lambda _: values.put([]))
        try:
            while value := values.get():
                yield value[0]
            reading.result()
        finally:
            reading.cancel()

    def _start(self, call: Callable[[], Coroutine[Any, Any, T]]) -> "Future[T]":
        if self._loop.is_closed():
            raise RuntimeError("the event loop that asked has ended")
        return asyncio.run_coroutine_threadsafe(call(), self._loop)


@contextmanager
def _thread() -> Generator[ThreadPoolExecutor, None, None]:
    thread = ThreadPoolExecutor(1)
    try:
        yield thread
    finally:
        thread.shutdown(wait=False)


async def _run(thread: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, copy_context().run, call)
