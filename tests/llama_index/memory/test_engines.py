"""In LlamaIndex's chat engines and agents, which decide themselves when to ask a memory."""

from pathlib import Path
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.workflow import Context

from llama_index_ragthrift.memory import RagthriftMemory
from tests.llama_index.memory.talks import (
    SAID,
    Calling,
    answer,
    calls_in,
    conversation,
    is_whole,
    small_talk,
    text_of,
)
from tests.llama_index.route.llms import Scripted, calling


def test_a_simple_chat_engine_sends_little_and_knows_all() -> None:
    llm, memory = Scripted("Nice."), RagthriftMemory(conversation())
    engine = SimpleChatEngine.from_defaults(llm=llm, memory=memory, system_prompt="Be a waiter.")
    engine.chat(SAID)
    for n in range(60):
        engine.chat(small_talk(n))
        memory.conversation.close()
    engine.chat("What is my customer id?")
    sent = llm.asked[-1][1]
    assert sent[0].content == "Be a waiter."
    assert sent[-1].content == "What is my customer id?"
    assert "4711" in text_of(sent)
    assert len(sent) < 30
    assert len(engine.chat_history) == 2 * 62
    assert memory.report().account.compactions >= 3
    engine.reset()
    assert engine.chat_history == []


def test_a_chat_engine_makes_one_by_its_class() -> None:
    engine = SimpleChatEngine.from_defaults(llm=Scripted("Nice."), memory_cls=RagthriftMemory)
    assert str(engine.chat("Hello")) == "Nice."
    assert [message.content for message in engine.chat_history] == ["Hello", "Nice."]


async def test_streamed_and_awaited() -> None:
    memory = RagthriftMemory(conversation())
    engine = SimpleChatEngine.from_defaults(llm=Scripted("Nice to know."), memory=memory)
    assert "".join(engine.stream_chat("One").response_gen) == "Nice to know."
    await engine.achat("Two")
    streamed = await engine.astream_chat("Three")
    assert "".join([piece async for piece in streamed.async_response_gen()]) == "Nice to know."
    said = [message.content for message in memory.get_all() if message.role == MessageRole.USER]
    assert said == ["One", "Two", "Three"]


async def test_a_context_chat_engine_recalls_for_the_question_it_has_not_kept(
    index: VectorStoreIndex,
) -> None:
    llm, memory = Scripted("Noted."), RagthriftMemory(conversation())
    engine = ContextChatEngine.from_defaults(index.as_retriever(), llm=llm, memory=memory)
    engine.chat("Our cat Mimi sleeps in the boiler room.")
    for n in range(40):
        await engine.achat(small_talk(n))
        memory.conversation.close()
    assert "boiler" not in text_of(llm.asked[-1][1])
    engine.chat("Where does Mimi sleep?")
    sent = [message.content or "" for message in llm.asked[-1][1]]
    assert sent[-1].endswith("Where does Mimi sleep?")
    assert "boiler room" in sent[-2]
    questions = [m for m in engine.chat_history if m.content == "Where does Mimi sleep?"]
    assert len(questions) == 1
    assert len(engine.chat_history) == 2 * 42


def look(place: str) -> str:
    """What there is."""
    return f"{place} has " + "soup " * 40


def both(*_: Any) -> tuple[Any, ...]:
    first, second = calling("look", place="wing"), calling("look", place="yard")
    return first, second.model_copy(update={"tool_call_id": "call-second"})


def by_turn(messages: list[ChatMessage]) -> Any:
    """Looks in both places at once, and then answers."""
    return "Soup in both." if messages[-1].role == MessageRole.TOOL else both()


@pytest.mark.parametrize("streaming", [True, False])
async def test_an_agent_keeps_parallel_calls_with_their_results(
    streaming: bool, tmp_path: Path
) -> None:
    kept = conversation(tmp_path / "talk.db")
    llm = Calling(by_turn)
    agent = FunctionAgent(llm=llm, tools=[look], streaming=streaming)
    memory = RagthriftMemory(kept, session="ann")
    await agent.run(SAID, memory=memory)
    for n in range(12):
        assert str(await agent.run(small_talk(n), memory=memory)) == "Soup in both."
        kept.close()
    assert all(is_whole(messages) for _, messages, _ in llm.asked)
    assert len(memory.get_all()) == 13 * 5
    assert memory.report().account.compactions >= 2
    later = RagthriftMemory(kept, session="ann")  # as another process finds it
    await agent.run("What is my customer id?", memory=later)
    assert "4711" in text_of(llm.asked[-1][1])
    assert is_whole(llm.asked[-1][1])
    assert any(calls_in(message) for message in later.get())


@pytest.mark.parametrize("kind", ["simple", "context", "condense", "agent", "answer"])
async def test_the_report_counts_the_calls_of_the_model(kind: str, index: VectorStoreIndex) -> None:
    memory = RagthriftMemory(conversation())
    memory.put_messages([ChatMessage("Good morning!"), answer("Good morning!")])
    llm: Scripted = Calling(by_turn) if kind == "agent" else Scripted("Nice.")
    retriever = index.as_retriever()
    engines: dict[str, Any] = {
        "simple": lambda: SimpleChatEngine.from_defaults(llm=llm, memory=memory),
        "context": lambda: ContextChatEngine.from_defaults(retriever, llm=llm, memory=memory),
        "condense": lambda: CondensePlusContextChatEngine.from_defaults(
            retriever, llm=llm, memory=memory, skip_condense=True
        ),
    }
    for n in range(5):
        if kind in engines:
            engines[kind]().chat(small_talk(n))
        else:
            agent = FunctionAgent(llm=llm, tools=[look], streaming=False)
            await agent.run(small_talk(n), memory=memory)
            assert memory.get()[-1].role == MessageRole.ASSISTANT
    assert memory.report().account.calls == len(llm.asked) == (10 if kind == "agent" else 5)


async def test_an_agents_context_goes_on_from_its_file(tmp_path: Path) -> None:
    llm = Scripted("Nice.")
    agent = FunctionAgent(llm=llm)
    context = Context(agent)
    with RagthriftMemory(path=str(tmp_path / "talk.db"), session="ann") as memory:
        await agent.run(SAID, memory=memory, ctx=context)
        saved = context.to_dict()
    restored = Context.from_dict(agent, saved)
    await agent.run("Who am I?", ctx=restored)
    assert SAID in text_of(llm.asked[-1][1])
    (await restored.store.get("memory")).close()
