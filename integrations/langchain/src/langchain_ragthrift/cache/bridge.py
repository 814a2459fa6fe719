"""Blocking code beside an event loop: it runs in a thread and awaits on the loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import closing, suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

LOOK_AGAIN_SECONDS = 1.0
"""How often a waiting thread looks whether its loop is still there, and runs."""


class _End:
    """What comes after the last value."""


class Bridge:
    """Runs one piece of blocking code for the running loop.

    Each piece has a thread of its own: in a pool, those who wait for an answer could take all
    threads from those who make it. If whoever awaits it is cancelled, so is what the thread awaits.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._awaited: set[Future[Any]] = set()
        self._left = self._answered = False

    async def call(self, work: Callable[[], T]) -> T:
        """Await blocking code."""
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised where this is awaited
                done.set_exception(error)

        _start(run)
        try:
            return await asyncio.wrap_future(done)
        except asyncio.CancelledError:
            self._leave()
            raise
        finally:
            self._answered = True

    async def each(self, work: Generator[T, None, None]) -> AsyncGenerator[T, None]:
        """Await the values of a blocking iterator; whoever stops early stops it."""
        values: asyncio.Queue[T | _End | BaseException] = asyncio.Queue()

        def put(value: T | _End | BaseException) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody reads it
                self._loop.call_soon_threadsafe(values.put_nowait, value)

        def run() -> None:
            try:
                with closing(work):
                    for value in work:
                        if self._left:
                            return
                        put(value)
                put(_End())
            except BaseException as error:  # noqa: BLE001 - it is raised where this is awaited
                put(error)

        _start(run)
        try:
            while not isinstance(value := await values.get(), _End):
                if isinstance(value, BaseException):
                    raise value
                yield value
        finally:
            self._leave()

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """From the thread: what a coroutine gives that runs on the loop."""
        return self._result(self._scheduled(coroutine))

    def values(self, source: AsyncIterator[T]) -> Iterator[T]:
        """From the thread: the values of an asynchronous iterator, read on the loop by one task."""
        read: SimpleQueue[T | _End] = SimpleQueue()

        async def pump() -> None:
            async for value in source:
                read.put(value)

        pumping = self._scheduled(pump())
        pumping.add_done_callback(lambda _: read.put(_End()))
        try:
            while not isinstance(value := self._next(read), _End):
                yield value
            self._result(pumping)
        finally:
            pumping.cancel()

    def _scheduled(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()
            raise asyncio.CancelledError from None
        with self._lock:
            self._awaited.add(future)
        future.add_done_callback(self._awaited.discard)
        if self._left:
            future.cancel()
        return future

    def _result(self, future: Future[T]) -> T:
        done, alive = threading.Event(), threading.Event()
        future.add_done_callback(lambda _: done.set())
        alive.set()
        while not done.wait(LOOK_AGAIN_SECONDS):
            # Behind an answer already given, the loop may itself be waiting for this thread to end.
            if self._loop.is_closed() or (self._answered and not alive.is_set()):
                future.cancel()
                break
            alive.clear()
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(alive.set)
        try:
            return future.result()
        except CancelledError:
            # Not an `Exception`: whoever else waits for this answer is not cancelled.
            raise asyncio.CancelledError from None

    def _next(self, read: "SimpleQueue[T]") -> T:
        while True:
            try:
                return read.get(timeout=LOOK_AGAIN_SECONDS)
            except Empty:
                if self._loop.is_closed():
                    raise asyncio.CancelledError from None

    def _leave(self) -> None:
        with self._lock:
            self._left = True
            awaited = list(self._awaited)
        for future in awaited:
            future.cancel()


def _start(run: Callable[[], None]) -> None:
    context = copy_context()
    thread = threading.Thread(target=context.run, args=(run,), daemon=True)
    thread.name = "ragthrift-cache"
    thread.start()
