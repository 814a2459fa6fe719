"""An agent in LangChain whose conversations are kept in Redis."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain.agents", reason="langchain is not installed")

from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver

from langchain_ragthrift.memory.middleware import MemoryMiddleware
from ragthrift.memory import RedisTranscript
from tests.cache.servers import Server, running
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
from tests.memory.stores.places import SERVERS


@pytest.mark.parametrize("kind", SERVERS.values())
def test_an_agent_on_another_machine_sends_the_same_short_view(
    kind: str, server_of: Callable[[str], Server]
) -> None:
    server, saver, model = server_of(kind), InMemorySaver(), Reader()
    with server.client as client:
        client.flushall()
    for texts in ([SAID, *map(small_talk, range(30))], [ASKED]):
        transcript = RedisTranscript(server.url)
        with memory_of(transcript=transcript) as memory:
            agent: Any = create_agent(
                model, middleware=[MemoryMiddleware(memory)], checkpointer=saver
            )
            for text in texts:
                state = agent.invoke(human(text), thread("ann"))
                settle()
            assert memory.report("ann").account.compactions >= 2
        transcript.close()
    assert state["messages"][-1].text == f"It is {ID}."
    assert len(model.heard[-1]) < 40


def test_while_redis_is_away_the_model_gets_the_whole_history(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = Reader()
    with running("local", tmp_path) as server:
        transcript = RedisTranscript(server.url)
        with memory_of(transcript=transcript) as memory:
            agent: Any = create_agent(
                model, middleware=[MemoryMiddleware(memory)], checkpointer=InMemorySaver()
            )
            for text in [SAID, *map(small_talk, range(30))]:
                agent.invoke(human(text), thread("ann"))
                settle()
            assert len(model.heard[-1]) < 40
            server.kill()
            with caplog.at_level(logging.WARNING):
                state = agent.invoke(human(ASKED), thread("ann"))
            settle()
        transcript.close()
    assert state["messages"][-1].text == f"It is {ID}."
    assert [m.text for m in model.heard[-1]] == [m.text for m in state["messages"][:-1]]
    assert "memory's view failed" in caplog.text
