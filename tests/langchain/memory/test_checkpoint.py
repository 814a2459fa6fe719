"""What a memory derived goes with the thread, from process to process and from branch to branch."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain.agents", reason="langchain is not installed")

from langchain.agents import create_agent
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from langchain_ragthrift.memory.checkpoint import KEY, checkpointed, update_of
from langchain_ragthrift.memory.middleware import MemoryMiddleware
from ragthrift.memory import ConversationMemory, Segment, SqliteTranscript, ViewState
from ragthrift.memory.state import unpacked_state
from ragthrift.memory.view import SUMMARY
from tests.langchain.memory.talking import (
    ASKED,
    ID,
    SAID,
    Reader,
    human,
    memory_of,
    settle,
    small_talk,
    thread,
)
from tests.memory.view.talks import Counting

RULES = "You are the waiter of a canteen."
ANN = thread("ann")

Saver = BaseCheckpointSaver[Any]
Opened = Callable[[], Any]


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Each time the checkpointer as a new process finds it."""
    if request.param == "memory":
        saver = InMemorySaver()

        @contextmanager
        def same() -> Iterator[Saver]:
            yield saver

        return same
    sqlite = pytest.importorskip(
        "langgraph.checkpoint.sqlite", reason="langgraph-checkpoint-sqlite is not installed"
    )
    return lambda: sqlite.SqliteSaver.from_conn_string(str(tmp_path / "graph.db"))


def agent_of(model: Reader, memory: ConversationMemory, saver: Saver) -> Any:
    return create_agent(
        model, system_prompt=RULES, middleware=[MemoryMiddleware(memory)], checkpointer=saver
    )


def talk(agent: Any, texts: Sequence[str], config: Any = ANN) -> Any:
    state = None
    for text in texts:
        state = agent.invoke(human(text), config)
        settle()
    return state


def plain(messages: Sequence[BaseMessage]) -> list[tuple[str, Any]]:
    return [(message.type, message.content) for message in messages]


def until_quiet(agent: Any, memory: ConversationMemory) -> list[str]:
    """Talk until there are several summaries, and all of them are in the checkpoint."""
    texts = [SAID]
    talk(agent, texts)
    while len(memory.derived("ann").segments) < 4 or held(agent) != memory.derived("ann").segments:
        texts.append(small_talk(len(texts)))
        talk(agent, texts[-1:])
        assert len(texts) < 60
    return texts


def held(agent: Any, config: Any = ANN) -> Any:
    text = agent.get_state(config).values.get(KEY)
    return unpacked_state(text, 0).segments if text else ()


def test_another_process_sends_the_same_and_summarises_nothing_again(opened: Opened) -> None:
    first, second, counting = Reader(), Reader(), Counting()
    with opened() as saver, memory_of(summariser=Counting(["customer id 4711"])) as memory:
        agent = agent_of(first, memory, saver)
        until_quiet(agent, memory)
        before = agent.get_state(ANN).config
        state = agent.invoke(human(ASKED), before)
        settle()
    with opened() as saver, memory_of(summariser=counting) as memory:
        agent = agent_of(second, memory, saver)
        again = agent.invoke(human(ASKED), before)
        settle()
        assert memory.report("ann").account.compactions == len(counting.given)
    assert plain(second.heard[0]) == plain(first.heard[-1])
    assert any(message.text.startswith(SUMMARY) for message in second.heard[0])
    assert again["messages"][-1].text == state["messages"][-1].text == f"It is {ID}."
    assert len(second.heard[0]) < len(again["messages"]) / 2
    assert counting.given == []


@pytest.fixture
async def aopened(tmp_path: Path) -> AsyncIterator[Saver]:
    aio = pytest.importorskip(
        "langgraph.checkpoint.sqlite.aio", reason="langgraph-checkpoint-sqlite is not installed"
    )
    async with aio.AsyncSqliteSaver.from_conn_string(str(tmp_path / "graph.db")) as saver:
        yield saver


async def test_the_same_awaited(aopened: Saver) -> None:
    first, second = Reader(), Reader()
    with memory_of() as memory:
        agent = agent_of(first, memory, aopened)
        for text in [SAID, *map(small_talk, range(30))]:
            await agent.ainvoke(human(text), ANN)
            settle()
        before = (await agent.aget_state(ANN)).config
        kept = unpacked_state((await agent.aget_state(ANN)).values[KEY], 0).segments
        assert kept
    with memory_of() as memory:
        agent = agent_of(second, memory, aopened)
        state = await agent.ainvoke(human(ASKED), before)
        assert memory.derived("ann").segments[: len(kept)] == kept
    assert state["messages"][-1].text == f"It is {ID}."
    assert any(message.text.startswith(SUMMARY) for message in second.heard[0])


