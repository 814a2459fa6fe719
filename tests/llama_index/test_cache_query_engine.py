"""A query engine behind a cache: what is served, what comes with it, and what is never served."""

from contextvars import ContextVar
from typing import Any

import pytest
from llama_index.core import PromptTemplate
from llama_index.core.base.response.schema import RESPONSE_TYPE, PydanticResponse, Response
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.callbacks import CallbackManager, CBEventType, TokenCountingHandler
from llama_index.core.query_engine import CitationQueryEngine, CustomQueryEngine
from llama_index.core.schema import (
    ImageNode,
    NodeWithScore,
    QueryBundle,
    TextNode,
)

from llama_index_ragthrift import CachedQueryEngine, RagthriftPostprocessor
from llama_index_ragthrift.cache.query_engine import MARK
from llama_index_ragthrift.cache.sources import Sources, to_passages
from ragthrift import InputError, Passage, Scope
from ragthrift.cache import Freshness, Lifetime, Rules
from tests.llama_index.caches import (
    ASKED,
    NEAR,
    OTHER,
    TENANT,
    Setting,
    a_cache,
    an_index,
    documents,
)
from tests.llama_index.conftest import Called, Heard
from tests.llama_index.fakes import FirstSentence, Scripted


async def ask(engine: CachedQueryEngine, question: str, awaited: bool) -> RESPONSE_TYPE:
    return await engine.aquery(question) if awaited else engine.query(question)


def source(response: RESPONSE_TYPE) -> str | None:
    mark = (response.metadata or {}).get(MARK)
    return mark["source"] if mark else None


AWAITED = pytest.mark.parametrize("awaited", [False, True])


@AWAITED
async def test_a_hit_neither_retrieves_nor_calls_the_model(awaited: bool) -> None:
    setting = Setting()
    responses = [await ask(setting.engine, q, awaited) for q in (ASKED, ASKED.lower(), NEAR)]
    assert [str(response) for response in responses] == ["At nine."] * 3
    assert [source(response) for response in responses] == [None, "exact", "semantic"]
    assert setting.calls == (1, 1)
    mark = (responses[2].metadata or {})[MARK]
    assert mark["question"] == ASKED
    assert 0.6 < mark["similarity"] < 1


@AWAITED
async def test_source_nodes_come_back_as_they_were(awaited: bool) -> None:
    setting = Setting()
    first, again = [await ask(setting.engine, q, awaited) for q in (ASKED, NEAR)]
    assert len(first.source_nodes) == 2
    assert again.source_nodes == first.source_nodes
    assert [type(scored.node) for scored in again.source_nodes] == [TextNode, TextNode]
    assert {n.node.ref_doc_id for n in again.source_nodes} == {"canteen", "lift"}
    assert again.get_formatted_sources() == first.get_formatted_sources()
    kept = {k: v for k, v in (again.metadata or {}).items() if k != MARK}
    assert kept == first.metadata


def test_what_a_caller_does_to_a_response_stays_with_the_caller() -> None:
    setting = Setting()
    setting.engine.query(ASKED)
    setting.engine.query(ASKED).source_nodes.clear()
    found = setting.engine.query(ASKED)
    found.source_nodes[0].node.metadata["file"] = "changed"
    assert {n.metadata["file"] for n in setting.engine.query(ASKED).source_nodes} == {
        "canteen.md",
        "lift.md",
    }


@AWAITED
async def test_two_tenants_have_two_answers(awaited: bool) -> None:
    tenant: ContextVar[str] = ContextVar("tenant")
    model = Scripted("At nine.")
    setting = Setting(model, scope=lambda query: {"tenant": tenant.get()})
    tenant.set("acme")
    await ask(setting.engine, ASKED, awaited)
    tenant.set("globex")
    model.answer = "At ten."
    for question in (ASKED, NEAR):
        assert str(await ask(setting.engine, question, awaited)) == "At ten."
    tenant.set("acme")
    assert str(await ask(setting.engine, NEAR, awaited)) == "At nine."
    assert len(model.asked) == 2


