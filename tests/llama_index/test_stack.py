"""Every lever at once, in a query engine, a chat engine and an agent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.tools import QueryEngineTool

from llama_index_ragthrift import LocalLLM
from llama_index_ragthrift.stack import LlamaIndexStack
from ragthrift import InputError, Price, Tier
from ragthrift.cache import SemanticCache
from ragthrift.compress import ExtractiveCompressor
from ragthrift.ledger import SqliteLedger
from ragthrift.memory import ConversationMemory
from ragthrift.prompt import PromptLayout
from ragthrift.prompt.output import Allowance, OutputBudget
from ragthrift.rerank import HybridReranker, Keep
from ragthrift.route import CHECKS, Router
from ragthrift.route.checks import truncated
from ragthrift.stack import Levers
from ragthrift.testing import FakeEmbedder, ScriptedLLM
from tests.cache.fakes import ServeNear

TIERS = [
    Tier("cheap", "small-model", Price(0.10, 0.40)),
    Tier("strong", "large-model", Price(2.50, 10.00)),
]
ASKED = "When does the canteen open?"
NEAR = "When does our canteen open?"
TEXTS = {
    "pay": "Payday is the 25th of each month.",
    "canteen": "The canteen opens at nine. It lies next to the lift, on the ground floor.",
    "dogs": "Dogs are welcome on Fridays.",
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    kept = SqliteLedger(tmp_path / "calls.db")
    yield kept
    kept.close()


@pytest.fixture
def levers(ledger: SqliteLedger) -> Iterator[Levers]:
    memory = ConversationMemory()
    checks = [check for check in CHECKS if check is not truncated]
    yield Levers(
        cache=SemanticCache(FakeEmbedder(), policy=ServeNear(0.6), on_error="raise"),
        rerank=HybridReranker(keep=Keep(top_k=1)),
        compress=ExtractiveCompressor(),
        memory=memory,
        layout=PromptLayout(),
        router=Router(TIERS, checks=checks),
        output=OutputBudget({"faq": Allowance.of(40)}, holdout=0),
        ledger=ledger,
    )
    memory.close()


def llms(cheap: ScriptedLLM, strong: ScriptedLLM) -> dict[str, Any]:
    return {
        "cheap": LocalLLM(cheap, model_name="small-model"),
        "strong": LocalLLM(strong, model_name="large-model"),
    }


def whole_engine(
    stack: LlamaIndexStack, cheap: ScriptedLLM, strong: ScriptedLLM, tenant: str = "acme"
) -> Any:
    documents = [Document(text=text, id_=name) for name, text in TEXTS.items()]
    index = VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=8))
    models = llms(cheap, strong)
    engine = index.as_query_engine(
        llm=stack.llm(models),
        similarity_top_k=3,
        node_postprocessors=stack.postprocessors(),
        text_qa_template=stack.template("Answer by the documents.", models["strong"]),
    )
    return stack.query_engine(engine, scope={"tenant": tenant})


def test_a_query_engine_with_every_lever(levers: Levers, ledger: SqliteLedger) -> None:
    cheap, strong = ScriptedLLM(["", "At ten."]), ScriptedLLM("At nine.")
    stack = LlamaIndexStack(levers, request_type="faq")
    engine = whole_engine(stack, cheap, strong)
    other = whole_engine(stack, cheap, strong, tenant="other")
    with stack.recording():
        said = engine.query(ASKED)
        again = engine.query(NEAR)
        elsewhere = other.query(NEAR)
    assert str(said) == str(again) == "At nine.", "the cheap one said nothing"
    assert str(elsewhere) == "At ten.", "another tenant"
    assert (len(cheap.calls), len(strong.calls)) == (2, 1)
    sent = strong.calls[0][-1].content
    assert "Payday" not in sent
    assert sent.startswith("Answer by the documents.")
    assert "Answer in at most 30 words" in sent
    calls = list(ledger.calls())
    assert sum(call.answered_by_cache for call in calls) == 1
    assert sum(not call.answered_by_cache for call in calls) == 3


async def test_the_same_awaited_and_streamed(levers: Levers) -> None:
    cheap, strong = ScriptedLLM(lambda _: "At nine."), ScriptedLLM(lambda _: "At nine.")
    engine = whole_engine(LlamaIndexStack(levers, request_type="faq"), cheap, strong)
    first, second = await engine.aquery(ASKED), await engine.aquery(NEAR)
    assert str(first) == str(second) == "At nine."
    assert second.metadata["ragthrift_cache"]["source"] == "semantic"


def test_a_chat_engine_remembers(levers: Levers) -> None:
    cheap = ScriptedLLM(lambda messages: f"{len(messages)} messages")
    stack = LlamaIndexStack(levers, request_type="faq")
    chat = SimpleChatEngine.from_defaults(
        llm=stack.llm(llms(cheap, ScriptedLLM("not asked"))), memory=stack.memory("ann")
    )
    chat.chat("My customer id is 4711.")
    chat.chat("What is my id?")
    assert any("4711" in message.content for message in cheap.calls[-1])


async def test_an_agent_asks_the_engine(levers: Levers) -> None:
    stack = LlamaIndexStack(levers, request_type="faq")
    engine = whole_engine(stack, ScriptedLLM(lambda _: "At nine."), ScriptedLLM("not asked"))
    agent = FunctionAgent(
        tools=[QueryEngineTool.from_defaults(engine, name="handbook", description="rules")],
        llm=MockFunctionCallingLLM(),
    )
    said = await agent.run(ASKED, memory=stack.memory("ann"))
    assert str(said)


def test_what_is_missing_is_told(levers: Levers) -> None:
    stack = LlamaIndexStack(levers)
    with pytest.raises(InputError, match="each tier"):
        stack.llm(MockLLM())
    documents = [Document(text="Soup.")]
    index = VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=8))
    with pytest.raises(InputError, match="scope"):
        stack.query_engine(index.as_query_engine(llm=MockLLM()))
    with pytest.raises(InputError, match="need a router"):
        LlamaIndexStack(Levers()).llm({"cheap": MockLLM()})
    assert LlamaIndexStack(Levers()).memory("ann") is None
