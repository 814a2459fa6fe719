import threading
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables.history import RunnableWithMessageHistory

from langchain_ragthrift.memory import CondensedHistory
from ragthrift.memory import ConversationMemory, SqliteTranscript
from ragthrift.memory.view import RECALLED
from tests.langchain.memory.talking import ASKED, ID, SAID, Reader, memory_of, settle, small_talk

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ANN: Any = {"configurable": {"session_id": "ann"}}


def chain_of(model: Any, memory: ConversationMemory) -> Any:
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Be kind."), MessagesPlaceholder("past"), ("human", "{question}")]
    )
    return RunnableWithMessageHistory(
        prompt | model,
        lambda session_id: CondensedHistory(memory, session_id),
        input_messages_key="question",
        history_messages_key="past",
    )


def test_a_chain_with_history_sends_the_view_and_keeps_all() -> None:
    model = Reader()
    with memory_of() as memory:
        chain = chain_of(model, memory)
        said = [SAID, *map(small_talk, range(58)), ASKED]
        for text in said:
            last = chain.invoke({"question": text}, ANN)
            settle()
        kept = [turn.message for turn in memory.transcript.load("ann").turns]
        assert memory.report("ann").account.compactions >= 3
    assert [m.content for m in kept if m.role == "user"] == said
    assert len(kept) == 120
    assert last.text == f"It is {ID}."
    assert max(map(len, model.heard)) < 60


async def test_a_chain_is_awaited_and_streamed() -> None:
    with memory_of() as memory:
        chain = chain_of(Reader(), memory)
        for text in [SAID, *map(small_talk, range(20))]:
            await chain.ainvoke({"question": text}, ANN)
            settle()
        words = [chunk.text async for chunk in chain.astream({"question": ASKED}, ANN)]
        assert len(memory.transcript.load("ann").turns) == 44
    assert "".join(words) == f"It is {ID}."


def test_a_summary_that_ends_during_a_call_shifts_nothing() -> None:
    """Without keys LangChain takes what the chain got, less the history's length, for new."""
    done = threading.Event()

    def slow(messages: Any) -> AIMessage:
        settle()
        done.set()
        return AIMessage(f"Answer to {messages[-1].text}")

    with memory_of(400, 100) as memory:
        chain = RunnableWithMessageHistory(
            Reader(reply=slow), lambda session_id: CondensedHistory(memory, session_id)
        )
        said = [small_talk(number) for number in range(30)]
        for text in said:
            chain.invoke([HumanMessage(text)], ANN)
        kept = [turn.message.content for turn in memory.transcript.load("ann").turns]
        assert memory.report("ann").account.compactions >= 3
    assert done.is_set()
    assert kept == [part for text in said for part in (text, f"Answer to {text}")]


def test_what_the_last_question_recalled_is_not_sent_with_the_next() -> None:
    told = "The blue bicycle of aunt Mary stands in the cellar beside the shelf."
    asked = "Where did I say earlier that the blue bicycle of aunt Mary stands?"
    with memory_of() as memory:
        history = CondensedHistory(memory, "ann")
        for text in [told, *map(small_talk, range(30)), asked]:
            history.add_messages([HumanMessage(text), AIMessage("I see.")])
            settle()
        assert any(message.content.startswith(RECALLED) for message in memory.view("ann"))
        assert not any(str(m.text).startswith(RECALLED) for m in history.messages)
        assert len(history.messages) < 40


async def test_calls_survive_a_restart_and_clear_deletes(tmp_path: Any) -> None:
    call = {"name": "menu", "args": {"day": 1}, "id": "a", "type": "tool_call"}
    for _ in range(2):
        store = SqliteTranscript(tmp_path / "talks.db")
        with ConversationMemory(transcript=store) as memory:
            history = CondensedHistory(memory, "ann")
            if not history.messages:
                await history.aadd_messages(
                    [HumanMessage("Menu?"), AIMessage("", tool_calls=[call])]
                )
                history.add_messages([ToolMessage("Soup.", tool_call_id="a")])
            human, asked, told = await history.aget_messages()
            assert isinstance(asked, AIMessage)
            assert isinstance(told, ToolMessage)
            assert (human.content, asked.tool_calls, told.content) == ("Menu?", [call], "Soup.")
        store.close()
    store = SqliteTranscript(tmp_path / "talks.db")
    with ConversationMemory(transcript=store) as memory:
        history = CondensedHistory(memory, "ann")
        await history.aclear()
        assert history.messages == []
    store.close()
