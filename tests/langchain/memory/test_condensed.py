from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables.history import RunnableWithMessageHistory

from langchain_ragthrift import with_passages
from langchain_ragthrift.memory import condensed
from ragthrift import InputError
from ragthrift.memory.view import RECALLED
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


def long_talk() -> list[BaseMessage]:
    talk: list[BaseMessage] = [SystemMessage("Be kind."), HumanMessage(SAID), AIMessage("Noted.")]
    for number in range(30):
        talk += [HumanMessage(small_talk(number)), AIMessage(f"How nice, number {number}.")]
    return [*talk, HumanMessage(ASKED)]


def test_a_chain_is_sent_less_and_answers_the_same() -> None:
    model, talk = Reader(), long_talk()
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("talk")])
    with memory_of() as memory:
        chain = prompt | condensed(memory) | model
        assert chain.invoke({"talk": talk}).text == f"It is {ID}."
    assert len(model.heard[0]) < 30
    assert model.heard[0][-1].text == ASKED


@pytest.mark.parametrize("named", ["session", "config", "function"])
async def test_a_summary_stands_in_the_next_view(named: str) -> None:
    talk = long_talk()
    session: Any = {"session": "ann", "config": None, "function": _thread_of}[named]
    with memory_of() as memory:
        step = condensed(memory, session=session)
        assert await step.ainvoke(talk, thread("ann")) == talk
        settle()
        after = await step.ainvoke(talk, thread("ann"))
        assert memory.transcript.sessions() == ["ann"]
    assert len(after) < 30
    assert after[0] is talk[0]
    assert after[-1] is talk[-1]


def _thread_of(config: Any) -> str:
    return str(config["configurable"]["thread_id"])


@pytest.mark.parametrize("kind", [dict, SimpleNamespace])
def test_of_a_state_the_model_gets_the_view(kind: Any) -> None:
    talk = long_talk()
    with memory_of() as memory:
        made = condensed(memory).invoke(kind(messages=talk))
    assert list(made) == ["llm_input_messages"]
    assert len(made["llm_input_messages"]) < 30


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_is_a_pre_model_hook() -> None:
    prebuilt = pytest.importorskip("langgraph.prebuilt", reason="langgraph is not installed")
    saver = pytest.importorskip("langgraph.checkpoint.memory").InMemorySaver()
    model = Reader()
    with memory_of() as memory:
        hook = condensed(memory)
        agent = prebuilt.create_react_agent(model, [], pre_model_hook=hook, checkpointer=saver)
        for text in [SAID, *map(small_talk, range(30)), ASKED]:
            state = agent.invoke(human(text), thread("ann"))
            settle()
    assert len(state["messages"]) == 64
    assert state["messages"][-1].text == f"It is {ID}."
    assert len(model.heard[-1]) < 40


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::langchain_core._api.LangChainDeprecationWarning"
)
def test_a_full_history_in_any_store_is_sent_short() -> None:
    model, histories = Reader(), {"ann": InMemoryChatMessageHistory()}
    prompt = ChatPromptTemplate.from_messages(
        [MessagesPlaceholder("past"), ("human", "{question}")]
    )
    with memory_of() as memory:
        chain = RunnableWithMessageHistory(
            prompt | condensed(memory) | model,
            lambda session_id: histories[session_id],
            input_messages_key="question",
            history_messages_key="past",
        )
        for text in [SAID, *map(small_talk, range(30)), ASKED]:
            said = chain.invoke({"question": text}, {"configurable": {"session_id": "ann"}})
            settle()
    assert said.text == f"It is {ID}."
    assert len(histories["ann"].messages) == 64
    assert len(model.heard[-1]) < 40


def recalled(messages: Sequence[BaseMessage]) -> str:
    return next((str(m.text) for m in messages if m.text.startswith(RECALLED)), "")


def test_what_the_passages_of_a_chain_say_is_not_recalled() -> None:
    told = "The blue bicycle of aunt Mary stands in the cellar beside the shelf."
    asked = "Where did I say earlier that the blue bicycle of aunt Mary stands?"
    talk: list[BaseMessage] = [HumanMessage(told), *long_talk()[1:-1], HumanMessage(asked)]
    with memory_of() as memory:
        step = condensed(memory, session="ann")
        step.invoke(talk)
        settle()
        assert told in recalled(step.invoke(talk))
        chain: Any = with_passages(step, lambda _: [Document(told)])
        assert told not in recalled(chain.invoke(talk))


def test_other_inputs_are_refused_with_a_reason() -> None:
    with memory_of() as memory, pytest.raises(InputError, match="after the prompt"):
        condensed(memory).invoke({"question": "Soup?"})
