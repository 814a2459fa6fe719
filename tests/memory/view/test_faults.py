"""Whatever a summariser does, no message is lost and the view stays valid."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragthrift import Message, ModelError, Usage
from ragthrift.memory.ladder import SummariserLadder
from ragthrift.memory.llm_summariser import LLMSummariser
from ragthrift.memory.memory import ConversationMemory
from ragthrift.memory.sqlite_transcript import SqliteTranscript
from ragthrift.memory.summariser import Summary
from ragthrift.memory.transcript import Stored
from ragthrift.memory.view import SUMMARY
from ragthrift.testing import ScriptedLLM
from tests.memory.view.talks import (
    ROOM,
    Counting,
    Faulty,
    Hanging,
    answer,
    chat,
    cut_off,
    small,
)

ROOT = Path(__file__).parents[3]
TALK = [*chat(12), Message("user", "And now?")]


def raising(error: BaseException) -> Callable[[], Summary]:
    def fault() -> Summary:
        raise error

    return fault


FAULTS = {
    "raises": raising(ModelError("no such model")),
    "times out": raising(TimeoutError("too slow")),
    "breaks off": raising(ConnectionResetError()),
    "has a bug": raising(KeyError("choices")),
    "is empty": lambda: Summary(""),
    "is blank": lambda: Summary(" \n "),
    "is an error's text": lambda: Summary("Error code: 429 - {'error': 'rate limited'}"),
    "is an exception's text": lambda: Summary("openai.APITimeoutError: Request timed out."),
    "is a placeholder": lambda: Summary("Previous conversation was too long to summarize."),
    "is a refusal": lambda: Summary("I'm sorry, but I can't help with that."),
    "is cut off": lambda: Summary("They talk about the", finish_reason="length"),
    "is filtered": lambda: Summary("They talk", finish_reason="content_filter"),
    "is too long": lambda: Summary("word " * 500),
}


def memory_with(summariser: object, **given: object) -> ConversationMemory:
    return ConversationMemory(
        summariser=summariser,  # type: ignore[arg-type]
        policy=small(),
        room=ROOM,
        **given,  # type: ignore[arg-type]
    )


def kept(memory: ConversationMemory, session: str = "one") -> list[Message]:
    return [turn.message for turn in memory.transcript.load(session).turns]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_changes_nothing_and_is_tried_again(fault: Callable[[], Summary]) -> None:
    summariser = Faulty(fault, times=1)
    with memory_with(summariser) as memory:
        before = memory.view("one", TALK)
        assert before == TALK
        assert memory.after("one").result(30) is False
        assert memory.transcript.state("one").segments == ()
        assert memory.view("one", TALK) == before
        assert kept(memory) == TALK[1:]
        assert memory.report("one").account.failures == 1
        assert memory.after("one").result(30) is True
        after = memory.view("one", TALK)
        assert after[0] == TALK[0]
        assert after[-1] == TALK[-1]
        assert len(after) < len(TALK)
        assert kept(memory) == TALK[1:]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_earlier_summary_survives_a_later_fault(fault: Callable[[], Summary]) -> None:
    works = Counting(["allergic to peanuts"])
    transcript = SqliteTranscript()
    memory = memory_with(works, transcript=transcript)
    memory.view("one", TALK)
    assert memory.compact("one")
    before = memory.view("one", TALK)
    longer = [*TALK, *chat(12)[1:], Message("user", "Well?")]
    later = memory_with(Faulty(fault), transcript=transcript)
    later.view("one", longer)
    assert later.compact("one") is False
    seen = later.view("one", longer)
    assert "allergic to peanuts" in seen[1].content
    assert seen[: len(before)] == before
    assert kept(later) == longer[1:]
    later.close()


def test_tries_become_rarer_while_they_fail() -> None:
    summariser = Faulty(FAULTS["times out"])
    with memory_with(summariser) as memory:
        for _ in range(64):
            memory.view("one", TALK)
            memory.compact("one")
        assert 5 <= summariser.calls <= 8
        assert "too slow" in memory.explain("one").reason


def test_a_summariser_that_hangs_keeps_nobody_waiting() -> None:
    summariser = Hanging()
    with memory_with(summariser) as memory:
        memory.view("one", TALK)
        done = memory.after("one")
        assert summariser.begun.wait(30)
        assert memory.view("one", TALK) == TALK
        assert memory.after("one").result(30) is False, "two summarised the same turns"
        assert memory.view("two", TALK[:3]) == TALK[:3]
        summariser.go.set()
        assert done.result(30) is True
        assert len(memory.view("one", TALK)) < len(TALK)


def test_turns_said_while_a_summary_is_made_stay_word_for_word() -> None:
    summariser = Hanging()
    longer = [*TALK, Message("assistant", "Soup."), Message("user", "Thanks. And bread?")]
    with memory_with(summariser) as memory:
        memory.view("one", TALK)
        done = memory.after("one")
        assert summariser.begun.wait(30)
        assert memory.view("one", longer) == longer
        summariser.go.set()
        assert done.result(30) is True
        assert memory.view("one", longer)[-3:] == longer[-3:]


def test_two_memories_on_one_file_do_not_summarise_the_same_turns(tmp_path: Path) -> None:
    stores = [SqliteTranscript(tmp_path / "talks.db") for _ in range(2)]
    hanging, counting = Hanging(), Counting()
    first, second = (
        memory_with(summariser, transcript=store)
        for summariser, store in zip((hanging, counting), stores, strict=True)
    )
    first.view("one", TALK)
    second.view("one", TALK)
    done = first.after("one")
    assert hanging.begun.wait(30)
    assert second.compact("one") is False
    hanging.go.set()
    assert done.result(30) is True
    assert second.compact("one") is False, "there is nothing left to summarise"
    assert not counting.given
    assert second.view("one", TALK) == first.view("one", TALK)
    for store in stores:
        store.close()


def test_threads_keep_all_turns_and_valid_views() -> None:
    def talking(memory: ConversationMemory, session: str) -> None:
        talk = chat(40)
        for end in range(2, len(talk), 2):
            said = [*talk[:end], Message("user", session)]
            assert memory.view(session, said)[-1] == said[-1]
            memory.after(session, talk[: end + 1])

    with memory_with(Counting()) as memory, ThreadPoolExecutor(4) as pool:
        names = [f"s{n}" for n in range(8)]
        for work in [pool.submit(talking, memory, name) for name in names]:
            work.result(120)
        for name in names:
            assert memory.view(name, chat(40))[-1] == chat(40)[-1]
            assert kept(memory, name) == chat(40)[1:]
        assert memory.report().account.failures == 0
        assert memory.report().account.compactions > 8


def test_a_failing_store_is_told_and_stops_nothing_in_the_background() -> None:
    with memory_with(Counting()) as memory:
        memory.view("one", TALK)
        memory.transcript.close()
        with pytest.raises(sqlite3.ProgrammingError):
            memory.after("one").result(30)


def test_a_failed_model_costs_what_it_used() -> None:
    llm = ScriptedLLM([cut_off('{"summary": "They'), "no JSON", answer("They talk.")])
    with memory_with(LLMSummariser(llm)) as memory:
        memory.view("one", TALK)
        assert memory.compact("one") is False
        used = memory.report("one").account.summariser
        assert used.output_tokens == 9 + len("no JSON") // 4 + 1
        assert used.input_tokens > 50
        memory.view("one", TALK)
        assert memory.compact("one") is True


def test_the_next_rung_takes_over_and_both_are_paid() -> None:
    llm = ScriptedLLM(lambda messages: cut_off("{"))
    ladder = SummariserLadder([LLMSummariser(llm), Counting()])
    with memory_with(ladder) as memory:
        memory.view("one", TALK)
        assert memory.compact("one") is True
        assert memory.report("one").account.summariser == Usage(200, 28)


def test_a_ladder_without_a_rung_that_holds_changes_nothing() -> None:
    ladder = SummariserLadder([Faulty(FAULTS["times out"]), Faulty(FAULTS["is empty"])])
    with memory_with(ladder) as memory:
        memory.view("one", TALK)
        assert memory.compact("one") is False
        assert "too slow" in memory.explain("one").reason
        assert "empty" in memory.explain("one").reason


def test_a_merge_that_fails_keeps_the_new_summary() -> None:
    class Merging(Counting):
        def summarise(self, turns, **given):  # type: ignore[no-untyped-def]
            if turns[0].message.content.endswith(self.text):
                raise TimeoutError("too slow")
            made = super().summarise(turns, **given)
            return Summary("word " * 40 + self.text, made.facts, made.usage)

        text = "the end"

    with memory_with(Merging()) as memory:
        for end in range(12, 120, 6):
            memory.view("one", chat(end))
            memory.compact("one")
        account = memory.report("one").account
        assert account.failures > 0
        assert account.compactions > 3
        seen = memory.view("one", chat(120))
        assert sum(message.content.startswith(SUMMARY) for message in seen) > 3


DYING = """
import os
import sys
from tests.memory.view.talks import ROOM, Counting, DyingTranscript, Faulty, small
from tests.memory.view.test_faults import TALK
from ragthrift.memory.memory import ConversationMemory