def test_a_scope_is_a_scope_or_a_mapping() -> None:
    cache = a_cache()
    Setting(cache=cache, scope=Scope.of(**TENANT)).engine.query(ASKED)
    assert source(Setting(cache=cache, scope=TENANT).engine.query(ASKED)) == "exact"
    assert source(Setting(cache=cache, scope=lambda q: Scope()).engine.query(ASKED)) is None
    with pytest.raises(InputError, match="must be a Scope"):
        Setting(scope=lambda q: "acme").engine.query(ASKED)


def test_a_declared_part_that_is_missing_keeps_the_cache_out() -> None:
    setting = Setting(cache=a_cache(rules=Rules(declared=("tenant",))), scope={"model": "m"})
    assert [source(setting.engine.query(ASKED)) for _ in range(2)] == [None, None]
    assert setting.calls == (2, 2)


def test_another_prompt_is_another_answer() -> None:
    setting = Setting()
    setting.engine.query(ASKED)
    name = "response_synthesizer:text_qa_template"
    assert setting.engine.get_prompts().keys() == setting.inner.get_prompts().keys()
    template = PromptTemplate("{context_str}\nIn French: {query_str}")
    setting.engine.update_prompts({name: template})
    setting.model.answer = "A neuf heures."
    assert str(setting.engine.query(ASKED)) == "A neuf heures."
    assert len(setting.model.asked) == 2


@AWAITED
async def test_a_document_that_changed_takes_its_answers_with_it(awaited: bool) -> None:
    setting = Setting()
    await ask(setting.engine, ASKED, awaited)
    changed, same = documents(canteen="The canteen opens at ten.")
    assert setting.cache.document_changed(same.id_, same.hash) == 0
    assert source(await ask(setting.engine, ASKED, awaited)) == "exact"
    assert setting.cache.document_changed(changed.id_, changed.hash) == 1
    setting.model.answer = "At ten."
    setting.retriever.index = an_index(canteen=changed.text)
    for question in (NEAR, ASKED):
        assert str(await ask(setting.engine, question, awaited)) == "At ten."


def test_an_answer_from_a_document_that_changed_meanwhile_is_not_kept() -> None:
    cache = a_cache()

    class Overtaken(Scripted):
        def complete(self, *args: Any, **kwargs: Any) -> Any:
            cache.invalidate(document_id="canteen")
            return super().complete(*args, **kwargs)

    setting = Setting(Overtaken("At nine."), cache)
    setting.engine.query(ASKED)
    assert cache.counters["dropped_moved"] == 1
    assert source(setting.engine.query(ASKED)) is None


@AWAITED
@pytest.mark.parametrize("mode", ["after_retrieval", "auto"])
async def test_fresh_nodes_are_compared_where_the_cache_asks_for_it(
    awaited: bool, mode: Any
) -> None:
    setting = Setting(cache=a_cache(freshness=Freshness(mode=mode)))
    for question in (ASKED, NEAR):
        await ask(setting.engine, question, awaited)
    assert setting.calls == ((2, 1) if mode == "after_retrieval" else (1, 1))
    assert len((await ask(setting.engine, ASKED, awaited)).source_nodes) == 2
    if mode == "after_retrieval":  # nobody told the cache
        setting.retriever.index = an_index(canteen="The canteen opens at ten.")
        setting.model.answer = "At ten."
        assert str(await ask(setting.engine, NEAR, awaited)) == "At ten."


@AWAITED
async def test_auto_retrieves_only_for_answers_near_new_chunks(awaited: bool) -> None:
    setting = Setting(cache=a_cache(freshness=Freshness(mode="auto")))
    await ask(setting.engine, ASKED, awaited)
    assert setting.cache.chunks_added([Passage(ASKED, id="c3")]) == 1
    for question in (ASKED, NEAR):
        assert source(await ask(setting.engine, question, awaited)) is not None
    assert setting.calls == (3, 1)
    setting.retriever.index = an_index(canteen="The canteen opens at ten.")
    setting.model.answer = "At ten."
    assert str(await ask(setting.engine, ASKED, awaited)) == "At ten."
    assert setting.calls == (4, 2)


@pytest.mark.parametrize("mode", ["after_retrieval", "auto"])
def test_an_engine_that_cannot_retrieve_first_says_so(mode: Any) -> None:
    class Whole(CustomQueryEngine):
        def custom_query(self, query_str: str) -> str:
            return "At nine."

    with pytest.raises(InputError, match="before_retrieval"):
        CachedQueryEngine(Whole(), a_cache(freshness=Freshness(mode=mode)), scope=TENANT)
    assert CachedQueryEngine(Whole(), a_cache(), scope=TENANT).query(ASKED)


