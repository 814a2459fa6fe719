"""Query and chat engines over the router, which sees what they retrieve."""

import asyncio
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_ragthrift import RoutingPostprocessor
from llama_index_ragthrift.route.retrieved import retrieved_in
from ragthrift.route import Ask
from tests.llama_index.conftest import TEXTS
from tests.llama_index.route.fakes import ASKED, REFUSAL, Hours, Setting, collected
from tests.llama_index.route.llms import Scripted, calling

GROUNDED = "The canteen is in the north wing. It opens at eight."
HOW = pytest.mark.parametrize("how", ["query", "aquery"])
CHATS = ["chat", "achat", "stream_chat", "astream_chat"]


def engine(
    index: VectorStoreIndex, setting: Setting, *, seen: bool = True, **settings: Any
) -> RetrieverQueryEngine:
    return RetrieverQueryEngine.from_args(
        index.as_retriever(similarity_top_k=4),
        llm=setting.llm,
        node_postprocessors=[RoutingPostprocessor()] if seen else [],
        **settings,
    )


async def query(asked: RetrieverQueryEngine, how: str, question: str = ASKED) -> Any:
    response = asked.query(question) if how == "query" else await asked.aquery(question)
    if isinstance(response, StreamingResponse):
        return "".join(response.response_gen)
    if isinstance(response, AsyncStreamingResponse):
        return "".join([piece async for piece in response.async_response_gen()])
    return response.response


@HOW
@pytest.mark.parametrize("streaming", [False, True])
async def test_a_query_engine_lets_the_router_see_its_nodes(
    index: VectorStoreIndex, how: str, streaming: bool
) -> None:
    setting = Setting(Scripted(GROUNDED))
    answered = await query(engine(index, setting, streaming=streaming), how)
    assert answered == GROUNDED
    [ask] = setting.model.asks
    assert ask.question == ASKED
    assert {passage.id for passage in ask.passages} == set(TEXTS)
    assert all(isinstance(passage.score, float) for passage in ask.passages)


@HOW
async def test_without_the_postprocessor_it_sees_their_text(
    index: VectorStoreIndex, how: str
) -> None:
    setting = Setting(Scripted(GROUNDED))
    await query(engine(index, setting, seen=False), how)
    [ask] = setting.model.asks
    [passage] = ask.passages
    assert all(text in passage.text for text in TEXTS.values())
    assert passage.score is None


@HOW
async def test_what_the_passages_lack_is_not_asked_of_a_dearer_llm(
    index: VectorStoreIndex, how: str
) -> None:
    lacking = "The context does not mention the price of gold."
    setting = Setting(Scripted(lacking))
    assert await query(engine(index, setting), how, "What does gold cost in Ulm?") == lacking
    [run] = setting.runs
    assert run.action == "retrieve_more"
    assert setting.strong.asked == []


@HOW
async def test_an_answer_from_elsewhere_goes_up(index: VectorStoreIndex, how: str) -> None:
    setting = Setting(
        Scripted("Chess was invented in India around 600."), Scripted(GROUNDED, name="large")
    )
    assert await query(engine(index, setting), how, "When does the canteen open?") == GROUNDED
    [run] = setting.runs
    assert run.escalated
    assert run.attempts[0].findings == ("grounded",)


@HOW
@pytest.mark.parametrize("mode", [ResponseMode.REFINE, ResponseMode.TREE_SUMMARIZE])
async def test_each_prompt_is_weighed_with_its_own_nodes(
    index: VectorStoreIndex, how: str, mode: ResponseMode
) -> None:
    setting = Setting(Scripted(GROUNDED))
    await query(engine(index, setting, response_mode=mode), how)
    assert {ask.question for ask in setting.model.asks} == {ASKED}
    seen = [{passage.id for passage in ask.passages} for ask in setting.model.asks]
    if mode == ResponseMode.REFINE:
        assert sorted(seen, key=str) == sorted([{name} for name in TEXTS], key=str)
    else:
        assert seen == [set(TEXTS)]


@HOW
async def test_an_engine_may_answer_with_an_object(index: VectorStoreIndex, how: str) -> None:
    setting = Setting(Scripted(calling("Hours", opens=8)), router={"checks": []})
    asked = engine(index, setting, output_cls=Hours)
    assert await query(asked, how) == Hours(opens=8)
    assert len(setting.runs) == 1


