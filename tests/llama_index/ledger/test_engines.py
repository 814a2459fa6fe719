"""Calls in engines and agents: what was retrieved for them, and what our levers did."""

import asyncio
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.chat_engine import ContextChatEngine
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.tools import FunctionTool

from llama_index_ragthrift import (
    CachedLLM,
    CachedQueryEngine,
    LocalLLM,
    RagthriftPostprocessor,
    RouterLLM,
    audit,
    tiers_of,
)
from ragthrift.ledger import Call
from ragthrift.route import Router
from tests.llama_index.caches import TENANT, a_cache
from tests.llama_index.fakes import ScriptedStream
from tests.llama_index.ledger.billing import Billing, Kept, openai_raw
from tests.llama_index.route.llms import calling

ASKED = "Where is the canteen, and when does it open?"
ANSWER = "In the north wing, at eight."


def billing(*says: Any) -> Billing:
    return Billing(*(says or (ANSWER,)), raw=openai_raw())


def documents_of(call: Call) -> dict[str, bool | None]:
    return {part.id: part.used for part in call.segments if part.kind == "document"}


async def ask(engine: Any, how: str, asked: str = ASKED) -> None:
    if how == "sync":
        engine.query(asked)
    else:
        await engine.aquery(asked)


both = pytest.mark.parametrize("how", ["sync", "async"])


@both
@pytest.mark.parametrize("chats", [True, False])
@pytest.mark.parametrize("streaming", [True, False])
async def test_documents_and_question_of_a_query(
    index: VectorStoreIndex, how: str, chats: bool, streaming: bool
) -> None:
    kept = Kept()
    llm = Billing(ANSWER, raw=openai_raw(), chats=chats)
    engine = index.as_query_engine(llm=llm, similarity_top_k=4, streaming=streaming)
    with audit(kept):
        if how == "sync":
            str(engine.query(ASKED))
        else:
            response: Any = await engine.aquery(ASKED)
            if streaming:
                assert [piece async for piece in response.async_response_gen()]
    call = kept.only
    found = documents_of(call)
    assert set(found) == {"wing", "menu", "park", "keys"}
    assert (found["wing"], found["keys"]) == (True, False)
    assert [part.kind for part in call.segments if part.kind in ("question", "other")].count(
        "question"
    ) == 1
    assert sum(part.tokens for part in call.segments) == 1200
    assert (call.request_type, call.savings) == ("RetrieverQueryEngine", {})
    assert call.trace


@both
async def test_what_postprocessors_took_away(index: VectorStoreIndex, how: str) -> None:
    kept = Kept()

    def first(query: str, passages: Any) -> Any:
        return [passages[0].with_text(passages[0].text.split(". ")[0] + ".")]

    engine = index.as_query_engine(
        llm=billing(),
        similarity_top_k=4,
        node_postprocessors=[
            SimilarityPostprocessor(similarity_cutoff=-1),
            RagthriftPostprocessor([first]),
        ],
    )
    with audit(kept):
        await ask(engine, how)
    assert len(documents_of(kept.only)) == 1
    assert set(kept.only.savings) == {"rerank", "compress"}
    assert kept.only.savings["rerank"].saved > kept.only.savings["compress"].saved > 0


def test_a_reranker_that_is_no_postprocessor(index: VectorStoreIndex) -> None:
    """It tells what it does by LlamaIndex's own events."""
    kept, dispatcher = Kept(), get_dispatcher("tests.reranker")

    class Cutting(type(index.as_retriever())):  # type: ignore[misc]
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            nodes: list[NodeWithScore] = super()._retrieve(query_bundle)
            dispatcher.event(
                ReRankStartEvent(query=query_bundle, nodes=nodes, top_n=1, model_name="cut")
            )
            dispatcher.event(ReRankEndEvent(nodes=nodes[:1]))
            return nodes[:1]

    from llama_index.core.query_engine import RetrieverQueryEngine

    engine = RetrieverQueryEngine.from_args(
        Cutting(index, similarity_top_k=4, embed_model=index._embed_model), llm=billing()
    )
    with audit(kept):
        engine.query(ASKED)
    assert len(documents_of(kept.only)) == 1
    assert kept.only.savings["rerank"].saved > 0


