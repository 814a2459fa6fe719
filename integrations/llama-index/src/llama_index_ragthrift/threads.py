"""Lets a blocking generator be awaited."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


async def in_threads(source: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """Its values, each waited for in a thread; whoever stops early closes the generator.

    A cancelled task leaves a thread behind that still waits for the next value, and a generator
    cannot be closed while it runs: hence the lock.
    """
    turn = threading.Lock()

    def advance() -> list[T]:
        with turn:
            return list(islice(source, 1))

    def close() -> None:
        with turn:
            source.close()

    try:
        while value := await asyncio.to_thread(advance):
            yield value[0]
    finally:
        await asyncio.to_thread(close)