def test_it_is_written_when_it_changed_and_is_no_output() -> None:
    saver = InMemorySaver()
    with memory_of() as memory:
        agent = agent_of(Reader(), memory, saver)
        until_quiet(agent, memory)
        updates = list(agent.stream(human("Hello?"), ANN, stream_mode="updates"))
        assert list(agent.invoke({**human("Hello?"), KEY: "mine"}, ANN)) == ["messages"]
        assert held(agent) == memory.derived("ann").segments
        tuples = list(saver.list(ANN))
    assert [list(one) for update in updates for one in update.values()] == [["messages"]]
    versions = {one.checkpoint["channel_versions"].get(KEY) for one in tuples} - {None}
    texts = {one.checkpoint["channel_values"].get(KEY) for one in tuples} - {None}
    assert 2 <= len(texts) == len(versions) < len(tuples) / 10


def test_a_branch_goes_on_beside_the_others() -> None:
    model, saver = Reader(), InMemorySaver()
    with memory_of() as memory:
        agent = agent_of(model, memory, saver)
        talk(agent, [SAID, *map(small_talk, range(8))])
        fork = agent.get_state(ANN).config
        talk(agent, map(small_talk, range(100, 125)), ANN)  # type: ignore[arg-type]
        main = agent.get_state(ANN).config
    with memory_of() as memory:  # it knows the one branch first, then the other
        agent = agent_of(model, memory, saver)
        agent.invoke(human(ASKED), main)
        settle()
        model.heard.clear()
        state = agent.invoke(human("On day 200 the boats are gone."), fork)
        talk(agent, [small_talk(number) for number in range(201, 225)])
        state = talk(agent, [ASKED])
        there = agent.invoke(human(ASKED), main)
    assert state["messages"][-1].text == there["messages"][-1].text == f"It is {ID}."
    seen = "\n".join(str(message.text) for heard in model.heard[:-1] for message in heard)
    assert "on day 200" not in seen  # only what was said in small talk reads so
    assert "On day 200 the boats" in seen
    assert not any(f"on day {number} " in seen for number in range(100, 125))
    assert len(state["messages"]) == 2 * (9 + 25 + 1)


@pytest.mark.parametrize("text", ["not JSON", '{"segments": [{}]}', "[]", '{"segments": 7}'])
def test_a_checkpoint_that_cannot_be_read_is_left_alone(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with memory_of() as memory, caplog.at_level(logging.WARNING):
        agent = agent_of(Reader(), memory, InMemorySaver())
        talk(agent, [SAID])
        agent.update_state(ANN, {KEY: text})
        state = talk(agent, [*map(small_talk, range(20)), ASKED])
        assert memory.derived("ann").segments
        assert agent.get_state(ANN).values[KEY] == text
    assert state["messages"][-1].text == f"It is {ID}."
    assert memory.tally.failures()["checkpoint"] > 1
    assert caplog.text.count("memory's checkpoint failed") == 1


def test_what_the_memory_lacks_stays_in_the_checkpoint() -> None:
    old, new = (Segment.of((name,), "…", (), 1) for name in "ab")
    assert update_of(ViewState(4, (new,)), ViewState(0, (old,))) is None
    assert update_of(ViewState(4, (old,)), ViewState(0, (old,))) is None
    assert update_of(ViewState(), ViewState()) is None
    update = update_of(ViewState(4, (old, new), "c"), ViewState(0, (old,)))
    assert update is not None
    assert checkpointed(update.update or {}) == ViewState(0, (old, new), "c")


class Forgetful(SqliteTranscript):
    """Gives no state away once a model has answered."""

    broken = False

    def state(self, session: str) -> ViewState:
        if self.broken:
            raise OSError("the disk is gone")
        return super().state(session)


def test_an_answer_goes_out_where_nothing_can_be_written(caplog: pytest.LogCaptureFixture) -> None:
    transcript = Forgetful()

    def breaks(messages: Sequence[BaseMessage]) -> Any:
        transcript.broken = True
        return answered(messages)

    answered = Reader().reply
    with memory_of(transcript=transcript) as memory, caplog.at_level(logging.WARNING):
        agent = agent_of(Reader(reply=breaks), memory, InMemorySaver())
        talk(agent, ["Hello", "Hello"])
        state = talk(agent, ["Hello"])
    transcript.close()
    assert len(state["messages"]) == 6
    assert caplog.text.count("memory's checkpoint failed") == 1
    assert "OSError: the disk is gone" in caplog.text
