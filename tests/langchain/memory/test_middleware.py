"""Agents with tools, a checkpointer and a memory."""

import logging
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("langchain.agents", reason="langchain is not installed")

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from langchain_ragthrift.memory import fetch_tool
from langchain_ragthrift.memory.messages import to_turns
from langchain_ragthrift.memory.middleware import MemoryMiddleware
from ragthrift.memory import ConversationMemory
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
from tests.memory.view.talks import calls_without_result, results_without_call

RULES = "You are the waiter of a canteen."


def agent_of(
    model: Reader, memory: ConversationMemory, tools: Sequence[Any] = (), **more: Any
) -> Any:
    return create_agent(
        model,
        tools,
        system_prompt=RULES,
        middleware=[MemoryMiddleware(memory, **more)],
        checkpointer=InMemorySaver(),
    )


def test_sixty_turns_keep_an_early_fact_and_all_messages() -> None:
    model = Reader()
    with memory_of() as memory:
        agent = agent_of(model, memory)
        said = ["Good morning!", SAID, *map(small_talk, range(57)), ASKED]
        for text in said:
            state = agent.invoke(human(text), thread("ann"))
            settle()
        report = memory.report("ann")
    asked = [m.text for m in state["messages"] if isinstance(m, HumanMessage)]
    assert asked == said
    assert len(state["messages"]) == 120
    assert ID in state["messages"][-1].text
    assert report.account.compactions >= 3
    assert report.account.calls == 60
    assert max(map(len, model.heard)) < 60
    assert all(
        heard[0].text == RULES and heard[-1].text == text
        for heard, text in zip(model.heard, said, strict=True)
    )
    assert report.tokens.share > 0.5


async def test_the_same_awaited_and_streamed() -> None:
    model = Reader()
    with memory_of() as memory:
        agent = agent_of(model, memory)
        for text in [SAID, *map(small_talk, range(30))]:
            await agent.ainvoke(human(text), thread("ann"))
            settle()
        words = [
            chunk.text
            async for chunk, _ in agent.astream(human(ASKED), thread("ann"), stream_mode="messages")
        ]
        state = await agent.aget_state(thread("ann"))
        assert memory.report("ann").account.compactions >= 2
    assert len([word for word in words if word]) > 1
    assert "".join(words) == f"It is {ID}."
    assert len(state.values["messages"]) == 64
    assert len(model.heard[-1]) < 40


def test_a_stream_gets_the_view_too() -> None:
    model = Reader()
    with memory_of() as memory:
        agent = agent_of(model, memory)
        for text in [SAID, *map(small_talk, range(30))]:
            for _ in agent.stream(human(text), thread("ann"), stream_mode="messages"):
                pass
            settle()
        chunks = agent.stream(human(ASKED), thread("ann"), stream_mode="messages")
        assert "".join(chunk.text for chunk, _ in chunks) == f"It is {ID}."
    assert any(message.text.startswith(SUMMARY) for message in model.heard[-1])


def test_threads_do_not_mix() -> None:
    model = Reader()
    with memory_of() as memory:
        agent = agent_of(model, memory)
        agent.invoke(human(SAID), thread("ann"))
        for number in range(20):
            agent.invoke(human(small_talk(number)), thread("ben"))
            settle()
        state = agent.invoke(human(ASKED), thread("ben"))
        assert memory.transcript.sessions() == ["ann", "ben"]
    assert state["messages"][-1].text == "I do not know."


def test_a_thread_that_another_process_began_is_known_from_its_checkpoint() -> None:
    model, saver = Reader(), InMemorySaver()
    for texts in ([SAID, *map(small_talk, range(30))], [ASKED]):
        with memory_of() as memory:
            agent: Any = create_agent(
                model, middleware=[MemoryMiddleware(memory)], checkpointer=saver
            )
            for text in texts:
                state = agent.invoke(human(text), thread("ann"))
                settle()
    assert state["messages"][-1].text == f"It is {ID}."


def test_a_conversation_without_a_thread_is_known_by_its_beginning() -> None:
    model, talk = Reader(), [HumanMessage(SAID)]
    with memory_of() as memory:
        agent: Any = create_agent(model, middleware=[MemoryMiddleware(memory)])
        for text in [*map(small_talk, range(30)), ASKED]:
            talk = agent.invoke({"messages": talk})["messages"]
            talk.append(HumanMessage(text))
        last = agent.invoke({"messages": talk})["messages"][-1]
        assert memory.report().account.compactions >= 2
    assert last.text == f"It is {ID}."
    assert len(model.heard[-1]) < 40