@AWAITED
async def test_a_shortened_node_is_no_other_version(awaited: bool) -> None:
    nodes = [RagthriftPostprocessor([FirstSentence()], on_error="raise")]
    long = "The canteen opens at nine. It closes at three."
    setting = Setting(index=an_index(canteen=long), node_postprocessors=nodes)
    for question in (ASKED, OTHER):
        await ask(setting.engine, question, awaited)
    found = await ask(setting.engine, ASKED, awaited)
    assert source(found) == "exact"
    assert "The canteen opens at nine." in [scored.text for scored in found.source_nodes]


def test_a_citing_engine_is_cached_in_both_modes() -> None:
    for mode in ("before_retrieval", "after_retrieval"):
        setting = Setting(cache=a_cache(freshness=Freshness(mode=mode)))
        citing = CitationQueryEngine.from_args(
            setting.retriever.index, llm=setting.llm, retriever=setting.retriever
        )
        engine = CachedQueryEngine(citing, setting.cache, scope=TENANT)
        first, again = engine.query(ASKED), engine.query(NEAR)
        assert source(again) == "semantic"
        assert [n.text for n in again.source_nodes] == [n.text for n in first.source_nodes]
        assert again.source_nodes[0].text.startswith("Source 1:")


@pytest.mark.parametrize("answer", ["I don't know.", "I'm sorry, I can't help with that.", "  "])
def test_a_refusal_is_not_kept(answer: str) -> None:
    setting = Setting(Scripted(answer))
    assert [source(setting.engine.query(ASKED)) for _ in range(2)] == [None, None]
    assert setting.calls == (2, 2)


@AWAITED
async def test_an_answer_to_nothing_retrieved_is_not_kept(awaited: bool) -> None:
    setting = Setting()
    for node_id in list(setting.retriever.index.docstore.docs):
        setting.retriever.index.delete_nodes([node_id])
    responses = [await ask(setting.engine, ASKED, awaited) for _ in range(2)]
    assert [str(response) for response in responses] == ["Empty Response"] * 2
    assert [source(response) for response in responses] == [None, None]
    assert setting.retriever.calls == 2


@AWAITED
async def test_an_object_passes_through_and_is_not_kept(awaited: bool) -> None:
    class Hours(BaseModel):
        opens: int

    setting = Setting(Scripted('{"opens": 9}'), output_cls=Hours)
    for _ in range(2):
        response = await ask(setting.engine, ASKED, awaited)
        assert isinstance(response, PydanticResponse)
        assert response.response == Hours(opens=9)
    assert setting.calls == (2, 2)


@AWAITED
async def test_a_query_with_more_than_words_goes_to_the_engine(awaited: bool) -> None:
    setting = Setting()
    setting.engine.query(ASKED)
    for query in (
        QueryBundle(ASKED, custom_embedding_strs=["It opens at nine."]),
        QueryBundle(ASKED, image_path="door.png"),
    ):
        response = await setting.engine.aquery(query) if awaited else setting.engine.query(query)
        assert source(response) is None
    assert setting.calls == (3, 3)
    bundle = QueryBundle(ASKED)
    bundle.embedding = [0.5] * 4  # LlamaIndex's retrievers leave it in the query
    assert source(setting.engine.query(bundle)) == "exact"


@AWAITED
async def test_events_are_those_of_a_query(awaited: bool, heard: Heard, called: Called) -> None:
    setting = Setting()
    counting = TokenCountingHandler()
    setting.llm.callback_manager = CallbackManager([counting])
    setting.engine.callback_manager = CallbackManager([called])
    await ask(setting.engine, ASKED, awaited)
    spent, told = counting.total_llm_token_count, len(heard.events)
    called.calls.clear()
    hit = await ask(setting.engine, NEAR, awaited)
    names = [event.class_name() for event in heard.events[told:]]
    assert names == ["QueryStartEvent", "QueryEndEvent"]
    assert heard.events[-1].response is hit  # type: ignore[attr-defined]
    assert [when for when, _ in called.of(CBEventType.QUERY)] == ["start", "end"]
    assert (spent, counting.total_llm_token_count) == (47, 47)


