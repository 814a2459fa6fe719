import threading
import time
from collections.abc import Callable

import pytest

from ragthrift.errors import ModelError
from ragthrift.local import LocalModel
from ragthrift.local.callback import Arrivals, iterate_callback
from ragthrift.types import Message


def test_who_waits_for_an_item_is_freed_at_once() -> None:
    go_on, told = threading.Event(), threading.Event()

    def call(deliver: Callable[[int], bool]) -> None:
        go_on.wait(10)
        if deliver(1):
            told.set()

    arrivals: Arrivals[int] = Arrivals()
    threading.Timer(0.05, arrivals.stop).start()
    assert list(iterate_callback(call, arrivals)) == []
    go_on.set()
    assert told.wait(10)


@pytest.mark.model
def test_an_answer_is_stopped_while_its_prompt_is_read(smollm2: LocalModel) -> None:
    prompt = [Message("user", "The mill stands by the river. " * 110)]
    pieces = smollm2.stream(prompt, max_tokens=20)
    got: list[object] = []

    def read() -> None:
        try:
            got.append(next(pieces))
        except ModelError as error:
            got.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.2)
    assert got == []
    started = time.monotonic()
    pieces.close()
    reader.join(10)
    assert time.monotonic() - started < 1
    assert len(got) == 1
    assert "its stream was closed" in str(got[0])
    assert next(pieces, None) is None
    assert smollm2.complete([Message("user", "Say yes.")], max_tokens=2).usage.output_tokens == 2


@pytest.mark.model
def test_a_stream_may_be_closed_before_and_after_it_was_read(smollm2: LocalModel) -> None:
    asked = [Message("user", "Say yes.")]
    unread = smollm2.stream(asked, max_tokens=2)
    unread.close()
    assert list(unread) == []
    read = smollm2.stream(asked, max_tokens=2)
    assert len(list(read)) == 2
    read.close()