def test_sessions_may_be_named_otherwise() -> None:
    with memory_of() as memory:
        agent = agent_of(Reader(), memory, session=lambda request: f"{request.system_prompt[:3]}!")
        agent.invoke(human(SAID), thread("ann"))
        assert memory.transcript.sessions() == ["You!"]


@tool
def menu(day: int) -> str:
    """What there is to eat."""
    return f"Day {day}: " + "lentil soup with bread and a lot of green parsley; " * 12


@tool
def prices(day: int) -> str:
    """What it costs."""
    return f"Day {day}: {day} euros and something."


def call(name: str, day: int, mark: str) -> Any:
    return {"name": name, "args": {"day": day}, "id": f"{name}-{day}-{mark}"}


def looks_up(messages: Sequence[BaseMessage]) -> AIMessage:
    """Three calls at once, then one more, then an answer."""
    seen = to_turns(messages)
    assert not results_without_call(seen)
    assert not calls_without_result(seen)
    since = next(n for n, m in enumerate(reversed(messages)) if isinstance(m, HumanMessage))
    results = [m for m in messages[len(messages) - since :] if isinstance(m, ToolMessage)]
    day = int(messages[len(messages) - since - 1].text.split()[-1])
    if not results:
        twice = [call("menu", day, "a"), call("menu", day + 1, "b"), call("prices", day, "a")]
        return AIMessage("", tool_calls=twice)
    if len(results) == 3:
        return AIMessage("", tool_calls=[call("prices", day + 1, "b")])
    return AIMessage(f"Soup, {len(results)} results.")


@pytest.mark.parametrize("awaited", [False, True])
async def test_parallel_calls_are_never_torn(awaited: bool) -> None:
    model = Reader(reply=looks_up)
    with memory_of(900, 300) as memory:
        agent = agent_of(model, memory, [menu, prices])
        for day in range(20):
            asked = human(f"What is there on day {day}")
            state = (
                await agent.ainvoke(asked, thread("ann"))
                if awaited
                else agent.invoke(asked, thread("ann"))
            )
            settle()
        assert memory.report("ann").account.compactions >= 2
    assert len(state["messages"]) == 20 * 8
    assert {m.text for m in state["messages"] if m.text.startswith("Soup")} == {"Soup, 4 results."}
    assert max(map(len, model.heard)) < 80


def fetches(messages: Sequence[BaseMessage]) -> AIMessage:
    """The menu first; then, when it stands there cut short, the whole of it by its handle."""
    if messages[-1].text == "Menu?":
        return AIMessage("", tool_calls=[call("menu", 1, "a")])
    cut = next((m.text for m in messages if isinstance(m, ToolMessage) and "handle" in m.text), "")
    if isinstance(messages[-1], HumanMessage) and cut:
        handle = cut.split("handle ")[1].split()[0]
        asked = {"name": "fetch_whole_result", "args": {"handle": handle}, "id": "f"}
        return AIMessage("", tool_calls=[asked])
    return AIMessage("Soup.")


def test_a_result_that_was_cut_short_is_fetched_back() -> None:
    model = Reader(reply=fetches)
    with memory_of() as memory:
        agent = agent_of(model, memory, [menu, fetch_tool(memory)])
        agent.invoke(human("Menu?"), thread("ann"))
        state = agent.invoke(human("All of it?"), thread("ann"))
    whole = menu.invoke({"day": 1})
    results = [m for m in state["messages"] if isinstance(m, ToolMessage)]
    assert [m.text for m in results] == [whole, whole]
    sent = [m for m in model.heard[-2] if isinstance(m, ToolMessage)]
    assert len(sent[0].text) < len(whole) / 2
    assert (sent[0].name, sent[0].id) == ("menu", results[0].id)


def test_an_unknown_handle_is_answered_with_what_to_do() -> None:
    with memory_of() as memory:
        fetch = fetch_tool(memory)
        assert "copy it whole" in fetch.invoke({"handle": "abc"}, thread("ann"))
        assert "no thread_id" in fetch.invoke({"handle": "abc"})


def test_an_agent_goes_on_when_its_memory_fails(caplog: pytest.LogCaptureFixture) -> None:
    memory = memory_of()
    agent = agent_of(Reader(), memory)
    agent.invoke(human(SAID), thread("ann"))
    memory.close()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            state = agent.invoke(human(ASKED), thread("ann"))
            assert state["messages"][-1].text == f"It is {ID}."
    assert caplog.text.count("memory's view failed") == 1
    assert memory.tally.failures()["view"] == 2


def test_a_memory_may_raise_instead() -> None:
    memory = ConversationMemory(on_error="raise")
    memory.close()
    with pytest.raises(sqlite3.ProgrammingError):
        agent_of(Reader(), memory).invoke(human(SAID), thread("ann"))
