"""Chains whose cache compares an answer's evidence with what is retrieved now."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain_classic.chains import create_retrieval_chain
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from pydantic import Field

from langchain_ragthrift import CachedRunnable, SemanticCache
from langchain_ragthrift.cache.outputs import Said
from ragthrift import InputError, Passage
from ragthrift.cache import Freshness, Lifetime
from ragthrift.testing import FakeEmbedder
from tests.langchain.fakes import Shelf
from tests.langchain.talking import ASKED, NEAR, TalkingModel, settings

SCOPE = {"tenant": "acme"}
NINE = Document("The canteen opens at nine.", id="c1", metadata={"source": "menu.md"})
TEN = Document("The canteen opens at ten.", id="c1", metadata={"source": "menu.md"})
SOUP = Document("Soup is on Fridays.", id="c2", metadata={"source": "soup.md"})
ADDED = Passage(ASKED, id="c3")
HOWS = ["invoke", "ainvoke", "stream", "astream"]


class Counted(Shelf):
    """Counts how often it is asked."""

    asked: list[str] = Field(default_factory=list)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        self.asked.append(query)
        return self.documents


class Setting:
    """A chain that retrieves from one shelf, and a cache that compares with another like it."""

    def __init__(self, mode: Any, **wrapping: Any) -> None:
        self.model = TalkingModel()
        self.chains, self.caches = Counted(documents=[NINE, SOUP]), Counted(documents=[NINE, SOUP])
        prompt = ChatPromptTemplate.from_messages([("system", "{context}"), ("human", "{input}")])
        chain: Runnable[Any, Any] = create_retrieval_chain(
            self.chains, create_stuff_documents_chain(self.model, prompt)
        )
        freshness = Freshness(mode=mode)
        self.cache = SemanticCache(FakeEmbedder(), freshness=freshness, **settings(**wrapping))
        self.cached = self.cache.wrap(
            chain, question="input", scope=SCOPE, document_key="source", retrieve=self.caches
        )

    def change(self, *documents: Document) -> None:
        self.chains.documents = self.caches.documents = list(documents)


async def ask(cached: Runnable[Any, Any], how: str, question: Any) -> Any:
    if how == "invoke":
        return cached.invoke(question)["answer"]
    if how == "ainvoke":
        return (await cached.ainvoke(question))["answer"]
    chunks = (
        list(cached.stream(question))
        if how == "stream"
        else [chunk async for chunk in cached.astream(question)]
    )
    return "".join(chunk.get("answer", "") for chunk in chunks).strip()


@pytest.mark.parametrize("how", HOWS)
async def test_an_answer_is_served_while_its_documents_are_found(how: str) -> None:
    setting = Setting("after_retrieval")
    for question in (ASKED, ASKED, NEAR):
        assert await ask(setting.cached, how, {"input": question}) == "At nine, sharp."
    assert setting.caches.asked == [ASKED, ASKED, NEAR]
    assert (setting.chains.asked, setting.model.calls) == ([ASKED], 1)
    setting.change(TEN, SOUP)  # nobody tells the cache
    setting.model.answer = "At ten."
    for question in (NEAR, ASKED, ASKED):
        assert await ask(setting.cached, how, {"input": question}) == "At ten."
    assert setting.model.calls == 3, "each of the two stored answers is made anew once"


@pytest.mark.parametrize("how", HOWS)
async def test_auto_retrieves_only_for_answers_near_new_chunks(how: str) -> None:
    setting = Setting("auto")
    await ask(setting.cached, how, {"input": ASKED})
    setting.caches.asked.clear()
    assert await ask(setting.cached, how, {"input": ASKED}) == "At nine, sharp."
    assert not setting.caches.asked
    assert setting.cache.chunks_added([ADDED]) == 1
    for question in (ASKED, NEAR):
        assert await ask(setting.cached, how, {"input": question}) == "At nine, sharp."
    assert (setting.caches.asked, setting.model.calls) == ([ASKED, NEAR], 1)
    setting.change(TEN, Document(ADDED.text, id="c3"))
    setting.model.answer = "At ten."
    assert await ask(setting.cached, how, {"input": ASKED}) == "At ten."


def test_before_retrieval_nothing_is_retrieved_for_the_cache() -> None:
    setting = Setting("before_retrieval")
    for question in (ASKED, NEAR):
        setting.cached.invoke({"input": question})
    assert not setting.caches.asked
    assert setting.model.calls == 1


def test_documents_are_named_as_the_chains_are() -> None:
    setting = Setting("after_retrieval")
    setting.cached.invoke({"input": ASKED})
    assert setting.cache.invalidate(document_id="soup.md") == 1


def test_an_empty_retrieval_is_not_stored() -> None:
    setting = Setting("after_retrieval")
    setting.change()
    for _ in range(2):
        setting.cached.invoke({"input": ASKED})
    assert setting.model.calls == 2


def test_what_only_the_chain_finds_is_evidence_too() -> None:
    setting = Setting("after_retrieval")
    setting.caches.documents = [NINE]
    setting.cached.invoke({"input": ASKED})
    setting.cached.invoke({"input": ASKED})
    assert setting.model.calls == 1, "half of the evidence is found again"
    assert setting.cache.invalidate(document_id="soup.md") == 1


def test_a_chain_that_shortens_its_documents_has_the_retrieved_ones_as_evidence() -> None:
    whole = Passage("It opens at nine. It closes at three.", id="a")
    said = Said("At nine.", passages=[Passage("It opens at nine.", id="a"), Passage("x", id="b")])
    assert said.built_from([whole]).passages == [whole, Passage("x", id="b")]
    assert said.built_from([]) is said
    unknown = Said("At nine.")
    assert unknown.built_from([whole]).passages is None, "the cache fills in what was retrieved"


async def afind(question: str) -> list[Document]:
    return [NINE]


def find(question: str) -> list[Document]:
    return [NINE]


@pytest.mark.parametrize(
    ("finds", "how"), [(find, "invoke"), (find, "ainvoke"), (afind, "astream")]
)
async def test_a_function_finds_them_for_a_chain_that_shows_none(
    finds: Callable[[str], Any], how: str
) -> None:
    model = TalkingModel()
    chain = {"input": RunnableLambda(lambda q: q)} | (
        ChatPromptTemplate.from_template("{input}")
        | model
        | StrOutputParser()
        | (lambda text: {"answer": text})
    )
    freshness = Freshness(mode="after_retrieval")
    cache = SemanticCache(FakeEmbedder(), freshness=freshness, **settings())
    cached = cache.wrap(chain, scope=SCOPE, retrieve=finds)
    for question in (ASKED, NEAR):
        assert await ask(cached, how, question) == "At nine, sharp."
    assert model.calls == 1
    assert cache.invalidate(document_id="c1") == 1


def test_a_function_is_given_the_config() -> None:
    shelves = {"acme": [NINE], "bolt": [TEN]}

    def of_tenant(question: str, config: RunnableConfig) -> list[Document]:
        return shelves[config["configurable"]["tenant"]]

    freshness = Freshness(mode="after_retrieval")
    cached = CachedRunnable(
        SemanticCache(FakeEmbedder(), freshness=freshness, **settings()),
        RunnableLambda(str.upper),
        scope=SCOPE,  # which forgets the tenant
        retrieve=of_tenant,
    )
    for tenant in ("acme", "bolt"):
        cached.invoke(ASKED, {"configurable": {"tenant": tenant}})
    assert cached._cache.counters["misses"] == 2


async def test_what_is_due_is_compared_and_computed_behind() -> None:
    setting = Setting("after_retrieval", lifetime=Lifetime(soft_seconds=1e-6))
    await setting.cached.ainvoke({"input": ASKED})
    setting.model.answer = "At ten."
    assert await ask(setting.cached, "ainvoke", {"input": ASKED}) == "At nine, sharp."
    while setting.model.calls < 2:
        await ask(setting.cached, "ainvoke", {"input": "What is not asked otherwise?"})
    setting.cache.close()


def test_without_a_retriever_it_says_so() -> None:
    for mode in ("before_retrieval", "auto"):
        cache = SemanticCache(None, freshness=Freshness(mode=mode))
        assert cache.wrap(RunnableLambda(str.upper), scope=SCOPE).invoke(ASKED)
    cache = SemanticCache(None, freshness=Freshness(mode="after_retrieval"))
    with pytest.raises(InputError, match="retrieve="):
        cache.wrap(RunnableLambda(str.upper), scope=SCOPE)