def test_spans_of_a_miss_lie_inside_the_query(heard: Heard) -> None:
    setting = Setting()
    setting.engine.query(ASKED)
    ends = [event for event in heard.events if event.class_name() == "QueryEndEvent"]
    assert len(ends) == 2, "the engine's own, and that of the one around it"
    assert all(event.span_id for event in heard.events)


async def test_an_awaited_miss_keeps_the_span_of_the_query(heard: Heard) -> None:
    setting = Setting()
    await setting.engine.aquery(ASKED)
    assert all(event.span_id for event in heard.events)
    assert {type(event).__name__ for event in heard.events} >= {
        "RetrievalEndEvent",
        "LLMChatEndEvent",
    }


def test_an_error_comes_through_and_is_not_kept() -> None:
    class Broken(CustomQueryEngine):
        def custom_query(self, query_str: str) -> Response:
            raise TimeoutError("the model is away")

    engine = CachedQueryEngine(Broken(), a_cache(), scope=TENANT)
    for _ in range(2):
        with pytest.raises(TimeoutError, match="away"):
            engine.query(ASKED)


def test_a_stale_answer_is_served_while_a_fresh_one_is_made() -> None:
    setting = Setting(cache=a_cache(lifetime=Lifetime(soft_seconds=1e-6)))
    setting.engine.query(ASKED)
    setting.model.answer = "At ten."
    assert str(setting.engine.query(ASKED)) == "At nine."
    setting.cache._behind.shutdown(wait=True)  # type: ignore[union-attr]
    assert setting.cache.lookup(ASKED, scope=setting.engine.scope_of(ASKED)).answer == "At ten."  # type: ignore[union-attr]


def test_answers_stored_by_others_have_no_nodes() -> None:
    setting = Setting()
    setting.cache.store(ASKED, "At nine.", scope=setting.engine.scope_of(ASKED))
    found = setting.engine.query(ASKED)
    assert (str(found), found.source_nodes, source(found)) == ("At nine.", [], "exact")
    assert setting.cache.explain(ASKED, scope=setting.engine.scope_of(QueryBundle(ASKED))).hit


def test_users_share_after_two() -> None:
    setting = Setting(cache=a_cache(rules=Rules(share_after_users=2)))
    users = iter(["ann", "ann", "bob", "carl"])
    engine = CachedQueryEngine(
        setting.inner, setting.cache, scope=TENANT, user=lambda query: next(users)
    )
    assert [source(engine.query(ASKED)) for _ in range(4)] == [None, "exact", None, "exact"]


def test_retrieving_and_synthesising_are_the_engines() -> None:
    setting = Setting()
    query = QueryBundle(ASKED)
    nodes = setting.engine.retrieve(query)
    assert str(setting.engine.synthesize(query, nodes)) == "At nine."
    assert setting.calls == (1, 1)


class Own(TextNode):
    """A node of a class that LlamaIndex does not know."""

    @classmethod
    def get_type(cls) -> str:
        return "own"


def test_nodes_of_every_kind_are_kept() -> None:
    picture = ImageNode(id_="p", text="A door.", image="aGk=", embedding=[1.0])
    own = Own(id_="o", text="Mine.")
    own.metadata = {"page": 3}
    kept = Sources([NodeWithScore(node=n, score=0.5) for n in (picture, own)], {"a": {1, 2}})
    again = Sources.from_bytes(kept.to_bytes())
    assert [type(scored.node) for scored in again.nodes] == [ImageNode, TextNode]
    assert again.nodes[0].node == picture.model_copy(update={"embedding": None})
    assert (again.nodes[1].node_id, again.nodes[1].text) == ("o", "Mine.")
    assert again.nodes[1].metadata == {"page": 3}
    assert [scored.score for scored in again.nodes] == [0.5, 0.5]
    assert again.metadata == {"a": "{1, 2}"}


def test_a_nodes_own_version_comes_first() -> None:
    node = TextNode(id_="n", text="Soup.", metadata={"version": 3})
    (passage,) = to_passages([NodeWithScore(node=node)])
    assert dict(passage.metadata) == {"document_id": "n", "version": 3}