def test_an_answer_in_several_calls(index: VectorStoreIndex) -> None:
    kept = Kept()
    engine = index.as_query_engine(
        llm=billing(), similarity_top_k=3, response_mode=ResponseMode.REFINE
    )
    with audit(kept):
        engine.query(ASKED)
    assert len(kept.calls) == 3
    assert len({call.trace for call in kept.calls}) == 1
    assert [len(documents_of(call)) for call in kept.calls] == [1, 1, 1]


def test_a_chat_engine(index: VectorStoreIndex) -> None:
    kept = Kept()
    engine = ContextChatEngine.from_defaults(
        retriever=index.as_retriever(similarity_top_k=2),
        llm=billing(),
        memory=ChatMemoryBuffer.from_defaults(),
    )
    with audit(kept):
        engine.chat("Good morning!")
        engine.chat(ASKED)
    second = kept.calls[1]
    assert second.request_type == "ContextChatEngine"
    kinds = [part.kind for part in second.segments]
    assert kinds.count("document") == 2
    assert kinds[-3:] == ["history", "history", "question"]


async def test_an_agent() -> None:
    kept = Kept()

    def menu(day: str) -> str:
        """Dishes of a day."""
        return "Soup."

    agent = FunctionAgent(
        tools=[FunctionTool.from_defaults(menu)],
        llm=billing(calling("menu", day="Friday"), "Soup."),
        system_prompt="Be brief.",
    )
    with audit(kept):
        await agent.run(ASKED, memory=ChatMemoryBuffer.from_defaults())
    first, second = kept.calls
    assert [part.kind for part in first.segments] == ["tools", "system", "question"]
    assert first.trace == second.trace
    assert {call.request_type for call in kept.calls} == {"FunctionAgent"}


@both
@pytest.mark.parametrize("streaming", [True, False])
async def test_a_cached_query_engine_tells_its_hits(
    index: VectorStoreIndex, how: str, streaming: bool
) -> None:
    kept = Kept()
    inner = index.as_query_engine(llm=billing(), streaming=streaming)
    engine = CachedQueryEngine(inner, a_cache(), scope=TENANT, streaming=streaming)
    with audit(kept):
        for _ in range(2):
            if how == "sync":
                str(engine.query(ASKED))
            else:
                response: Any = await engine.aquery(ASKED)
                if streaming:
                    assert [piece async for piece in response.async_response_gen()]
    made, spared = kept.calls
    assert (made.answered_by_cache, spared.answered_by_cache) == (False, True)
    assert (spared.model, spared.usage) == (made.model, made.usage)
    assert spared.request_type == made.request_type == "CachedQueryEngine"
    assert not spared.measured


@both
@pytest.mark.parametrize("streaming", [True, False])
async def test_a_cached_llm_tells_its_hits(
    index: VectorStoreIndex, how: str, streaming: bool
) -> None:
    kept = Kept()
    llm = CachedLLM(LocalLLM(ScriptedStream(ANSWER)), a_cache(), scope=TENANT)
    engine = index.as_query_engine(llm=llm, streaming=streaming)
    with audit(kept):
        for _ in range(2):
            if how == "sync":
                str(engine.query(ASKED))
            else:
                response: Any = await engine.aquery(ASKED)
                if streaming:
                    assert [piece async for piece in response.async_response_gen()]
    assert [call.answered_by_cache for call in kept.calls] == [False, True]


def test_a_router_is_not_counted_besides_its_llms(index: VectorStoreIndex) -> None:
    kept = Kept()
    llms: Any = {"cheap": billing(), "strong": billing()}
    with audit(kept):
        index.as_query_engine(llm=RouterLLM(Router(tiers_of(llms)), llms)).query(ASKED)
    assert kept.only.usage.input_tokens == 1200


async def test_traces_do_not_mix(index: VectorStoreIndex) -> None:
    kept = Kept()
    engine = index.as_query_engine(llm=billing(), similarity_top_k=1)
    with audit(kept):
        await asyncio.gather(*(engine.aquery(f"{ASKED} {n}") for n in range(20)))
    assert len({call.trace for call in kept.calls}) == 20
    assert len({call.question for call in kept.calls}) == 20
    assert all(len(documents_of(call)) == 1 for call in kept.calls)
