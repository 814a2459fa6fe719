"""Both stores keep the same promises."""

import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragthrift.errors import InputError
from ragthrift.ledger import (
    Call,
    JsonlLedger,
    Ledger,
    Processing,
    Segment,
    SqliteLedger,
    open_ledger,
)
from ragthrift.ledger.json_form import packed, unpacked
from ragthrift.usage import Savings, Usage

Open = Callable[[], JsonlLedger | SqliteLedger]


@pytest.fixture(params=["calls.jsonl", "calls.db"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def call(number: int, at: float = 0.0, request_type: str = "faq") -> Call:
    return Call(
        model="m", usage=Usage(number, 1), at=at, id=f"call-{number}", request_type=request_type
    )


def numbers(ledger: Ledger) -> list[int]:
    return sorted(one.usage.input_tokens for one in ledger.calls())


FULL = Call(
    model="claude-haiku-4-5",
    usage=Usage(900, 80, 400, 300),
    classes={"cache_write_1h_tokens": 200},
    provider="anthropic",
    processing="flex",
    measured=False,
    answered_by_cache=True,
    request_type="faq",
    purpose="repair",
    segments=(
        Segment.of("system", "Be brief.", tokens=3),
        Segment("document", "00ffab12cd34ef56", 500, "doc 1", used=True),
        Segment("document", "10ffab12cd34ef56", 300, "doc 2", used=False, text="Soup \ud83c"),
        Segment("question", "20ffab12cd34ef56", 12, text="When?"),
    ),
    question="signature",
    at=1_790_000_000.25,
    id="one",
    session="ann",
    trace="run 7",
    seconds=1.5,
    first_token_seconds=0.25,
    max_tokens=500,
    finish_reason="length",
    retries=2,
    error="TimeoutError",
    savings={"compress": Savings(900, 300)},
    tags=("eu", "beta"),
)


def test_a_call_comes_back_as_it_was(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.record(FULL)
        ledger.record(call(1))
    with open_ledger(path) as ledger:
        kept = {one.id: one for one in ledger.calls()}
    assert kept == {"one": FULL, "call-1": call(1)}
    assert dict(kept["one"].savings) == dict(FULL.savings)
    assert dict(kept["one"].classes) == dict(FULL.classes)
    texts = [segment.text for segment in kept["one"].segments]
    assert texts[0] is None
    assert texts[3] == "When?"


_words = st.text(st.characters(codec="utf-8"), max_size=8)
_segments = st.builds(
    Segment,
    st.sampled_from(["tools", "system", "example", "document", "history", "question", "other"]),
    st.one_of(st.text("0123456789abcdef", min_size=16, max_size=16), _words),
    st.integers(0, 10**9),
    _words,
    st.sampled_from([None, True, False]),
    st.none(),
)
_calls = st.builds(
    Call,
    model=_words,
    usage=st.builds(Usage, st.integers(50, 10**9), st.integers(0, 10**9), st.integers(0, 20)),
    classes=st.dictionaries(_words, st.integers(0, 10**6), max_size=2),
    processing=st.sampled_from(Processing.__args__),  # type: ignore[attr-defined]
    segments=st.lists(_segments, max_size=4).map(tuple),
    at=st.floats(0, 4e9),
    seconds=st.one_of(st.none(), st.floats(0, 1e6)),
    tags=st.lists(_words, max_size=2).map(tuple),
    savings=st.dictionaries(_words, st.builds(Savings, st.floats(0, 9), st.floats(0, 9))),
)


@settings(max_examples=60, deadline=None)
@given(calls=st.lists(_calls, max_size=3))
def test_any_calls_come_back(calls: list[Call]) -> None:
    assert [unpacked(json.loads(json.dumps(packed(one)))) for one in calls] == calls
    with SqliteLedger() as ledger:
        for one in calls:
            ledger.record(one)
        kept = {one.id: one for one in ledger.calls()}
    assert kept == {one.id: one for one in calls}


def test_calls_are_found_by_time_and_type(path: Path) -> None:
    with open_ledger(path) as ledger:
        for n in range(6):
            ledger.record(call(n, at=n, request_type="even" if n % 2 == 0 else "odd"))
        between = [one.usage.input_tokens for one in ledger.calls(since=1, until=4)]
        even = [one.usage.input_tokens for one in ledger.calls(request_type="even")]
        both = [one.at for one in ledger.calls(since=1, request_type="odd")]
        assert (between, even, both) == ([1, 2, 3], [0, 2, 4], [1, 3, 5])
        assert list(ledger.calls(request_type="none such")) == []


def test_more_than_a_page_comes_in_the_order_of_time(tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "calls.db") as ledger:
        for n in range(5000):
            ledger.record(call(n, at=(n * 7919) % 5000 // 3))
        times = [one.at for one in ledger.calls()]
    assert len(times) == 5000
    assert times == sorted(times)


def test_a_database_keeps_a_call_once(tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "calls.db") as ledger:
        for _ in range(3):
            ledger.record(call(1))
        assert numbers(ledger) == [1]


def test_threads_lose_nothing(path: Path) -> None:
    with open_ledger(path) as ledger:
        threads = [
            threading.Thread(
                target=lambda t=t: [ledger.record(call(t * 500 + n)) for n in range(500)]
            )
            for t in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert numbers(ledger) == list(range(3000))


def _record_some(ledger: JsonlLedger | SqliteLedger, start: int) -> None:
    for n in range(start, start + 300):
        ledger.record(call(n))


def test_forked_processes_lose_nothing(path: Path) -> None:
    """They share the object that the parent made, and end without `atexit`."""
    ledger = open_ledger(path)
    _record_some(ledger, 0)
    ledger.flush()
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_record_some, args=(ledger, n * 300)) for n in (1, 2, 3)]
    for worker in workers:
        worker.start()
    _record_some(ledger, 1200)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert numbers(ledger) == list(range(1500))
    ledger.close()


def _python(code: str, *arguments: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


RECORDS = """
    import sys, time
    from ragthrift.ledger import Call, open_ledger
    from ragthrift.usage import Usage
    ledger = open_ledger(sys.argv[1])
    for n in range(int(sys.argv[2]), int(sys.argv[2]) + 2000):
        ledger.record(Call(model="m", usage=Usage(n, 1), id=f"call-{n}"))
"""


def test_programs_that_end_lose_nothing(path: Path) -> None:
    programs = [_python(RECORDS, path, start) for start in (0, 2000)]
    assert [program.wait(60) for program in programs] == [0, 0]
    for program in programs:
        assert program.communicate()[0] == b""
    with open_ledger(path) as ledger:
        assert numbers(ledger) == list(range(4000))


FOREVER = (
    RECORDS
    + """
        if n % 50 == 49:
            ledger.flush()
            print(n, flush=True)
"""
)


def test_what_was_flushed_survives_a_kill(path: Path) -> None:
    program = _python(FOREVER.replace("+ 2000", "+ 10**9"), path, 0)
    assert program.stdout
    told = [int(program.stdout.readline()) for _ in range(5)]
    os.kill(program.pid, signal.SIGKILL)
    rest, _ = program.communicate()
    last = [int(line) for line in rest.splitlines() if line.strip()] or told
    with open_ledger(path) as ledger:
        kept = numbers(ledger)
        assert kept == list(range(len(kept)))
        assert len(kept) > last[-1]
        ledger.record(call(10**8))
        assert numbers(ledger)[-1] == 10**8


def test_a_broken_line_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "calls.jsonl"
    with JsonlLedger(path) as ledger:
        ledger.record(call(1))
    with open(path, "ab") as file:
        file.write(b'{"v":1,"at":3.0,"model":"m","usa')
    with JsonlLedger(path) as ledger:
        ledger.record(call(2))
        assert numbers(ledger) == [1, 2]
        assert numbers(ledger) == [1, 2]
        assert ledger.tally.counts() == {"broken": 2}
    assert len(caplog.records) == 1
    path.write_text('\n{"v": 9, "model": "m"}\n[1]\n{"model": "m", "usage": {"x": 1}, "at": 1}\n7')
    with JsonlLedger(path) as ledger:
        assert numbers(ledger) == []
        assert ledger.tally.counts() == {"broken": 4}


def test_a_disk_that_fails_is_counted_and_not_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = JsonlLedger("/dev/full") if os.path.exists("/dev/full") else None
    if ledger is None:
        pytest.skip("needs /dev/full")
    for n in range(10):
        ledger.record(call(n))
    ledger.flush()
    assert ledger.tally.counts()["lost"] == 10
    assert len(caplog.records) == 1


def test_a_call_that_cannot_be_written_takes_no_other_with_it(path: Path) -> None:
    odd = Call(model="m", usage=Usage(10**30, 1)) if path.suffix == ".db" else None
    odd = odd or Call(model="m", usage=Usage(1, 1), classes={"x": 1}, error=b"no text")  # type: ignore[arg-type]
    with open_ledger(path) as ledger:
        for one in (call(1), odd, call(2)):
            ledger.record(one)
        assert numbers(ledger) == [1, 2]
        assert ledger.tally.counts() == {"lost": 1}


def test_a_full_queue_is_counted(tmp_path: Path) -> None:
    from ragthrift.failures import Tally
    from ragthrift.ledger.write_behind import WriteBehind

    opened, written, tally = threading.Event(), list[Call](), Tally("ledger", "pass")

    def slowly(calls: object) -> None:
        opened.wait(20)
        written.extend(calls)  # type: ignore[arg-type]

    behind = WriteBehind(slowly, tally, room=5)
    behind.put(call(0))
    while behind._waiting:  # until the thread has taken the first
        time.sleep(0.001)
    for n in range(1, 9):
        behind.put(call(n))
    assert tally.counts() == {"lost": 3}
    opened.set()
    assert behind.flush()
    assert len(written) == 6


def test_a_file_is_opened_by_its_suffix(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "a.sqlite") as ledger:
        assert isinstance(ledger, Ledger)
        assert isinstance(ledger, SqliteLedger)
    with pytest.raises(InputError, match="must end in"):
        open_ledger(tmp_path / "calls.txt")
    with pytest.raises(InputError, match="cannot write"):
        open_ledger(tmp_path / "none" / "calls.jsonl")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(InputError, match="ledger"):
        open_ledger(other)
