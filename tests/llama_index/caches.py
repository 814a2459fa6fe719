"""A cache, an index and engines around counting models, for the tests of cached answers."""

from typing import Any

from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import Document, NodeWithScore, QueryBundle

from llama_index_ragthrift import CachedQueryEngine, LocalLLM
from ragthrift.cache import SemanticCache
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import ServeNear
from tests.llama_index.fakes import Scripted

ASKED = "When does the canteen open?"
NEAR = "When does our canteen open today?"
OTHER = "How many people does the lift hold?"
TENANT = {"tenant": "acme", "model": "scripted-1"}
TEXTS = {"canteen": "The canteen opens at nine.", "lift": "The lift holds eight people."}


def a_cache(**settings: Any) -> SemanticCache:
    defaults: dict[str, Any] = {"policy": ServeNear(0.6), "on_error": "raise"}
    return SemanticCache(FakeEmbedder(), **defaults | settings)


def documents(**texts: str) -> list[Document]:
    return [
        Document(id_=id_, text=text, metadata={"file": f"{id_}.md"})
        for id_, text in (TEXTS | texts).items()
    ]


def an_index(**texts: str) -> VectorStoreIndex:
    return VectorStoreIndex.from_documents(
        documents(**texts), embed_model=MockEmbedding(embed_dim=4)
    )


class Counting(BaseRetriever):
    """Counts how often its index is asked."""

    def __init__(self, index: VectorStoreIndex) -> None:
        super().__init__()
        self.index, self.calls = index, 0

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        self.calls += 1
        return self.index.as_retriever(similarity_top_k=2).retrieve(query_bundle)


class Setting:
    """A cached engine with its parts."""

    def __init__(
        self,
        model: Scripted | None = None,
        cache: SemanticCache | None = None,
        *,
        scope: Any = TENANT,
        index: VectorStoreIndex | None = None,
        streaming: bool = False,
        **engine: Any,
    ) -> None:
        self.model = model or Scripted("At nine.")
        self.cache = cache or a_cache()
        self.retriever = Counting(index or an_index())
        self.llm = LocalLLM(self.model, model_name="scripted-1")
        self.inner = RetrieverQueryEngine.from_args(
            self.retriever, llm=self.llm, streaming=streaming, **engine
        )
        self.engine = CachedQueryEngine(self.inner, self.cache, scope=scope, streaming=streaming)

    @property
    def calls(self) -> tuple[int, int]:
        """Of the retriever, and of the model."""
        return self.retriever.calls, len(self.model.asked)
