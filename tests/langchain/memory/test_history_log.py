"""Conversations in LangChain's message histories, or in Redis, under a chain and an agent."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables.history import RunnableWithMessageHistory

from langchain_ragthrift import CondensedHistory, chat_history_log
from langchain_ragthrift.memory.messages import to_turns
from langchain_ragthrift.memory.viewing import viewed
from ragthrift.memory import ConversationMemory, LoggedTranscript, MessageLog
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
from tests.memory.view.talks import trajectories

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PICTURE = {"type": "image", "url": "https://example.org/soup.png"}
ANN: Any = {"configurable": {"session_id": "ann"}}


class FileHistory(BaseChatMessageHistory):
    """One file for a session, with a message in each line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        if not self.path.exists():
            return []
        return messages_from_dict([json.loads(line) for line in self.path.read_text().splitlines()])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        with self.path.open("a") as file:
            file.writelines(json.dumps(message_to_dict(m)) + "\n" for m in messages)

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)


def in_memory(tmp_path: Path) -> Callable[[str], BaseChatMessageHistory]:
    histories: dict[str, InMemoryChatMessageHistory] = {}
    return lambda session: histories.setdefault(session, InMemoryChatMessageHistory())


def in_files(tmp_path: Path) -> Callable[[str], BaseChatMessageHistory]:
    return lambda session: FileHistory(tmp_path / f"{session}.jsonl")


HistoryOf = Callable[[str], BaseChatMessageHistory]


@pytest.fixture(params=[in_memory, in_files])
def history_of(request: pytest.FixtureRequest, tmp_path: Path) -> HistoryOf:
    made: HistoryOf = request.param(tmp_path)
    return made


def transcript_of(history_of: HistoryOf) -> LoggedTranscript:
    return LoggedTranscript(chat_history_log(history_of))


def test_it_is_a_message_log(history_of: HistoryOf) -> None:
    assert isinstance(chat_history_log(history_of), MessageLog)


def test_a_chain_goes_on_with_its_history_after_a_restart(history_of: HistoryOf) -> None:
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Be kind."), MessagesPlaceholder("past"), ("human", "{question}")]
    )
    model = Reader()
    said = [SAID, *map(small_talk, range(40)), ASKED]
    for texts in (said[:21], said[21:]):
        transcript = transcript_of(history_of)
        with memory_of(transcript=transcript) as memory:
            chain = RunnableWithMessageHistory(
                prompt | model,
                lambda session: CondensedHistory(memory, session),
                input_messages_key="question",
                history_messages_key="past",
            )
            for text in texts:
                last = chain.invoke({"question": text}, ANN)
                settle()
            assert memory.report("ann").account.compactions >= 1
        transcript.close()
    kept = history_of("ann").messages
    assert [message.text for message in kept if isinstance(message, HumanMessage)] == said
    assert len(kept) == 2 * len(said)
    assert last.text == f"It is {ID}."
    assert max(map(len, model.heard[:21])) < 40
    assert len(model.heard[21]) == 44, "summaries are made again from what the history holds"
    assert max(map(len, model.heard[22:])) < 40
    transcript = transcript_of(history_of)
    with ConversationMemory(transcript=transcript) as memory:
        CondensedHistory(memory, "ann").clear()
    transcript.close()
    assert history_of("ann").messages == []


def test_an_agent_with_tools_is_logged_as_it_spoke(history_of: HistoryOf) -> None:
    pytest.importorskip("langchain.agents", reason="langchain is not installed")
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    from langchain_ragthrift.memory.middleware import MemoryMiddleware
    from tests.langchain.memory.test_middleware import looks_up, menu, prices

    transcript = transcript_of(history_of)
    with memory_of(900, 300, transcript=transcript) as memory:
        agent: Any = create_agent(
            Reader(reply=looks_up),
            [menu, prices],
            middleware=[MemoryMiddleware(memory)],
            checkpointer=InMemorySaver(),
        )
        for day in range(8):
            state = agent.invoke(human(f"What is there on day {day}"), thread("ann"))
            settle()
        memory.view("ann", to_turns(state["messages"]))  # the last answer, too
        assert memory.report("ann").account.compactions >= 1
    transcript.close()
    logged = history_of("ann").messages
    assert [m.text for m in logged] == [m.text for m in state["messages"]]
    assert [m.tool_calls for m in logged if isinstance(m, AIMessage)] == [
        m.tool_calls for m in state["messages"] if isinstance(m, AIMessage)
    ]
    assert sum(isinstance(m, ToolMessage) for m in logged) == 8 * 4


def test_what_the_history_held_stays_as_it_was(history_of: HistoryOf) -> None:
    seen = HumanMessage([{"type": "text", "text": "What is this?"}, PICTURE], id="h1")
    before: list[BaseMessage] = [seen, AIMessage("A soup.", id="a1")]
    history_of("ann").add_messages(before)
    transcript = transcript_of(history_of)
    with ConversationMemory(transcript=transcript) as memory:
        talk = [*before, HumanMessage("Is it hot?")]
        assert viewed(memory, "ann", talk) == talk
    transcript.close()
    kept = history_of("ann").messages
    assert kept[:2] == before
    assert [message.text for message in kept[2:]] == ["Is it hot?"]


def test_real_talks_with_tools_are_logged_whole(history_of: HistoryOf) -> None:
    transcript = transcript_of(history_of)
    messages = chat_history_log(history_of)
    with ConversationMemory(transcript=transcript) as memory:
        for number, talk in enumerate(trajectories()):
            if number % 20:
                continue
            for end in range(1, len(talk) + 1, 5):
                memory.view(f"s{number}", talk[:end])
            memory.view(f"s{number}", talk)
            spoken = talk[1:] if talk[0].role == "system" else talk
            logged = messages.read(f"s{number}")
            assert [m.content for m in logged] == [m.content for m in spoken]
            assert [len(m.tool_calls) for m in logged] == [len(m.tool_calls) for m in spoken]
    transcript.close()