path, when = sys.argv[1:]
transcript = DyingTranscript(path, when, lease_seconds=0.2)
summariser = Faulty(lambda: os._exit(9)) if when == "while" else Counting()
memory = ConversationMemory(
    summariser=summariser, policy=small(), room=ROOM, transcript=transcript
)
memory.view("one", TALK)
memory.after("one").result(30)
"""


@pytest.mark.parametrize("when", ["while", "before", "after"])
def test_a_process_that_dies_between_computing_and_applying(tmp_path: Path, when: str) -> None:
    path = str(tmp_path / "talks.db")
    done = subprocess.run(
        [sys.executable, "-c", DYING, path, when], cwd=ROOT, check=False, timeout=120
    )
    assert done.returncode == 9
    later = SqliteTranscript(path, clock=lambda: time.time() + 1)
    with memory_with(Counting(), transcript=later) as memory:
        assert kept(memory) == TALK[1:]
        seen = memory.view("one", TALK)
        if when != "after":
            assert seen == TALK
            assert memory.compact("one"), "the lock of the dead was not taken over"
            seen = memory.view("one", TALK)
        assert len(seen) < len(TALK)
        assert seen[-1] == TALK[-1]
        assert len(memory.transcript.state("one").segments) == 1
    later.close()


def test_a_session_forgotten_while_it_is_summarised_stays_forgotten() -> None:
    memory: ConversationMemory

    def forgetting() -> Summary:
        memory.forget("one")
        return Summary("They talk about their walks.")

    with memory_with(Faulty(forgetting)) as memory:
        memory.view("one", TALK)
        assert not memory.compact("one")
        assert memory.transcript.load("one") == Stored()
        assert memory.transcript.sessions() == []
