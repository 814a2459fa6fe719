"""One more line in a LangChain chain: the retriever's documents are reranked and trimmed."""

from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.documents import Document
from langchain_core.prompts import PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough

from langchain_ragthrift import ChatLocal, RagthriftCompressor
from ragthrift.local import gemma_3_270m, load_model, plain_text
from ragthrift.rerank import HybridReranker, Keep
from ragthrift_bench import handbook


class Everything(BaseRetriever):
    """Stands for your vector store: it finds the first ten passages of the handbook."""

    def _get_relevant_documents(self, query, *, run_manager):  # type: ignore[no-untyped-def]
        return [Document(p.text, id=p.id) for p in handbook.passages()[:10]]


retriever = ContextualCompressionRetriever(
    base_retriever=Everything(),
    base_compressor=RagthriftCompressor(steps=[HybridReranker(keep=Keep(top_k=1))]),
)
prompt = PromptTemplate.from_template("{context}\n\nQuestion: {question}\nAnswer:")
model = ChatLocal(
    llm=load_model(gemma_3_270m(), prompt_format=plain_text),
    model_name="gemma-3-270m",
    max_tokens=16,
    stop=["\n"],
)
chain = (
    {
        "context": retriever | (lambda documents: "\n\n".join(d.page_content for d in documents)),
        "question": RunnablePassthrough(),
    }
    | prompt
    | model
)
answer = chain.invoke("How many days of paid annual leave do full-time staff receive?")
print(answer.content.strip(), answer.usage_metadata)
