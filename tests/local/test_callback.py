import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from ragthrift.errors import ModelError
from ragthrift.local.callback import Pulse, iterate_callback


def test_items_come_in_order_and_end() -> None:
    def call(deliver: Callable[[int], bool]) -> None:
        assert not any(deliver(number) for number in range(5))

    assert list(iterate_callback(call)) == [0, 1, 2, 3, 4]


def test_closing_asks_the_call_to_stop() -> None:
    stopped, go_on = threading.Event(), threading.Event()

    def call(deliver: Callable[[int], bool]) -> None:
        deliver(1)
        go_on.wait(10)
        if deliver(2):
            stopped.set()

    items = iterate_callback(call)
    assert next(items) == 1
    items.close()
    go_on.set()
    assert stopped.wait(10)


def test_an_error_comes_after_what_was_delivered() -> None:
    def call(deliver: Callable[[int], bool]) -> None:
        deliver(1)
        raise RuntimeError("out of slots")

    items = iterate_callback(call)
    assert next(items) == 1
    with pytest.raises(ModelError, match="out of slots") as caught:
        next(items)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_call_that_ends_leaves_no_thread() -> None:
    before = threading.active_count()

    def call(deliver: Callable[[str], bool]) -> None:
        deliver(threading.current_thread().name)

    assert list(iterate_callback(call)) == ["callback"]
    for thread in threading.enumerate():
        if thread.name == "callback":
            thread.join(10)
    assert threading.active_count() == before


def test_the_process_ends_soon_though_the_call_would_go_on() -> None:
    code = """
import time
from ragthrift.local.callback import Pulse, iterate_callback
def call(deliver):
    while not deliver(1):
        time.sleep(0.01)
    print("stopped")
items = iterate_callback(call)
next(items)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert (ended.stdout, ended.stderr) == ("stopped\n", "")


def test_a_loop_that_hangs_is_left_behind() -> None:
    """Nothing came for too long to any call: whoever waits is told, and waits no longer."""
    pulse, forever = Pulse(0.2), threading.Event()

    def hangs(deliver: Callable[[int], bool]) -> None:
        with pulse.call():
            pulse.beat()
            deliver(1)
            forever.wait(60)

    items = iterate_callback(hangs, pulse=pulse)
    assert next(items) == 1
    with pytest.raises(ModelError, match="loop hangs"):
        next(items)
    forever.set()


def test_a_call_may_wait_for_its_turn_while_others_are_answered() -> None:
    pulse, done = Pulse(1.5), threading.Event()

    def busy(deliver: Callable[[int], bool]) -> None:
        with pulse.call():
            for number in range(25):
                pulse.beat()
                deliver(number)
                done.wait(0.1)
        done.set()

    def waits(deliver: Callable[[int], bool]) -> None:
        with pulse.call():
            done.wait(60)
            deliver(7)

    first = iterate_callback(busy, pulse=pulse)
    assert next(first) == 0
    assert list(iterate_callback(waits, pulse=pulse)) == [7]
    assert not pulse.stopped
    assert len(list(first)) == 24
