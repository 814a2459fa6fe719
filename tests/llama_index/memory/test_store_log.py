"""Conversations in LlamaIndex's chat stores, under chat engines and agents."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore

from llama_index_ragthrift import RagthriftMemory, chat_store_log
from ragthrift.memory import ConversationMemory, LoggedTranscript, MessageLog
from tests.llama_index.memory.talks import (
    SAID,
    SMALL,
    Calling,
    answer,
    is_whole,
    small_talk,
    text_of,
)
from tests.llama_index.memory.test_engines import by_turn, look
from tests.llama_index.route.llms import Scripted


class Place:
    """A store that a program opens again with each call, and what it holds."""

    def __init__(self, path: Path, sql: bool) -> None:
        self._path, self._sql = path, sql
        self.opened: list[Any] = []

    def open(self) -> Any:
        if self._sql:
            store: Any = SQLAlchemyChatStore("talks", f"sqlite+aiosqlite:///{self._path}")
        else:
            store = self.opened[-1] if self.opened else SimpleChatStore()
        self.opened.append(store)
        return store

    async def held(self) -> list[ChatMessage]:
        found = self.opened[-1].get_messages("ann")
        messages: list[ChatMessage] = await found if self._sql else found
        return messages

    async def put(self, messages: list[ChatMessage]) -> None:
        put = self.open().set_messages("ann", messages)
        if self._sql:
            await put


@pytest.fixture(params=["simple", "sql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path / "store", request.param == "sql")
    yield place
    for store in place.opened:
        engine = getattr(store, "_async_engine", None)
        if engine is not None:  # LlamaIndex leaves its connections open
            await engine.dispose()


def memory_in(place: Place) -> RagthriftMemory:
    transcript = LoggedTranscript(chat_store_log(place.open()))
    return RagthriftMemory(ConversationMemory(transcript=transcript, policy=SMALL), session="ann")


def closed(memory: RagthriftMemory) -> None:
    memory.conversation.close()
    memory.conversation.transcript.close()


def test_it_is_a_message_log(place: Place) -> None:
    assert isinstance(chat_store_log(place.open()), MessageLog)


async def test_a_chat_engine_goes_on_with_its_store_after_a_restart(place: Place) -> None:
    llm = Scripted("Nice.")
    said = [SAID, *map(small_talk, range(40)), "What is my customer id?"]
    for texts in (said[:20], said[20:]):
        memory = memory_in(place)
        engine = SimpleChatEngine.from_defaults(llm=llm, memory=memory)
        for text in texts:
            engine.chat(text)
            memory.conversation.close()
        assert memory.report().account.compactions >= 1
        assert len(engine.chat_history) == 2 * (len(texts) if texts[0] == SAID else len(said))
        closed(memory)
    sent = llm.asked[-1][1]
    assert "4711" in text_of(sent)
    assert len(sent) < 40
    held = await place.held()
    assert [m.content for m in held if m.role == MessageRole.USER] == said
    assert len(held) == 2 * len(said)


async def test_an_agent_with_parallel_calls_is_logged_whole(place: Place) -> None:
    llm, memory = Calling(by_turn), memory_in(place)
    agent = FunctionAgent(llm=llm, tools=[look])
    await agent.run(SAID, memory=memory)
    for n in range(6):
        await agent.run(small_talk(n), memory=memory)
    told = memory.get_all()
    closed(memory)
    held = await place.held()
    assert [m.content or "" for m in held] == [m.content or "" for m in told]
    assert is_whole(held)
    assert any(m.role == MessageRole.TOOL for m in held)


async def test_what_the_store_held_stays_as_it_was(place: Place) -> None:
    picture = ChatMessage([TextBlock(text="What is this?"), ImageBlock(url="file:///a.png")])
    before = [picture, answer("A soup.")]
    await place.put(list(before))
    memory = memory_in(place)
    memory.put_messages([ChatMessage("Is it hot?"), answer("Yes.")])
    assert [m.content for m in memory.get_all()][1:] == ["A soup.", "Is it hot?", "Yes."]
    closed(memory)
    held = await place.held()
    assert held[:2] == before
    assert [m.content for m in held[2:]] == ["Is it hot?", "Yes."]


async def test_reset_empties_the_store(place: Place) -> None:
    memory = memory_in(place)
    memory.put_messages([ChatMessage(SAID), answer("Noted.")])
    memory.reset()
    assert memory.get_all() == []
    closed(memory)
    assert await place.held() == []


async def test_a_question_that_an_engine_keeps_after_its_answer_is_stored_once(
    place: Place,
) -> None:
    memory = memory_in(place)
    for n in range(3):
        assert text_of(memory.get(input=small_talk(n))).count(small_talk(n)) == 0
        memory.put_messages([ChatMessage(small_talk(n)), answer("Nice.")])
    closed(memory)
    held = await place.held()
    assert [m.content for m in held if m.role == MessageRole.USER] == [*map(small_talk, range(3))]
