"""What is recorded behind the request, and what happens when it cannot be."""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from ragthrift import InputError, Message, Passage, Savings, Usage
from ragthrift.ledger import BilledTokens, Call, JsonlLedger, Observed, Prompt, Recorder


class Kept:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.flushed = 0

    def record(self, call: Call) -> None:
        self.calls.append(call)

    def flush(self) -> None:
        self.flushed += 1


class Stuck(Kept):
    """Holds whoever records until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def record(self, call: Call) -> None:
        self.go.wait(30)
        super().record(call)


def told(text: str = "When is soup?", **more: object) -> Observed:
    fields: dict[str, object] = {"answer": "At noon.", "model": "gpt-5-mini", **more}
    return Observed(prompt=Prompt(messages=[Message("user", text)]), **fields)  # type: ignore[arg-type]


def test_calls_are_recorded_in_order() -> None:
    kept = Kept()
    with Recorder(kept) as recorder:
        for number in range(500):
            recorder.put(lambda number=number: [told(request_type=str(number))])  # type: ignore[misc]
    assert [call.request_type for call in kept.calls] == [str(n) for n in range(500)]
    assert kept.flushed == 1


def test_what_finds_no_room_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    stuck = Stuck()
    recorder = Recorder(stuck, room=3)
    for _ in range(50):
        recorder.put(lambda: [told()])
    assert not recorder.flush(0.01)
    stuck.go.set()
    assert recorder.flush(10)
    assert len(stuck.calls) + recorder.dropped == 50
    assert recorder.dropped >= 46
    assert len([m for m in caplog.messages if "dropped" in m]) == 1


def test_what_fails_takes_nothing_else_with_it() -> None:
    kept = Kept()

    def broken() -> list[Observed]:
        raise RuntimeError("odd")

    def worse() -> list[Observed]:
        raise KeyboardInterrupt

    with Recorder(kept) as recorder:
        for tell in (broken, worse, lambda: [told()]):
            recorder.put(tell)
    assert len(kept.calls) == 1
    assert sum(recorder.failures.values()) == 2


def test_a_function_that_fails_names_nothing() -> None:
    kept = Kept()

    def named(_: Observed) -> str:
        raise KeyError("tenant")

    with Recorder(kept, request_type=named) as recorder:
        recorder.put(lambda: [told(request_type="faq")])
    assert kept.calls[0].request_type == "faq"
    assert recorder.failures == {"request_type": 1}


def test_errors_are_raised_where_that_is_asked_for() -> None:
    def named(_: Observed) -> str:
        raise KeyError("tenant")

    recorder = Recorder(Kept(), request_type=named, on_error="raise")
    with pytest.raises(KeyError, match="tenant"):
        recorder.put(lambda: [told()])


def test_a_ledger_is_needed() -> None:
    with pytest.raises(InputError, match="open_ledger"):
        Recorder("calls.db")  # type: ignore[arg-type]


def test_a_spared_call_has_the_tokens_of_the_last_one() -> None:
    recorder = Recorder(Kept(), on_error="raise")
    billed = BilledTokens(Usage(1200, 80))
    spared = told(answered_by_cache=True, model="", request_type="faq")
    recorder.put(lambda: [spared, told(billed=billed, request_type="faq"), spared])
    first, made, last = recorder.ledger.calls  # type: ignore[attr-defined]
    assert (first.model, first.usage.output_tokens) == ("", 2)
    assert (last.model, last.usage, last.measured) == (made.model, made.usage, False)


def test_savings_add_up_by_lever() -> None:
    long, short = Passage("Soup is at noon. Really.", "a"), Passage("Fish.", "b")
    trims = [([long, short], [long]), ([long], [long.with_text("Soup is at noon.")])]
    call = Recorder(Kept()).call(told(trims=trims))
    assert call.savings == {"rerank": Savings(8, 6), "compress": Savings(6, 4)}


def test_a_recorder_that_is_forgotten_ends_its_thread_and_loses_nothing() -> None:
    kept = Kept()
    recorder = Recorder(kept)
    recorder.put(lambda: [told()])
    behind = weakref.ref(recorder._behind)
    recorder.flush()
    del recorder
    for thread in threading.enumerate():
        if thread.name == "ragthrift-ledger":
            thread.join(10)
    gc.collect()
    assert behind() is None
    assert len(kept.calls) == 1


PROGRAM = """
import sys
from ragthrift import Message
from ragthrift.ledger import JsonlLedger, Observed, Prompt, Recorder

recorder = Recorder(JsonlLedger(sys.argv[1]))
prompt = Prompt(messages=[Message("user", "When is soup?")])
for _ in range(300):
    recorder.put(lambda: [Observed(prompt=prompt, model="gpt-5-mini")])
"""


def test_a_program_that_ends_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    subprocess.run([sys.executable, "-c", PROGRAM, str(path)], check=True, timeout=60)
    with JsonlLedger(path) as ledger:
        assert len(list(ledger.calls())) == 300


def in_child(recorder: Recorder) -> None:
    recorder.put(lambda: [told(request_type="child")])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_records_its_own_and_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with JsonlLedger(path) as ledger:
        recorder = Recorder(ledger)
        recorder.put(lambda: [told(request_type="parent")])
        child = multiprocessing.get_context("fork").Process(target=in_child, args=(recorder,))
        child.start()
        child.join(60)
        recorder.flush()
        assert sorted(call.request_type for call in ledger.calls()) == ["child", "parent"]
