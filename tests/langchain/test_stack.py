"""Every lever at once, in a chain and in an agent."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_classic.chains import create_retrieval_chain
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever

from langchain_ragthrift import ChatLocal, audit
from langchain_ragthrift.stack import LangChainStack
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


class Shelf(BaseRetriever):
    """Finds the same three documents."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [
            Document("Payday is the 25th of each month.", id="pay"),
            Document(
                "The canteen opens at nine. It lies next to the lift, on the ground floor.",
                id="canteen",
            ),
            Document("Dogs are welcome on Fridays.", id="dogs"),
        ]


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


def models(cheap: ScriptedLLM, strong: ScriptedLLM) -> dict[str, ChatLocal]:
    return {
        "cheap": ChatLocal(llm=cheap, model_name="small-model"),
        "strong": ChatLocal(llm=strong, model_name="large-model"),
    }


def whole_chain(stack: LangChainStack, cheap: ScriptedLLM, strong: ScriptedLLM) -> Any:
    prompt = ChatPromptTemplate([("system", "You are the desk.\n{context}"), ("human", "{input}")])
    answering = create_stuff_documents_chain(
        stack.model(models(cheap, strong)),
        prompt,
    )
    chain = create_retrieval_chain(stack.retriever(Shelf()), answering)
    return stack.chain(
        chain,
        question="input",
        scope=lambda _, config: {"tenant": config["configurable"]["tenant"]},
    )


def of(tenant: str) -> Any:
    return {"configurable": {"tenant": tenant, "thread_id": f"talk of {tenant}"}}


def test_a_chain_with_every_lever(levers: Levers, ledger: SqliteLedger) -> None:
    cheap, strong = ScriptedLLM(["", "At ten."]), ScriptedLLM("At nine.")
    stack = LangChainStack(levers, request_type="faq")
    chain = whole_chain(stack, cheap, strong)
    said = chain.invoke({"input": ASKED}, of("acme"))
    assert said["answer"] == "At nine.", "the cheap one said nothing"
    assert [document.id for document in said["context"]] == ["canteen"]
    sent = "\n".join(message.content for message in strong.calls[0])
    assert "Payday" not in sent
    assert sent.endswith("Leave out what was not asked for."), "the instruction is last"

    assert chain.invoke({"input": NEAR}, of("acme"))["answer"] == "At nine."
    assert (len(cheap.calls), len(strong.calls)) == (1, 1)
    assert chain.invoke({"input": NEAR}, of("other"))["answer"] == "At ten.", "another tenant"

    assert stack.recorder is not None
    assert stack.recorder.flush()
    assert stack.recorder.failures == {}
    calls = list(ledger.calls())
    assert {call.request_type for call in calls} == {"faq"}
    assert sum(call.answered_by_cache for call in calls) == 1
    assert sum(not call.answered_by_cache for call in calls) == 3


async def test_the_same_awaited_streamed_and_in_batches(levers: Levers) -> None:
    cheap, strong = ScriptedLLM(lambda _: "At nine."), ScriptedLLM(lambda _: "At nine.")
    chain = whole_chain(LangChainStack(levers, request_type="faq"), cheap, strong)
    said = await chain.ainvoke({"input": ASKED}, of("a"))
    pieces = [chunk async for chunk in chain.astream({"input": ASKED}, of("a"))]
    assert "".join(piece.get("answer", "") for piece in pieces) == said["answer"] == "At nine."
    streamed = [chunk.get("answer", "") for chunk in chain.stream({"input": ASKED}, of("b"))]
    assert "".join(streamed) == "At nine."
    batch = chain.batch([{"input": ASKED}, {"input": "Are dogs welcome?"}], of("c"))
    assert [one["answer"] for one in batch] == ["At nine.", "At nine."]
    both = await asyncio.gather(*(chain.ainvoke({"input": ASKED}, of("d")) for _ in range(5)))
    assert {one["answer"] for one in both} == {"At nine."}


def test_an_agent_with_every_lever(levers: Levers, ledger: SqliteLedger) -> None:
    agents = pytest.importorskip("langchain.agents")
    cheap = ScriptedLLM(lambda messages: f"At nine, of {len(messages)}.")
    strong = ScriptedLLM("not asked")
    stack = LangChainStack(levers, request_type="faq")
    chats = models(cheap, strong)
    agent = agents.create_agent(
        chats["strong"],
        [],
        system_prompt="You are the desk.",
        middleware=stack.middleware(chats, scope={"tenant": "acme"}),
    )
    with audit(stack.recorder or ledger):
        said = agent.invoke({"messages": [HumanMessage(ASKED)]}, of("acme"))
        again = agent.invoke({"messages": [HumanMessage(NEAR)]}, of("ben"))
    assert said["messages"][-1].text.startswith("At nine")
    assert again["messages"][-1].text == said["messages"][-1].text
    assert len(cheap.calls) == 1
    assert "30 words" in cheap.calls[0][-1].content
    hits = [call.answered_by_cache for call in ledger.calls()]
    assert False in hits


def test_what_no_lever_is_for_stays_as_it_is() -> None:
    stack = LangChainStack(Levers())
    shelf, model = Shelf(), ChatLocal(llm=ScriptedLLM("x"), model_name="m")
    assert stack.retriever(shelf) is shelf
    assert stack.model(model) is model
    assert stack.chain(model) is model
    assert stack.middleware() == []


def test_what_is_missing_is_told(levers: Levers) -> None:
    stack = LangChainStack(levers)
    model = ChatLocal(llm=ScriptedLLM("x"), model_name="m")
    with pytest.raises(InputError, match="each tier"):
        stack.model(model)
    with pytest.raises(InputError, match="scope"):
        stack.chain(model)
    with pytest.raises(InputError, match="scope"):
        stack.middleware({"cheap": model, "strong": model})
    with pytest.raises(InputError, match="need a router"):
        LangChainStack(Levers()).model({"cheap": model})
