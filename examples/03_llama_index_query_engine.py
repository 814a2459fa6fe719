"""One more argument of a LlamaIndex query engine: the nodes are reranked and trimmed."""

from llama_index.core import MockEmbedding, PromptTemplate, VectorStoreIndex
from llama_index.core.schema import TextNode

from llama_index_ragthrift import LocalLLM, RagthriftPostprocessor
from ragthrift.local import gemma_3_270m, load_model, plain_text
from ragthrift.rerank import HybridReranker, Keep
from ragthrift_bench import handbook

nodes = [TextNode(id_=p.id, text=p.text) for p in handbook.passages()[:10]]
index = VectorStoreIndex(nodes, embed_model=MockEmbedding(embed_dim=8))
query_engine = index.as_query_engine(
    llm=LocalLLM(load_model(gemma_3_270m(), prompt_format=plain_text), max_tokens=16, stop=["\n"]),
    similarity_top_k=10,
    node_postprocessors=[RagthriftPostprocessor(steps=[HybridReranker(keep=Keep(top_k=1))])],
    text_qa_template=PromptTemplate("{context_str}\n\nQuestion: {query_str}\nAnswer:"),
)
response = query_engine.query("How many days of paid annual leave do full-time staff receive?")
print(str(response).strip(), [found.node.node_id for found in response.source_nodes])
