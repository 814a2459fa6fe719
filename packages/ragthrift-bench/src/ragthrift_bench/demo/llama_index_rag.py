"""The application as a LlamaIndex user has it: retriever, postprocessors, query engine."""

from typing import Any

from llama_index.core import PromptTemplate
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llama_index_ragthrift import LocalLLM, RagthriftPostprocessor
from ragthrift import Passage
from ragthrift.protocols import LLM, Reranker
from ragthrift_bench.demo.measure import Answered, Application
from ragthrift_bench.reader import MAX_TOKENS, PROMPT, STOP
from ragthrift_bench.retrieval import Retrieve


class _Retriever(BaseRetriever):
    def __init__(self, retrieve: Retrieve) -> None:
        super().__init__()
        self._find = retrieve

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(passage) for passage in self._find(query_bundle.query_str)]


def _node(passage: Passage) -> NodeWithScore:
    metadata: dict[str, Any] = dict(passage.metadata)
    node = TextNode(
        id_=passage.id,
        text=passage.text,
        metadata=metadata,
        excluded_llm_metadata_keys=list(metadata),
        excluded_embed_metadata_keys=list(metadata),
    )
    return NodeWithScore(node=node, score=passage.score)


def llama_index_rag(retrieve: Retrieve, llm: LLM, lever: Reranker | None) -> Application:
    """A query engine; with a lever, it has one postprocessor and nothing else changes."""
    prompt = PROMPT.replace("{context}", "{context_str}").replace("{question}", "{query_str}")
    query_engine = RetrieverQueryEngine.from_args(
        _Retriever(retrieve),
        llm=LocalLLM(llm, max_tokens=MAX_TOKENS, stop=STOP),
        node_postprocessors=[RagthriftPostprocessor(steps=[lever])] if lever else [],
        text_qa_template=PromptTemplate(prompt),
    )

    def ask(question: str) -> Answered:
        response = query_engine.query(question)
        return Answered(
            str(response), frozenset(found.node.node_id for found in response.source_nodes)
        )

    return ask
