"""A LlamaIndex query engine that answers again without retrieving or calling a model."""

from llama_index.core import Document, MockEmbedding, VectorStoreIndex

from llama_index_ragthrift import CachedQueryEngine, LocalLLM, RagthriftPostprocessor
from ragthrift import Completion, Usage
from ragthrift.cache import SemanticCache, ServingPolicy
from ragthrift.embed import minilm
from ragthrift.rerank import HybridReranker, Keep
from ragthrift_bench import handbook


class FirstSentences:
    """Stands in for a language model: answers with the context's first sentences."""

    calls = 0

    def complete(self, messages, *, max_tokens=None, stop=()):
        """Count the call, and read the best node."""
        self.calls += 1
        context = messages[-1].content.split("---------------------")[1].strip()
        text = ". ".join(context.split(". ")[:2])
        return Completion(text, Usage(input_tokens=len(context) // 4), "stand-in")


documents = [Document(text=p.text, id_=p.id) for p in handbook.passages()[:10]]
index = VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=8))
model = FirstSentences()
unaudited = ServingPolicy(audit_share=0)  # by default two hits in a hundred are asked again
cache = SemanticCache(minilm(), policy=unaudited)


def asking() -> CachedQueryEngine:
    """A new engine on the index as it is now, with the cache that stays."""
    engine = index.as_query_engine(
        llm=LocalLLM(model, model_name="stand-in"),
        similarity_top_k=10,
        node_postprocessors=[RagthriftPostprocessor([HybridReranker(keep=Keep(top_k=1))])],
    )
    return CachedQueryEngine(engine, cache, scope={"tenant": "skarnholt", "model": "stand-in"})


for question in (
    "How many days of annual leave do I get?",
    "How many annual leave days do I get?",
    "How many days of sick leave do I get?",
):
    response = asking().query(question)
    mark = (response.metadata or {}).get("ragthrift_cache", {"source": "model"})
    print(f"{mark['source']:8}  {question}  {[n.node.ref_doc_id for n in response.source_nodes]}")

leave = Document(text="Full-time staff get 30 days of annual leave.", id_=documents[0].id_)
index.update_ref_doc(leave)
gone = cache.document_changed(leave.id_, leave.hash)
again = asking().query("How many days of annual leave do I get?")
print(f"{leave.id_} changed, {gone} answers forgotten: {str(again)[:60]!r}")
print(f"{model.calls} calls of the model for 4 questions; {cache.counters}")
cache.close()
