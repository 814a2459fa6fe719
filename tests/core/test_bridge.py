"""Blocking code beside an event loop: what is awaited, what is stopped, and what never hangs."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Generator
from contextvars import ContextVar

import pytest

from ragthrift.bridge import Bridge

pytestmark = pytest.mark.timeout(30)
NAME: ContextVar[str] = ContextVar("name", default="nobody")


class Counting:
    """A generator of numbers that takes its time and notes what becomes of it."""

    def __init__(self, seconds: float = 0.0, last: int = 3) -> None:
        self.seconds, self.last = seconds, last
        self.made: list[int] = []
        self.closed = threading.Event()

    def __iter__(self) -> Generator[int, None, None]:
        try:
            for number in range(self.last):
                time.sleep(self.seconds)
                self.made.append(number)
                yield number
        finally:
            self.closed.set()


async def slept(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


async def test_results_and_errors_come_through() -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    bridge = Bridge()
    assert await bridge.call(lambda: bridge.wait(slept(0))) == "slept"
    with pytest.raises(LookupError, match="nothing there"):
        await bridge.call(fail)


async def test_more_calls_than_any_pool_has_threads_wait_for_the_last() -> None:
    all_there = threading.Barrier(64)
    calls = (Bridge().call(lambda: all_there.wait(20)) for _ in range(64))
    assert sorted(await asyncio.gather(*calls)) == list(range(64))


async def test_the_context_is_that_of_the_asker_on_both_sides() -> None:
    async def named() -> str:
        return NAME.get()

    def both(bridge: Bridge) -> tuple[str, str]:
        return NAME.get(), bridge.wait(named())

    async def ask(name: str) -> tuple[str, str]:
        NAME.set(name)
        bridge = Bridge()
        return await bridge.call(lambda: both(bridge))

    assert list(await asyncio.gather(ask("ann"), ask("bob"))) == [("ann", "ann"), ("bob", "bob")]


async def test_a_generator_runs_in_one_context_to_its_end() -> None:
    def spans() -> Generator[str, None, None]:
        token = NAME.set("span")
        yield NAME.get()
        yield NAME.get()
        NAME.reset(token)  # an error in another context than that of set()
        yield NAME.get()

    assert [name async for name in Bridge().each(spans())] == ["span", "span", "nobody"]


async def test_who_is_cancelled_cancels_what_the_thread_awaits() -> None:
    ended = asyncio.Event()

    async def model() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    bridge = Bridge()
    asking = asyncio.create_task(bridge.call(lambda: bridge.wait(model())))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(ended.wait(), 5)


async def test_what_the_thread_begins_after_that_is_cancelled_too() -> None:
    go_on = threading.Event()
    outcome: list[str] = []

    def work() -> None:
        go_on.wait(10)
        try:
            bridge.wait(slept(60))
        except asyncio.CancelledError:
            outcome.append("cancelled")

    bridge = Bridge()
    asking = asyncio.create_task(bridge.call(work))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go_on.set()
    while not outcome:
        await asyncio.sleep(0.01)


async def test_values_are_made_when_they_are_asked_for() -> None:
    counting = Counting()
    async for number in Bridge().each(iter(counting)):
        await asyncio.sleep(0.02)
        assert counting.made[-1] == number
    assert counting.closed.is_set()


async def test_who_stops_between_two_values_closes_the_generator_at_once() -> None:
    counting = Counting()
    values = Bridge().each(iter(counting))
    await anext(values)
    await values.aclose()
    assert counting.closed.is_set()
    assert counting.made == [0]


async def test_who_is_cancelled_in_a_value_does_not_wait_for_it() -> None:
    counting = Counting(seconds=0.5)

    async def read() -> None:
        async for _ in Bridge().each(iter(counting)):
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    reading.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert time.monotonic() - began < 0.3
    assert await asyncio.to_thread(counting.closed.wait, 5)
    assert counting.made == [0]


async def test_an_error_between_values_is_raised_where_they_are_read() -> None:
    def breaks() -> Generator[int, None, None]:
        yield 1
        raise ConnectionError("the line is cut")

    values = Bridge().each(breaks())
    assert await anext(values) == 1
    with pytest.raises(ConnectionError, match="cut"):
        await anext(values)


async def test_an_asynchronous_stream_is_read_by_one_task_and_closed_with_its_reader() -> None:
    tasks, closed = set(), asyncio.Event()

    async def stream() -> AsyncIterator[int]:
        try:
            for number in range(1000):
                tasks.add(asyncio.current_task())
                await asyncio.sleep(0.01)
                yield number
        finally:
            closed.set()

    def read(bridge: Bridge) -> Generator[int, None, None]:
        yield from bridge.values(stream())

    bridge = Bridge()
    values = bridge.each(read(bridge))
    assert [await anext(values) for _ in range(3)] == [0, 1, 2]
    await values.aclose()
    await asyncio.wait_for(closed.wait(), 5)
    assert len(tasks) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_that_closed_leaves_no_thread_behind(streamed: bool) -> None:
    outcome: list[str] = []
    began, go_on = threading.Event(), threading.Event()

    async def endless() -> AsyncIterator[int]:
        while True:
            yield 1
            await asyncio.sleep(60)

    def behind(bridge: Bridge) -> None:
        try:
            began.set()
            if streamed:
                list(bridge.values(endless()))
            go_on.wait(10)
            bridge.wait(slept(60))
        except asyncio.CancelledError:
            outcome.append("cancelled")

    async def ask() -> None:
        bridge = Bridge()
        threads.append(threading.Thread(target=behind, args=(bridge,)))
        threads[0].start()
        await asyncio.to_thread(began.wait, 10)
        await asyncio.sleep(0.05)

    threads: list[threading.Thread] = []
    asyncio.run(ask())
    go_on.set()
    threads[0].join(10)
    assert outcome == ["cancelled"]


async def test_a_thread_behind_an_answer_gives_up_on_a_loop_that_waits_for_it() -> None:
    outcome: list[str] = []

    def refresh() -> None:
        try:
            bridge.wait(slept(60))
        except asyncio.CancelledError:
            outcome.append("cancelled")

    bridge = Bridge()
    await bridge.call(lambda: None)
    thread = threading.Thread(target=refresh)
    thread.start()
    thread.join(10)  # on the loop, as closing a cache does
    assert outcome == ["cancelled"]


async def test_a_busy_loop_does_not_end_a_stream_of_an_answered_bridge() -> None:
    async def model() -> AsyncIterator[str]:
        yield "At "
        await asyncio.sleep(0.01)
        yield "nine."

    def read() -> Generator[str, None, None]:
        yield bridge.wait(slept(2.5))
        yield from bridge.values(model())

    async def block() -> None:
        await asyncio.sleep(0.1)
        time.sleep(2.3)  # other code that holds the loop

    bridge = Bridge()
    await bridge.call(lambda: None)
    blocking = asyncio.create_task(block())
    assert [piece async for piece in bridge.each(read())] == ["slept", "At ", "nine."]
    await blocking
