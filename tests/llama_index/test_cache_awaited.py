"""A cached query engine on an event loop: one call for all, a loop that goes on, agents."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.base.response.schema import Response
from llama_index.core.chat_engine import CondenseQuestionChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.tools import QueryEngineTool

from llama_index_ragthrift import CachedQueryEngine
from llama_index_ragthrift.cache.query_engine import MARK
from tests.llama_index.caches import ASKED, NEAR, TENANT, Setting, a_cache
from tests.llama_index.fakes import Scripted


async def test_fifty_at_once_make_one_call() -> None:
    setting = Setting(Scripted("At nine.", seconds=0.3))
    responses = await asyncio.gather(*(setting.engine.aquery(ASKED) for _ in range(50)))
    assert {str(response) for response in responses} == {"At nine."}
    assert setting.calls == (1, 1)
    marks = [(response.metadata or {}).get(MARK) for response in responses]
    assert sum(mark is None for mark in marks) == 1, "one of them is billed"
    assert all(len(response.source_nodes) == 2 for response in responses)


async def test_many_different_questions_do_not_wait_for_each_other() -> None:
    setting = Setting(Scripted("At nine.", seconds=0.1))
    questions = [f"What about number {number} of the list?" for number in range(60)]
    responses = await asyncio.wait_for(
        asyncio.gather(*(setting.engine.aquery(question) for question in questions)), 60
    )
    assert len(responses) == 60
    assert len(setting.model.asked) <= 60


class Slow(CustomQueryEngine):
    """Runs on the loop itself, and says which form was asked."""

    forms: list[str]

    def custom_query(self, query_str: str) -> Any:
        self.forms.append("query")
        return self.answer()

    async def acustom_query(self, query_str: str) -> Any:
        self.forms.append("aquery")
        await asyncio.sleep(0.3)
        return self.answer()

    def answer(self) -> Response:
        return Response("At nine.", [NodeWithScore(node=TextNode(id_="n", text="Nine."))])


async def test_the_engine_is_awaited_and_the_loop_goes_on() -> None:
    inner = Slow(forms=[])
    engine = CachedQueryEngine(inner, a_cache(), scope=TENANT)
    longest, last = 0.0, time.monotonic()

    async def tick() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            longest, last = max(longest, now - last), now

    ticking = asyncio.create_task(tick())
    answers = await asyncio.gather(*(engine.aquery(ASKED) for _ in range(5)))
    ticking.cancel()
    assert {str(answer) for answer in answers} == {"At nine."}
    assert inner.forms == ["aquery"]
    assert longest < 0.25, "the loop stood still for about as long as the model took"


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    inner = Slow(forms=[])
    engine = CachedQueryEngine(inner, a_cache(), scope=TENANT)
    impatient = asyncio.create_task(engine.aquery(ASKED))
    patient = asyncio.create_task(engine.aquery(ASKED))
    await asyncio.sleep(0.1)
    impatient.cancel()
    assert str(await patient) == "At nine."
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert inner.forms == ["aquery"]


async def test_an_engine_inside_an_engine() -> None:
    setting = Setting()
    outer = CachedQueryEngine(setting.engine, a_cache(), scope=TENANT)
    for question in (ASKED, NEAR, ASKED):
        assert len((await outer.aquery(question)).source_nodes) == 2
    assert setting.calls == (1, 1)
    assert setting.cache.counters == {"misses": 1, "stored": 1}


@pytest.mark.parametrize("awaited", [False, True])
async def test_a_tool(awaited: bool) -> None:
    setting = Setting()
    tool = QueryEngineTool.from_defaults(setting.engine, name="handbook", description="Answers.")
    for question in (ASKED, NEAR):
        output = await tool.acall(question) if awaited else tool.call(question)
        assert output.content == "At nine."
    assert output.raw_output.metadata[MARK]["source"] == "semantic"
    assert setting.calls == (1, 1)


def calling(question: str) -> MockFunctionCallingLLM:
    """Calls the tool with a question, then says what the tool said."""

    def respond(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        if messages[-1].role == MessageRole.TOOL:
            return ChatMessage(messages[-1].content, role=MessageRole.ASSISTANT)
        call = ToolCallBlock(
            tool_call_id="1", tool_name="handbook", tool_kwargs={"input": question}
        )
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])

    return MockFunctionCallingLLM(response_generator=respond, is_chat_model=True)


async def test_two_agents_ask_it_and_one_pays() -> None:
    setting = Setting()
    tool = QueryEngineTool.from_defaults(setting.engine, name="handbook", description="Answers.")
    for question in (ASKED, NEAR):
        agent = FunctionAgent(tools=[tool], llm=calling(question))
        assert str(await agent.run(question, memory=ChatMemoryBuffer.from_defaults())) == "At nine."
    assert setting.calls == (1, 1)


async def test_a_chat_over_it_pays_once() -> None:
    setting = Setting()
    for _ in range(2):
        chat = CondenseQuestionChatEngine.from_defaults(
            setting.engine, llm=MockLLM(), memory=ChatMemoryBuffer.from_defaults()
        )
        response = await chat.achat(ASKED)
        assert str(response) == "At nine."
    assert setting.calls == (1, 1)
