"""Agents that answer what they answered before."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import before_model, wrap_model_call
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, create_retriever_tool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_config
from pydantic import BaseModel

from langchain_ragthrift import SemanticCacheMiddleware
from ragthrift.cache import Rules, SemanticCache
from tests.langchain.fakes import ScriptedModel, Shelf
from tests.langchain.talking import ASKED, NEAR, USAGE, TalkingModel, make

MENU = [Document("The canteen opens at nine.", id="c1", metadata={"source": "menu.md"})]
ENDED = {"model_name": "scripted-1", "finish_reason": "stop", "id": "r1"}


def search(documents: list[Document] = MENU, **options: Any) -> BaseTool:
    options = {"response_format": "content_and_artifact", **options}
    return create_retriever_tool(Shelf(documents=documents), "search", "Searches.", **options)


def loop(name: str = "search", **arguments: Any) -> list[AIMessage]:
    """A call of a tool, and the answer."""
    call = ToolCall(name=name, args=arguments or {"query": "canteen"}, id="1")
    usage: Any = USAGE
    return [
        AIMessage("", id="m1", tool_calls=[call], usage_metadata=usage, response_metadata=ENDED),
        AIMessage("At nine.", id="m2", usage_metadata=usage, response_metadata=ENDED),
    ]


def agent(
    cache: SemanticCache,
    model: Any,
    tools: list[BaseTool],
    *,
    scope: Any = None,
    before: Any = (),
    **options: Any,
) -> Any:
    middleware = SemanticCacheMiddleware(
        cache, scope={"tenant": "acme"} if scope is None else scope, document_key="source"
    )
    return create_agent(model, tools, middleware=[*before, middleware], **options)


async def ask(asked: Any, question: str, how: str = "sync", **config: Any) -> list[Any]:
    state = {"messages": [HumanMessage(question)]}
    done = await asked.ainvoke(state, config) if how == "async" else asked.invoke(state, config)
    messages: list[Any] = done["messages"]
    return messages


both = pytest.mark.parametrize("how", ["sync", "async"])


@both
async def test_a_hit_skips_the_whole_loop(how: str) -> None:
    cache, model = make(), ScriptedModel(lines=loop())
    spent = UsageMetadataCallbackHandler()
    asked = agent(cache, model, [search()])
    first = await ask(asked, ASKED, how, callbacks=[spent])
    assert [m.type for m in first] == ["human", "ai", "tool", "ai"]
    again = await ask(asked, NEAR, how, callbacks=[spent])
    assert [m.type for m in again] == ["human", "ai"]
    assert len(model.heard) == 2
    served = again[-1]
    assert (served.content, served.usage_metadata["total_tokens"]) == ("At nine.", 0)
    assert served.id != "m2"
    assert "id" not in served.response_metadata
    assert served.response_metadata["ragthrift_cache"]["source"] == "semantic"
    assert spent.usage_metadata["scripted-1"]["total_tokens"] == 24
    assert cache.counters["tokens_saved"] == 24
    assert cache.invalidate(document_id="menu.md") == 1


async def test_an_empty_retrieval_is_not_kept() -> None:
    model = ScriptedModel(lines=[*loop(), *loop()])
    asked = agent(make(), model, [search([])])
    for _ in range(2):
        await ask(asked, ASKED)
    assert len(model.heard) == 4


async def test_answers_of_other_tools_are_kept_only_where_that_is_declared() -> None:
    @tool
    def email(text: str) -> str:
        """Send an email."""
        return "sent"

    for rules, calls in ((None, 4), (Rules(deterministic_tools=frozenset(["email"])), 2)):
        model = ScriptedModel(lines=[*loop("email", text="Hi"), *loop("email", text="Hi")])
        asked = agent(make(rules=rules), model, [email])
        for _ in range(2):
            await ask(asked, ASKED)
        assert len(model.heard) == calls


@both
async def test_tenants_share_nothing(how: str) -> None:
    class Asker(BaseModel):
        tenant: str

    model = TalkingModel()
    asked = agent(
        make(rules=Rules(declared=("tenant",))),
        model,
        [],
        scope=lambda request: {"tenant": request.runtime.context.tenant},
        context_schema=Asker,
    )
    for tenant in ("acme", "bolt", "acme", "bolt"):
        state, context = {"messages": [HumanMessage(ASKED)]}, Asker(tenant=tenant)
        if how == "async":
            await asked.ainvoke(state, context=context)
        else:
            asked.invoke(state, context=context)
    assert model.calls == 2


async def test_prompts_tools_and_models_share_nothing() -> None:
    cache = make()
    models = [TalkingModel(), TalkingModel(), TalkingModel(), TalkingModel(model_name="talking-2")]
    kinds: list[dict[str, Any]] = [
        {"tools": []},
        {"tools": [], "system_prompt": "Be brief."},
        {"tools": [search()]},
        {"tools": []},
    ]
    for model, kind in zip(models, kinds, strict=True):
        for _ in range(2):
            await ask(agent(cache, model, **kind), ASKED)
    assert [model.calls for model in models] == [1, 1, 1, 1]


async def test_the_prompt_counts_as_it_is_sent() -> None:

    @wrap_model_call
    def greet(request: Any, handler: Any) -> Any:
        return handler(
            request.override(system_prompt=f"You talk to {get_config()['configurable']['name']}.")
        )

    model = TalkingModel()
    asked = agent(make(), model, [], before=[greet])
    for called in ("Ann", "Bob", "Ann"):
        await ask(asked, ASKED, configurable={"name": called})
    assert model.calls == 2


async def test_a_conversation_counts_and_hits_stay_in_it() -> None:
    model = TalkingModel()
    asked = agent(make(), model, [], checkpointer=InMemorySaver())
    threads: list[dict[str, Any]] = [{"thread_id": name} for name in "abc"]
    soup, card = "Is there soup in the canteen?", "May I pay by card?"
    for thread, question in zip(threads, (soup, soup, card), strict=True):
        await ask(asked, question, configurable=thread)
        said = await ask(asked, "And on Friday?", configurable=thread)
        assert [m.type for m in said] == ["human", "ai"] * 2
        assert len({m.id for m in said}) == 4
    assert model.calls == 4
    twice = await ask(asked, soup, configurable={"thread_id": "a"})
    assert [m.type for m in twice] == ["human", "ai"] * 3


async def test_one_question_twice_in_a_thread() -> None:
    asked = agent(make(), TalkingModel(), [], checkpointer=InMemorySaver())
    thread = {"thread_id": "a"}
    for turns in (1, 2, 3):
        said = await ask(asked, ASKED, configurable=thread)
        assert [m.type for m in said] == ["human", "ai"] * turns


async def test_structured_answers_and_pictures_go_to_the_model() -> None:
    class Time(BaseModel):
        hour: int

    call = ToolCall(name="Time", args={"hour": 9}, id="1")
    model = ScriptedModel(lines=[AIMessage("", tool_calls=[call])] * 2)
    asked = agent(make(), model, [], response_format=Time)
    for _ in range(2):
        asked.invoke({"messages": [HumanMessage(ASKED)]})
    assert len(model.heard) == 2

    talking = TalkingModel()
    asked = agent(make(), talking, [])
    picture: list[str | dict[str, Any]] = [{"type": "image", "url": "u"}]
    for _ in range(2):
        asked.invoke({"messages": [HumanMessage(picture)]})
    assert talking.calls == 2


async def test_an_answer_whose_document_moved_meanwhile_is_dropped() -> None:
    cache = make()

    @before_model
    def change(state: Any, runtime: Any) -> None:
        if isinstance(state["messages"][-1], ToolMessage):
            cache.invalidate(document_id="menu.md")

    model = ScriptedModel(lines=[*loop(), *loop()])
    asked = agent(cache, model, [search()], before=[change])
    for _ in range(2):
        await ask(asked, ASKED)
    assert len(model.heard) == 4
    assert cache.counters["dropped_moved"] == 2


@both
async def test_a_hit_is_streamed_as_a_message(how: str) -> None:
    model = TalkingModel()
    asked = agent(make(), model, [])
    state = {"messages": [HumanMessage(ASKED)]}
    texts = []
    for _ in range(2):
        if how == "async":
            stream = [part async for part in asked.astream(state, stream_mode="messages")]
        else:
            stream = list(asked.stream(state, stream_mode="messages"))
        texts.append("".join(message.text for message, _ in stream).strip())
    assert texts == ["At nine, sharp."] * 2
    assert model.calls == 1


class Waiting(ScriptedModel):
    """Calls the tool, then answers, whoever asks; each call takes its time."""

    seconds: float = 0.2
    fails: int = 0
    """How many calls fail first."""

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **_: Any) -> ChatResult:
        self.heard.append(list(messages))
        number = len(self.heard)
        await asyncio.sleep(self.seconds)
        if number <= self.fails:
            raise RuntimeError("no model today")
        line = self.lines[1 if isinstance(messages[-1], ToolMessage) else 0]
        return ChatResult(generations=[ChatGeneration(message=line.model_copy())])


async def test_a_hundred_at_once_make_one_call() -> None:
    cache, model = make(), TalkingModel(seconds=0.3)
    asked = agent(cache, model, [])
    spent = UsageMetadataCallbackHandler()
    said = await asyncio.gather(
        *(ask(asked, ASKED, "async", callbacks=[spent]) for _ in range(100))
    )
    assert {messages[-1].text for messages in said} == {"At nine, sharp."}
    assert model.calls == model.awaited == 1
    assert len({messages[-1].id for messages in said}) == 100
    assert sum(messages[-1].usage_metadata["total_tokens"] for messages in said) == 12
    assert spent.usage_metadata["talking-1"]["total_tokens"] == 12
    assert cache.counters["shared_calls"] == 99


def test_threads_at_once_make_one_call() -> None:
    model = TalkingModel(seconds=0.3)
    asked = agent(make(), model, [])
    with ThreadPoolExecutor(20) as pool:
        state = {"messages": [HumanMessage(ASKED)]}
        done = list(pool.map(lambda _: asked.invoke(state)["messages"][-1].text, range(20)))
    assert set(done) == {"At nine, sharp."}
    assert model.calls == 1


async def test_who_waits_for_a_turn_with_tools_runs_tools_of_its_own() -> None:
    cache, model = make(), Waiting(lines=loop())
    asked = agent(cache, model, [search()])
    said = await asyncio.gather(*(ask(asked, ASKED, "async") for _ in range(5)))
    assert [[m.type for m in messages] for messages in said] == [["human", "ai", "tool", "ai"]] * 5
    assert len(model.heard) == 10
    assert cache.counters["stored"] == 5
    assert not [name for name in cache.counters if name.startswith("not_stored")]
    assert [m.type for m in await ask(asked, NEAR, "async")] == ["human", "ai"]


async def test_an_error_is_only_that_of_who_made_the_call() -> None:
    model = Waiting(lines=[loop()[1]], fails=1)
    asked = agent(make(), model, [])
    calls = (ask(asked, ASKED, "async") for _ in range(4))
    said = await asyncio.gather(*calls, return_exceptions=True)
    failed = [each for each in said if isinstance(each, BaseException)]
    assert [str(error).split("\n")[0] for error in failed] == ["no model today"]
    assert len(model.heard) == 4


async def test_who_cancels_leaves_the_call_to_another() -> None:
    model = TalkingModel(seconds=0.4)
    asked = agent(make(), model, [])
    first = asyncio.create_task(ask(asked, ASKED, "async"))
    await asyncio.sleep(0.2)
    others = [asyncio.create_task(ask(asked, ASKED, "async")) for _ in range(9)]
    await asyncio.sleep(0.1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    said = await asyncio.gather(*others)
    assert {messages[-1].text for messages in said} == {"At nine, sharp."}
    assert (model.awaited, model.calls) == (2, 1)


async def test_who_waits_gets_what_is_not_kept_if_it_can_be_given_again() -> None:
    cut = AIMessage("At nine and", response_metadata={**ENDED, "finish_reason": "length"})
    picture = AIMessage([{"type": "image", "url": "u"}, {"type": "text", "text": "So."}])
    for said, calls in ((cut, 1), (picture, 3)):
        model = Waiting(lines=[said])
        asked = agent(make(), model, [])
        answers = await asyncio.gather(*(ask(asked, ASKED, "async") for _ in range(3)))
        assert {messages[-1].text for messages in answers} == {said.text}
        assert len(model.heard) == calls
