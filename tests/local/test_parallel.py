import random
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragthrift.errors import ContextOverflowError, InputError
from ragthrift.local import LocalModel, load_model
from ragthrift.local.session_slots import SessionSlots
from ragthrift.types import Message

pytestmark = pytest.mark.model

TOPICS = ("tea", "rain", "snow", "bread", "ships", "trees", "stars", "books")


def question(topic: str) -> list[Message]:
    return [Message("user", f"Write one short sentence about {topic}. " + f"I like {topic}. " * 8)]


def test_calls_at_the_same_time_have_the_answers_of_single_calls(smollm2: LocalModel) -> None:
    assert smollm2.runtime.parallel == 4

    def ask(topic: str) -> str:
        return smollm2.complete(question(topic), max_tokens=24).text

    # Once before, so that both times the prompts come from the cache: a prompt that is read anew
    # is rounded otherwise than one of which the last token is read alone.
    for topic in TOPICS:
        ask(topic)
    in_a_row = [ask(topic) for topic in TOPICS]
    with ThreadPoolExecutor(len(TOPICS)) as threads:
        assert list(threads.map(ask, TOPICS)) == in_a_row
    assert len(set(in_a_row)) == len(TOPICS)


def test_a_slot_has_a_whole_window(smollm2: LocalModel) -> None:
    assert smollm2.runtime.window == 1024
    with pytest.raises(ContextOverflowError):
        smollm2.complete([Message("user", " tea" * 990)], max_tokens=8)
    long = smollm2.complete([Message("user", " tea" * 900)], max_tokens=2)
    assert long.usage.input_tokens > 900


def test_sessions_take_the_slot_that_rested_longest() -> None:
    slots = SessionSlots(3)
    assert [slots.of(name) for name in "abcabd"] == [0, 1, 2, 0, 1, 2]
    assert [slots.of(name) for name in "dcab"] == [2, 0, 1, 2]


def test_sessions_find_their_prefix_though_there_are_more_than_slots(smollm2_path: Path) -> None:
    with load_model(smollm2_path, n_ctx=512, slots=2) as llm:
        talks = {topic: [Message("user", f"We talk about {topic}. " * 20)] for topic in TOPICS[:3]}
        for topic, talk in talks.items():
            llm.complete(talk, max_tokens=1, session=topic)
        for topic, talk in talks.items():
            longer = [Message("user", talk[0].content + " What do you think?")]
            usage = llm.complete(longer, max_tokens=1, session=topic).usage
            assert usage.cache_read_tokens > 80, topic
            assert usage.fresh_tokens < 20, topic


def memory_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def test_many_threads_with_all_kinds_of_calls(continuing: LocalModel) -> None:
    """Cancelled, overlong, broken and right calls at once: nobody gets a neighbour's answer."""
    done: dict[str, int] = {}

    def asked(topic: str) -> list[Message]:
        return [Message("user", f"The word is {topic}.\n" * 10 + "The word is")]

    def check(topic: str, text: str) -> None:
        assert text.startswith(f" {topic}")  # however it is rounded

    def answered(topic: str) -> None:
        check(topic, continuing.complete(asked(topic), max_tokens=4).text)

    def in_a_session(topic: str) -> None:
        check(topic, continuing.complete(asked(topic), max_tokens=4, session=topic).text)

    def cancelled(topic: str) -> None:
        pieces = continuing.stream(asked(topic), max_tokens=50)
        assert f" {topic}".startswith(next(pieces))
        pieces.close()

    def overlong(topic: str) -> None:
        with pytest.raises(ContextOverflowError):
            continuing.complete([Message("user", f" {topic}" * 2000)], max_tokens=5)

    def with_a_nul(topic: str) -> None:
        assert continuing.complete([Message("user", f"{topic}\0")], max_tokens=5).text

    def malformed(topic: str) -> None:
        with pytest.raises(InputError):
            continuing.complete(asked(topic), max_tokens=5, schema={"type": topic})

    def bad_grammar(topic: str) -> None:
        with pytest.raises(InputError):
            continuing.complete(asked(topic), max_tokens=5, grammar=f"root ::= {topic} ::")

    kinds: list[Callable[[str], None]] = [
        answered, answered, in_a_session, cancelled, overlong, with_a_nul, malformed, bad_grammar,
    ]  # fmt: skip
    until = time.monotonic() + 12

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < until:
            kind = chance.choice(kinds)
            kind(chance.choice(TOPICS))
            done[kind.__name__] = done.get(kind.__name__, 0) + 1

    threads_before, memory_before = threading.active_count(), memory_mib()
    with ThreadPoolExecutor(16) as threads:
        for ended in [threads.submit(work, seed) for seed in range(16)]:
            ended.result(timeout=120)
    assert set(done) == {kind.__name__ for kind in kinds}
    answered("tea")
    assert memory_mib() - memory_before < 200
    deadline = time.monotonic() + 30
    while threading.active_count() > threads_before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= threads_before


def test_calls_behind_one_that_fails_are_answered(smollm2_path: Path) -> None:
    # llama.cpp looks for waiting calls when an answer ends, and a bad grammar has no answer.
    with load_model(smollm2_path, n_ctx=512, slots=1) as llm, ThreadPoolExecutor(4) as threads:
        long = threads.submit(llm.complete, question("tea"), max_tokens=60)
        time.sleep(0.3)
        bad = [
            threads.submit(llm.complete, question("tea"), max_tokens=5, grammar="root ::= x ::")
            for _ in range(2)
        ]
        time.sleep(0.2)
        good = threads.submit(llm.complete, question("rain"), max_tokens=5)
        assert good.result(60).usage.output_tokens == 5
        assert all(isinstance(call.exception(60), InputError) for call in bad)
        assert long.result(60).text
