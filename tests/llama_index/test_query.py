"""The postprocessor and the LLM inside LlamaIndex's own query and chat parts."""

import asyncio
import json

import pytest
from llama_index.core import PromptTemplate, Settings, VectorStoreIndex
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.callbacks import CallbackManager, CBEventType
from llama_index.core.chat_engine import CondensePlusContextChatEngine, ContextChatEngine
from llama_index.core.extractors import DocumentContextExtractor
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import Document, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.storage.docstore import SimpleDocumentStore

from llama_index_ragthrift import LocalLLM, RagthriftPostprocessor
from tests.llama_index.conftest import Called, Heard
from tests.llama_index.fakes import FirstSentence, Scripted, ScriptedStream, SharedWords, broken

QUESTION = "Where is the canteen, in the north wing?"


def postprocessor() -> RagthriftPostprocessor:
    return RagthriftPostprocessor([SharedWords(top_k=2), FirstSentence()], on_error="raise")


@pytest.mark.parametrize("awaited", [True, False])
async def test_a_query_sends_less_and_cites_the_same(
    awaited: bool, index: VectorStoreIndex, handbook: list[TextNode], heard: Heard, called: Called
) -> None:
    retriever = index.as_retriever(similarity_top_k=4)
    asking = RetrieverQueryEngine.from_args(
        retriever,
        llm=MockLLM(),
        node_postprocessors=[postprocessor()],
        callback_manager=CallbackManager([called]),
    )
    asking.callback_manager = CallbackManager([called])
    response = await asking.aquery(QUESTION) if awaited else asking.query(QUESTION)

    originals = {node.node_id: node for node in handbook}
    assert response.source_nodes[0].node_id == "wing"
    assert len(response.source_nodes) == 2
    for source in response.source_nodes:
        original = originals[source.node_id]
        assert source.metadata == original.metadata
        assert source.node.relationships == original.relationships
        assert source.node.excluded_llm_metadata_keys == original.excluded_llm_metadata_keys
        assert source.text == original.text.split(".")[0] + "."
        assert type(source.score) is float
    assert "The canteen is in the north wing." in str(response)
    assert "It opens at eight" not in str(response)
    assert len(heard.named("ReRankStartEvent", "ReRankEndEvent")) == 2
    assert [when for when, _ in called.of(CBEventType.RERANKING)] == ["start", "end"]
    again = {n.node_id: n.text for n in retriever.retrieve(QUESTION)}
    assert again == {node.node_id: node.text for node in handbook}


def test_a_query_survives_a_failing_step(index: VectorStoreIndex) -> None:
    step = RagthriftPostprocessor([broken])
    asking = index.as_query_engine(llm=MockLLM(), similarity_top_k=4, node_postprocessors=[step])
    assert len(asking.query(QUESTION).source_nodes) == 4
    assert step.failures == {"broken": 1}


def test_a_local_model_answers_a_query(index: VectorStoreIndex) -> None:
    model = Scripted()
    asking = index.as_query_engine(
        llm=LocalLLM(model), similarity_top_k=4, node_postprocessors=[postprocessor()]
    )
    assert str(asking.query(QUESTION)) == "In the north wing."
    ((messages, _, _),) = model.asked
    assert [message.role for message in messages] == ["system", "user"]
    assert "The canteen is in the north wing." in messages[-1].content
    assert "It opens at eight" not in messages[-1].content


def test_a_streaming_query_streams(index: VectorStoreIndex) -> None:
    model = ScriptedStream()
    asking = index.as_query_engine(
        llm=LocalLLM(model),
        streaming=True,
        similarity_top_k=4,
        node_postprocessors=[postprocessor()],
    )
    response = asking.query(QUESTION)
    assert isinstance(response, StreamingResponse)
    pieces = iter(response.response_gen)
    assert next(pieces) == "In"
    assert model.sent == ["In"]
    assert "".join(pieces) == " the north wing."


async def test_a_streaming_query_streams_when_awaited(index: VectorStoreIndex) -> None:
    asking = index.as_query_engine(
        llm=LocalLLM(ScriptedStream()),
        streaming=True,
        use_async=True,
        node_postprocessors=[postprocessor()],
    )
    response = await asking.aquery(QUESTION)
    assert isinstance(response, AsyncStreamingResponse)
    pieces = [piece async for piece in response.async_response_gen()]
    assert [piece for piece in pieces if piece] == ["In", " the", " north", " wing."]


@pytest.mark.parametrize("chat_type", [ContextChatEngine, CondensePlusContextChatEngine])
@pytest.mark.parametrize("awaited", [True, False])
async def test_a_chat_reads_less_and_remembers(
    chat_type: type[ContextChatEngine], awaited: bool, index: VectorStoreIndex
) -> None:
    model = ScriptedStream()
    chat = chat_type.from_defaults(
        retriever=index.as_retriever(similarity_top_k=4),
        llm=LocalLLM(model),
        memory=ChatMemoryBuffer.from_defaults(),
        node_postprocessors=[postprocessor()],
    )
    first = await chat.achat(QUESTION) if awaited else chat.chat(QUESTION)
    assert str(first) == "In the north wing."
    assert {n.node_id for n in first.source_nodes} >= {"wing"}
    assert len(first.source_nodes) == 2
    if awaited:
        streamed = await chat.astream_chat("And in the north wing?")
        text = "".join([piece async for piece in streamed.async_response_gen()])
    else:
        text = "".join(chat.stream_chat("And in the north wing?").response_gen)
    assert text == "In the north wing."
    messages, _, _ = model.asked[-1]
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert "It opens at eight" not in messages[0].content


def test_settings_take_the_model(index: VectorStoreIndex) -> None:
    before = Settings._llm
    try:
        Settings.llm = LocalLLM(Scripted())
        assert str(index.as_query_engine().query(QUESTION)) == "In the north wing."
    finally:
        Settings._llm = before


def test_structured_answers_are_parsed() -> None:
    class Place(BaseModel):
        wing: str

    llm = LocalLLM(Scripted(json.dumps({"wing": "north"})))
    place = llm.structured_predict(Place, PromptTemplate("Where is {what}?"), what="the canteen")
    assert place == Place(wing="north")


async def test_an_agent_streams_from_it() -> None:
    model = ScriptedStream("Thought: I know this.\nAnswer: In the north wing.")
    memory = ChatMemoryBuffer.from_defaults()
    agent = ReActAgent(tools=[], llm=LocalLLM(model))
    assert str(await agent.run(QUESTION, memory=memory)) == "In the north wing."
    assert model.sent


async def test_it_writes_context_for_chunks() -> None:
    document = Document(id_="doc", text="The canteen is in the north wing. It opens at eight.")
    store = SimpleDocumentStore()
    store.add_documents([document])
    chunk = TextNode(
        text="It opens at eight.",
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="doc")},
    )
    extractor = DocumentContextExtractor(
        docstore=store, llm=LocalLLM(Scripted("The canteen's hours.")), max_context_length=1000
    )
    assert await extractor.aextract([chunk]) == [{"context": "The canteen's hours."}]


async def test_queries_run_side_by_side(index: VectorStoreIndex) -> None:
    asking = index.as_query_engine(
        llm=LocalLLM(Scripted(seconds=0.2)), node_postprocessors=[postprocessor()]
    )
    answers = await asyncio.gather(*(asking.aquery(QUESTION) for _ in range(3)))
    assert [str(answer) for answer in answers] == ["In the north wing."] * 3
