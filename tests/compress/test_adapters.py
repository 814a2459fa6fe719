"""The steps in the adapters of both frameworks: alone, and after a reranker."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents.middleware import ToolCallRequest
from langchain_core.documents import Document
from langchain_core.messages import ToolMessage
from llama_index.core.schema import NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode

from langchain_ragthrift import RagthriftCompressor, TrimToolMessages
from llama_index_ragthrift import RagthriftPostprocessor
from ragthrift.compress import ExtractiveCompressor, Limits, LLMLinguaCompressor, SentencePruner
from ragthrift.testing import WordOverlapReranker
from tests.compress.fakes import HANDBOOK, QUERY, WordReader

Make = Callable[[Path], list[Any]]
TIGHT = Limits(rate=0.5)
STEPS: dict[str, Make] = {
    "extractive": lambda _: [ExtractiveCompressor(TIGHT)],
    "pruner": lambda _: [SentencePruner(WordReader(), TIGHT)],
    "rank and prune": lambda _: [SentencePruner(WordReader(), TIGHT).rank_and_prune],
    "llmlingua": lambda model: [LLMLinguaCompressor(str(model), rate=0.3)],
}


def reranked(make: Make) -> Make:
    return lambda model: [WordOverlapReranker(top_k=2), *make(model)]


STEPS |= {f"reranked, {name}": reranked(make) for name, make in STEPS.items()}
SHORTER = pytest.mark.parametrize("make", STEPS.values(), ids=STEPS)


def subsequence(part: str, whole: str) -> bool:
    remaining = iter(whole.split())
    return all(word in remaining for word in part.split())


def documents() -> list[Document]:
    return [Document(p.text, id=p.id, metadata=dict(p.metadata)) for p in HANDBOOK]


@SHORTER
def test_langchain_gets_shorter_documents(make: Make, wordpiece_model: Path) -> None:
    step = RagthriftCompressor(make(wordpiece_model), on_error="raise")
    given = documents()
    kept = step.compress_documents(given, QUERY)
    assert kept == asyncio.run(step.acompress_documents(given, QUERY))
    assert given == documents(), "the caller's documents stay as they were"
    originals = {document.id: document for document in given}
    assert 0 < sum(len(d.page_content) for d in kept) < sum(len(d.page_content) for d in given)
    for document in kept:
        original = originals[document.id]
        assert subsequence(document.page_content, original.page_content)
        assert document.metadata.items() >= original.metadata.items()


@SHORTER
def test_an_agent_reads_shorter_tool_messages(make: Make, wordpiece_model: Path) -> None:
    given = documents()
    content = "\n\n---\n\n".join(f"Source: {d.id}\n{d.page_content}" for d in given)
    message = ToolMessage(content, artifact=given, tool_call_id="c1", name="search")
    request = ToolCallRequest(
        tool_call={"name": "search", "args": {"query": QUERY}, "id": "c1", "type": "tool_call"},
        tool=None,
        state={"messages": []},
        runtime=None,  # type: ignore[arg-type]
    )
    middleware = TrimToolMessages(
        make(wordpiece_model), document_separator="\n\n---\n\n", on_error="raise"
    )
    after = middleware.wrap_tool_call(request, lambda _: message)
    assert isinstance(after, ToolMessage)
    assert 0 < len(after.content) < len(content)
    for document in after.artifact:
        assert f"Source: {document.id}\n{document.page_content}" in after.content


@SHORTER
def test_llama_index_gets_shorter_nodes(make: Make, wordpiece_model: Path) -> None:
    source = RelatedNodeInfo(node_id="handbook.pdf")
    nodes = [
        NodeWithScore(
            node=TextNode(
                text=p.text,
                id_=p.id,
                metadata={"file": "handbook.pdf", **p.metadata},
                relationships={NodeRelationship.SOURCE: source},
            ),
            score=0.5,
        )
        for p in HANDBOOK
    ]
    before = {node.node_id: node.text for node in nodes}
    step = RagthriftPostprocessor(make(wordpiece_model), on_error="raise")
    kept = step.postprocess_nodes(nodes, query_str=QUERY)
    assert 0 < sum(len(node.text) for node in kept) < sum(map(len, before.values()))
    assert {node.node_id: node.text for node in nodes} == before
    for node in kept:
        assert subsequence(node.text, before[node.node_id])
        assert node.metadata["file"] == "handbook.pdf"
        assert node.node.source_node is not None
        assert node.node.source_node.node_id == "handbook.pdf"
        assert "handbook" not in node.text, "no header got into the text"
