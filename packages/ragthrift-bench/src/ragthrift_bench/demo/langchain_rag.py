"""The application as a LangChain user has it: retriever, prompt, chat model."""

from collections.abc import Sequence
from typing import Any

from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.prompts import PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough

from langchain_ragthrift import ChatLocal, RagthriftCompressor
from ragthrift.protocols import LLM, Reranker
from ragthrift_bench.demo.measure import Answered, Application
from ragthrift_bench.reader import MAX_TOKENS, PROMPT, STOP
from ragthrift_bench.retrieval import Retrieve


class _Retriever(BaseRetriever):
    retrieve: Any

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain passes it by name
    ) -> list[Document]:
        return [
            Document(id=passage.id, page_content=passage.text, metadata=dict(passage.metadata))
            for passage in self.retrieve(query)
        ]


def langchain_rag(retrieve: Retrieve, llm: LLM, lever: Reranker | None) -> Application:
    """A chain; with a lever, its retriever is wrapped and nothing else changes."""
    retriever: BaseRetriever = _Retriever(retrieve=retrieve)
    if lever is not None:
        retriever = ContextualCompressionRetriever(
            base_compressor=RagthriftCompressor(steps=[lever]), base_retriever=retriever
        )
    answer = (
        RunnablePassthrough.assign(context=lambda state: _join(state["documents"]))
        | PromptTemplate.from_template(PROMPT)
        | ChatLocal(llm=llm, model_name="reader", max_tokens=MAX_TOKENS, stop=STOP)
    )
    chain = {"question": RunnablePassthrough(), "documents": retriever} | (
        RunnablePassthrough.assign(answer=answer)
    )

    def ask(question: str) -> Answered:
        state = chain.invoke(question)
        return Answered(
            state["answer"].content, frozenset(str(found.id) for found in state["documents"])
        )

    return ask


def _join(documents: Sequence[Document]) -> str:
    return "\n\n".join(document.page_content for document in documents)
