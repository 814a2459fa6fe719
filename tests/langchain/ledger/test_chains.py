"""Calls in chains and agents: what was retrieved for them, and what our levers did."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.tools import create_retriever_tool
from langgraph.checkpoint.memory import InMemorySaver

from langchain_ragthrift import (
    CachedRunnable,
    ChatLocal,
    LangChainLLM,
    LLMCache,
    RagthriftCompressor,
    RouterChatModel,
    SemanticCacheMiddleware,
    TrimToolMessages,
    audit,
    tiers_of,
)
from ragthrift import Message, Savings, Usage
from ragthrift.ledger import Call
from ragthrift.route import OutcomeLog, Router
from tests.langchain.fakes import EchoLLM, Shelf
from tests.langchain.ledger.billing import OPENAI, BillingModel, Kept, StreamingModel
from tests.langchain.talking import make

ASKED = "When does the canteen serve soup?"
SOUP = Document("Soup is served at noon. There is no soup in August.", id="soup")
PARK = Document("Bicycles stand in the yard behind the house.", id="park")
KEYS = Document("Keys are kept by the porter, who sleeps at night.", id="keys")
SHELF = Shelf(documents=[SOUP, PARK, KEYS])
TEMPLATE = ChatPromptTemplate.from_messages(
    [
        ("system", "Answer from the handbook, briefly."),
        ("human", "Handbook:\n\n{context}\n\nQuestion: {question}\nAnswer:"),
    ]
)


def joined(documents: list[Document]) -> str:
    return "\n\n".join(document.page_content for document in documents)


def rag(retriever: Any, model: Any) -> Runnable[str, Any]:
    context = {"context": retriever | joined, "question": RunnablePassthrough()}
    chain: Runnable[str, Any] = context | TEMPLATE | model
    return chain


def documents_of(call: Call) -> list[tuple[str, bool | None]]:
    return [(part.id, part.used) for part in call.segments if part.kind == "document"]


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream", "abatch"])
def test_documents_and_question_of_a_chain(how: str) -> None:
    kept = Kept()
    chain = rag(SHELF, StreamingModel(lines=["At noon, and not in August."]))

    async def run() -> None:
        if how == "ainvoke":
            await chain.ainvoke(ASKED)
        elif how == "astream":
            async for _ in chain.astream(ASKED):
                pass
        else:
            await chain.abatch([ASKED])

    with audit(kept):
        if how == "invoke":
            chain.invoke(ASKED)
        elif how == "stream":
            list(chain.stream(ASKED))
        else:
            asyncio.run(run())
    call = kept.only
    kinds = [part.kind for part in call.segments]
    assert kinds == ["system", "other", *["document"] * 3, "other", "question", "other"]
    assert documents_of(call) == [("soup", True), ("park", False), ("keys", False)]
    assert sum(part.tokens for part in call.segments) == call.usage.input_tokens == 1200
    assert call.savings == {}


def test_what_a_compression_retriever_took_away() -> None:
    """It runs the retriever below itself: five documents inside, and what is left outside."""
    kept = Kept()

    def first_sentence(query: str, passages: Any) -> Any:
        return [passages[0].with_text(passages[0].text.split(". ")[0] + ".")]

    retriever = ContextualCompressionRetriever(
        base_compressor=RagthriftCompressor([first_sentence]), base_retriever=SHELF
    )
    with audit(kept):
        rag(retriever, BillingModel()).invoke(ASKED)
    call = kept.only
    assert documents_of(call) == [("soup", True)]
    assert call.savings == {"rerank": Savings(37, 13), "compress": Savings(13, 6)}


def test_what_a_compressor_in_a_chain_took_away() -> None:
    kept = Kept()
    trim = RagthriftCompressor([lambda query, passages: passages[:2]]).as_runnable()
    found = {"question": RunnablePassthrough(), "documents": SHELF}
    with audit(kept):
        rag(found | trim, BillingModel()).invoke(ASKED)
    assert documents_of(kept.only) == [("soup", True), ("park", False)]
    assert kept.only.savings == {"rerank": Savings(37, 24)}


def test_documents_of_a_function_and_of_a_retriever_outside() -> None:
    kept = Kept()
    with audit(kept):
        rag(RunnableLambda(lambda asked: [SOUP]), BillingModel()).invoke(ASKED)
        context = joined(SHELF.invoke(ASKED))
        BillingModel().invoke(f"{context}\n\n{ASKED}")
    inside, outside = kept.calls
    assert documents_of(inside) == [("soup", True)]
    assert [id_ for id_, _ in documents_of(outside)] == ["soup", "park", "keys"]
    assert outside.segments[-1].kind == "question"


def searching() -> list[AIMessage]:
    call = ToolCall(name="search", args={"query": "soup"}, id="1")
    return [AIMessage("", tool_calls=[call]), AIMessage("Soup is at noon.")]


@pytest.mark.parametrize("form", ["content", "content_and_artifact"])
@pytest.mark.parametrize("how", ["sync", "async"])
def test_an_agent(how: str, form: Any) -> None:
    kept = Kept()
    tool = create_retriever_tool(SHELF, "search", "Searches.", response_format=form)
    agent: Any = create_agent(
        BillingModel(lines=searching()), [tool], name="porter", checkpointer=InMemorySaver()
    )
    config = {"configurable": {"thread_id": "ann"}}
    asked = {"messages": [HumanMessage(ASKED)]}
    with audit(kept):
        if how == "sync":
            agent.invoke(asked, config)
        else:
            asyncio.run(agent.ainvoke(asked, config))
    first, second = kept.calls
    assert {call.request_type for call in kept.calls} == {"porter"}
    assert {call.session for call in kept.calls} == {"ann"}
    assert first.trace == second.trace
    assert [part.kind for part in first.segments] == ["tools", "question"]
    kinds = [part.kind for part in second.segments]
    assert kinds == ["tools", "question", "history", "document", "document", "document"]
    assert first.question == second.question
    assert [id_ for id_, _ in documents_of(second)] == ["soup", "park", "keys"]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_an_agent_s_middleware_took_away(how: str) -> None:
    kept = Kept()
    tool = create_retriever_tool(
        SHELF, "search", "Searches.", response_format="content_and_artifact"
    )
    trim = TrimToolMessages([lambda query, passages: passages[:2]])
    agent: Any = create_agent(BillingModel(lines=searching()), [tool], middleware=[trim])
    asked = {"messages": [HumanMessage(ASKED)]}
    with audit(kept):
        if how == "sync":
            agent.invoke(asked)
        else:
            asyncio.run(agent.ainvoke(asked))
    first, second = kept.calls
    assert first.savings == {}
    assert second.savings == {"rerank": Savings(37, 24)}
    assert [id_ for id_, _ in documents_of(second)] == ["soup", "park"]


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
def test_a_cached_chain_tells_its_hits(how: str) -> None:
    kept = Kept()
    chain: Any = CachedRunnable(make(), rag(SHELF, BillingModel()), scope={})

    def ask() -> None:
        config = {"metadata": {"request_type": "faq"}}

        async def run() -> None:
            if how == "ainvoke":
                await chain.ainvoke(ASKED, config)
            else:
                async for _ in chain.astream(ASKED, config):
                    pass

        if how == "invoke":
            chain.invoke(ASKED, config)
        elif how == "stream":
            list(chain.stream(ASKED, config))
        else:
            asyncio.run(run())

    with audit(kept):
        ask()
        ask()
    made, spared = kept.calls
    assert (made.answered_by_cache, spared.answered_by_cache) == (False, True)
    assert (spared.request_type, spared.model) == ("faq", made.model)
    assert (spared.usage, spared.measured) == (made.usage, False)
    assert spared.question == made.question


@pytest.mark.parametrize("how", ["sync", "async"])
def test_an_agent_that_answers_from_its_cache(how: str) -> None:
    kept = Kept()
    model = BillingModel(lines=["At noon."])
    middleware = SemanticCacheMiddleware(make(), scope={})
    agent: Any = create_agent(model, [], name="porter", middleware=[middleware])
    with audit(kept):
        for _ in range(2):
            asked = {"messages": [HumanMessage(ASKED)]}
            if how == "sync":
                agent.invoke(asked)
            else:
                asyncio.run(agent.ainvoke(asked))
    assert len(model.heard) == 1
    assert [call.answered_by_cache for call in kept.calls] == [False, True]
    assert [call.request_type for call in kept.calls] == ["porter", "porter"]


def test_a_semantic_cache_where_models_look_for_one() -> None:
    kept = Kept()
    model = BillingModel(cache=LLMCache(make(), scope={}))
    with audit(kept):
        model.invoke(ASKED)
        model.invoke(ASKED)
    made, spared = kept.calls
    assert (made.answered_by_cache, spared.answered_by_cache) == (False, True)
    assert spared.model == made.model
    assert spared.usage.input_tokens > 0


@pytest.mark.parametrize("how", ["invoke", "stream", "ainvoke"])
def test_a_router_is_not_counted_besides_its_models(how: str) -> None:
    kept = Kept()
    models: Any = {
        "cheap": StreamingModel(),
        "strong": StreamingModel(billed={**OPENAI, "model": "gpt-5"}),
    }
    chat = RouterChatModel(router=Router(tiers_of(models)), models=models)
    with audit(kept):
        if how == "invoke":
            chat.invoke(ASKED)
        elif how == "stream":
            list(chat.stream(ASKED))
        else:
            asyncio.run(chat.ainvoke(ASKED))
    assert kept.only.usage.input_tokens == 1200
    assert kept.only.request_type == "untagged"


def test_shadow_calls_of_a_router(tmp_path: Path) -> None:
    kept = Kept()
    models: Any = {"cheap": BillingModel(), "strong": BillingModel()}
    with OutcomeLog(tmp_path / "log.db") as log:
        router = Router(tiers_of(models), log=log, shadow_share=1.0)
        with audit(kept) as recorder:
            RouterChatModel(router=router, models=models).invoke(ASKED)
            router.close()
            recorder.flush()
    assert sorted(call.purpose for call in kept.calls) == ["answer", "shadow"]


def test_a_local_model() -> None:
    kept = Kept()
    with audit(kept):
        ChatLocal(llm=EchoLLM(cache_read_tokens=3), model_name="echo-1").invoke(ASKED)
    call = kept.only
    assert (call.model, call.provider, call.measured) == ("echo-1", "ragthrift", True)
    assert call.usage == Usage(6, 6, cache_read_tokens=3)


def test_what_ragthrift_asks_a_model_itself() -> None:
    kept = Kept()
    with audit(kept):
        LangChainLLM(BillingModel()).complete([Message("user", "Sum it up.")])
    assert kept.only.purpose == "summary"


def test_traces_do_not_mix() -> None:
    """Two questions at once, each with documents of its own."""
    kept = Kept()
    shelves: dict[str, Callable[[str], list[Document]]] = {
        "soup": lambda _: [SOUP],
        "park": lambda _: [PARK],
    }

    async def run() -> None:
        chains = [rag(RunnableLambda(found), BillingModel()) for found in shelves.values()]
        await asyncio.gather(*(chain.ainvoke(ASKED) for chain in chains * 20))

    with audit(kept):
        asyncio.run(run())
    found = sorted(documents_of(call)[0][0] for call in kept.calls)
    assert found == ["park"] * 20 + ["soup"] * 20
    assert len({call.trace for call in kept.calls}) == 40
