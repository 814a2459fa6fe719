"""Blocking code beside an event loop: it runs in a thread and awaits on the loop."""

import asyncio
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from contextvars import copy_context
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

LOOK_AGAIN_SECONDS = 1.0
"""How often a waiting thread looks whether its loop is still there, and runs."""


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
        thread = _Thread()
        try:
            return await asyncio.wrap_future(thread.run(work))
        except asyncio.CancelledError:
            self._leave()
            raise
        finally:
            thread.end()
            self._answered = True

    async def each(self, work: Generator[T, None, Any]) -> AsyncGenerator[T, None]:
        """Await the values of a blocking generator, each made when it is asked for.

        Whoever stops early closes it: at once between two values, else when the one that is being
        made has come or was cancelled.
        """
        thread, self._answered = _Thread(), False
        making: Future[list[T]] | None = None
        try:
            while value := await asyncio.wrap_future(
                making := thread.run(lambda: list(islice(work, 1)))
            ):
                yield value[0]
        finally:
            self._leave()
            closing = thread.run(work.close)
            thread.end()
            if making is not None and making.done():
                await asyncio.wrap_future(closing)
            self._answered = True

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """From the thread: what a coroutine gives that runs on the loop."""
        return self._result(self._scheduled(coroutine))

    def values(self, source: AsyncIterable[T]) -> Iterator[T]:
        """From the thread: the values of an asynchronous iterator, read on the loop by one task."""
        read: SimpleQueue[list[T]] = SimpleQueue()

        async def pump() -> None:
            async for value in source:
                read.put([value])

        pumping = self._scheduled(pump())
        pumping.add_done_callback(lambda _: read.put([]))
        try:
            while value := self._next(read):
                yield value[0]
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


class _Thread:
    """Runs calls in order, all in one copy of the context of whoever made it.

    A daemon: a call that hangs does not keep the program from ending.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        context = copy_context()
        threading.Thread(
            target=context.run, args=(self._work,), daemon=True, name="ragthrift"
        ).start()

    def run(self, call: Callable[[], T]) -> Future[T]:
        """Its result; who no longer awaits it does not stop it."""
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()

        def run() -> None:
            try:
                done.set_result(call())
            except BaseException as error:  # noqa: BLE001 - it is raised where this is awaited
                done.set_exception(error)

        self._calls.put(run)
        return done

    def end(self) -> None:
        """End after the calls that were given."""
        self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            call()