async def test_every_attempt_of_an_engine_is_counted_once(index: VectorStoreIndex) -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    manager = CallbackManager([counter])
    setting = Setting(Scripted(REFUSAL), Scripted(GROUNDED, name="large"))
    synthesizer = get_response_synthesizer(llm=setting.llm, callback_manager=manager)
    asked = engine(index, setting, response_synthesizer=synthesizer)
    for how in ("query", "aquery"):
        assert await query(asked, how) == GROUNDED
    assert [len(run.attempts) for run in setting.runs] == [2, 2]
    assert counter.prompt_llm_token_count == sum(run.usage.input_tokens for run in setting.runs)
    assert len(counter.llm_token_counts) == 4


@pytest.mark.parametrize("how", CHATS)
@pytest.mark.parametrize("mode", [ChatMode.CONTEXT, ChatMode.CONDENSE_PLUS_CONTEXT])
async def test_chat_engines_let_the_router_see_their_nodes(
    index: VectorStoreIndex, how: str, mode: ChatMode
) -> None:
    setting = Setting(Scripted(GROUNDED))
    chat: Any = index.as_chat_engine(
        mode, llm=setting.llm, similarity_top_k=4, node_postprocessors=[RoutingPostprocessor()]
    )
    assert await talk(chat, how, ASKED) == GROUNDED
    assert await talk(chat, how, "And the kitchen?") == GROUNDED
    last = setting.model.asks[-1]
    assert {passage.id for passage in last.passages} == set(TEXTS)
    if mode == ChatMode.CONTEXT:
        assert (last.question, last.history) == ("And the kitchen?", ASKED)


@pytest.mark.parametrize("how", CHATS)
async def test_a_chat_without_retrieval_is_weighed_by_its_last_turn(how: str) -> None:
    setting = Setting()
    chat = SimpleChatEngine.from_defaults(llm=setting.llm)
    await talk(chat, how, ASKED)
    await talk(chat, how, "And the kitchen?")
    assert setting.model.asks == [Ask(ASKED), Ask("And the kitchen?", ASKED)]


async def talk(chat: Any, how: str, question: str) -> str:
    said = getattr(chat, how)(question)
    said = await said if how.startswith("a") else said
    if how == "stream_chat":
        return "".join(said.response_gen)
    if how == "astream_chat":
        return "".join(await collected(said.async_response_gen()))
    return str(said)


async def test_nodes_of_another_question_are_not_seen(index: VectorStoreIndex) -> None:
    setting = Setting(Scripted(GROUNDED))
    await query(engine(index, setting), "aquery")
    setting.llm.complete("Say hello.")
    assert setting.model.asks[-1].passages == ()


async def test_questions_side_by_side_keep_their_nodes_apart() -> None:
    setting = Setting(Scripted(GROUNDED, seconds=0.01))

    async def one(name: str) -> None:
        nodes = [NodeWithScore(node=TextNode(id_=name, text=f"All about {name}."), score=0.5)]
        found = await RoutingPostprocessor().apostprocess_nodes(nodes, query_str=name)
        assert found == nodes
        await asyncio.sleep(0.01)
        await setting.llm.acomplete(f"All about {name}. What is {name}?")

    names = [f"topic-{at}" for at in range(20)]
    await asyncio.gather(*(one(name) for name in names))
    seen = {ask.passages[0].id for ask in setting.model.asks}
    assert seen == set(names)
    assert all(len(ask.passages) == 1 for ask in setting.model.asks)


def test_the_postprocessor_changes_nothing() -> None:
    nodes = [
        NodeWithScore(node=TextNode(text="Ann did."), score=0.9),
        NodeWithScore(node=TextNode(text="Bob did not.")),
    ]
    before = [node.model_copy(deep=True) for node in nodes]
    assert RoutingPostprocessor().postprocess_nodes(nodes) is nodes
    assert nodes == before
    assert [passage.score for passage in retrieved_in("Ann did. Bob did not.")] == [0.9, None]
    assert RoutingPostprocessor.class_name() in RoutingPostprocessor().to_dict().values()
