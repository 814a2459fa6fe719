"""Conversations, summarisers and stores for tests: all of them real, some of them failing."""

import gzip
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from ragthrift import Completion, Message, ToolCall, Usage
from ragthrift.memory.policy import Policy, Watermarks
from ragthrift.memory.room import Room
from ragthrift.memory.segment import Fact
from ragthrift.memory.sqlite_transcript import SqliteTranscript
from ragthrift.memory.state import ViewState
from ragthrift.memory.summariser import Summary
from ragthrift.memory.turn import Turn
from ragthrift.tokens import EstimatedTokens

COUNTER = EstimatedTokens()
SHARED = Path(os.environ.get("RAGTHRIFT_SHARED", Path(__file__).parents[4] / "shared"))
TAU = SHARED / "data" / "memory" / "tau_bench_gpt-4o-airline.json.gz"


def small(high: int = 300, low: int = 100, limit: int | None = None, horizon: int = 1000) -> Policy:
    """A policy that cuts short talks; the horizon makes it worth while."""
    return Policy(Watermarks(high, low, limit), horizon=horizon)


ROOM = Room(summary=60, summaries=200, facts=60, recall=0, clip=60)


def chat(turns: int, words: int = 20) -> list[Message]:
    """User and assistant in turn, after one system message."""
    talk = [Message("system", "You are the waiter of a canteen.")]
    for number in range(turns):
        text = " ".join(f"w{number}x{word}" for word in range(words))
        talk += [Message("user", f"Question {number}: {text}?")]
        talk += [Message("assistant", f"Answer {number}: {text}.")]
    return talk


class Counting:
    """Says how many turns there were; remembers what it was given."""

    def __init__(self, facts: Sequence[str] = (), usage: Usage | None = None) -> None:
        self.given: list[tuple[Turn, ...]] = []
        self._facts = facts
        self._usage = usage or Usage(100, 10)

    def summarise(
        self,
        turns: Sequence[Turn],
        *,
        before: str,
        max_tokens: int,
        facts: Sequence[Fact] = (),
        prompt: Sequence[Message] = (),
    ) -> Summary:
        self.given.append(tuple(turns))
        found = tuple(Fact(text, (turns[0].id,)) for text in self._facts)
        return Summary(f"{len(turns)} turns, from {turns[0].id[:4]}.", found, self._usage)


class Faulty:
    """Does what it is told to instead of summarising, so many times; then it counts."""

    def __init__(self, fault: Callable[[], Summary], times: int = 10**9) -> None:
        self._fault = fault
        self._left = times
        self._works = Counting()
        self.calls = 0

    def summarise(
        self,
        turns: Sequence[Turn],
        *,
        before: str,
        max_tokens: int,
        facts: Sequence[Fact] = (),
        prompt: Sequence[Message] = (),
    ) -> Summary:
        self.calls += 1
        if self.calls <= self._left:
            return self._fault()
        return self._works.summarise(turns, before=before, max_tokens=max_tokens)


class Hanging(Counting):
    """Waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()

    def summarise(self, turns: Sequence[Turn], **given: Any) -> Summary:
        self.begun.set()
        assert self.go.wait(30)
        return super().summarise(turns, **given)


class DyingTranscript(SqliteTranscript):
    """The process ends right before a state is kept, or right after."""

    def __init__(self, path: str, when: str, lease_seconds: float) -> None:
        super().__init__(path, lease_seconds=lease_seconds)
        self._when = when

    def save_view(self, session: str, state: ViewState) -> bool:
        if self._when == "before":
            os._exit(9)
        super().save_view(session, state)
        os._exit(9)


def answer(summary: str, *facts: dict[str, object]) -> str:
    return json.dumps({"summary": summary, "facts": list(facts)})


def cut_off(text: str) -> Completion:
    return Completion(text, Usage(50, 9), "scripted", "length")


def results_without_call(messages: Sequence[Message]) -> list[str]:
    """Results that do not follow, among other results, the message that asks for them."""
    asked: set[str] = set()
    orphans = []
    for message in messages:
        if message.role != "tool":
            asked = {call.id for call in message.tool_calls}
        elif message.tool_call_id not in asked:
            orphans.append(str(message.tool_call_id))
    return orphans


def calls_without_result(messages: Sequence[Message]) -> list[tuple[Message, str]]:
    """Calls whose result is not among those that follow; ids are used again in real talks."""
    missing = []
    for place, message in enumerate(messages):
        told = takewhile(lambda m: m.role == "tool", messages[place + 1 :])
        found = {result.tool_call_id for result in told}
        missing += [(message, call.id) for call in message.tool_calls if call.id not in found]
    return missing


def trajectories() -> Iterator[list[Message]]:
    """The 200 conversations of tau-bench's airline with gpt-4o (MIT)."""
    if not TAU.is_file():
        pytest.skip(f"tau-bench trajectories are not at {TAU}")
    for case in json.loads(gzip.decompress(TAU.read_bytes())):
        yield [_message(given) for given in case["traj"]]


def _message(given: dict[str, Any]) -> Message:
    calls = tuple(
        ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in given.get("tool_calls") or ()
    )
    return Message(given["role"], given.get("content") or "", calls, given.get("tool_call_id"))
