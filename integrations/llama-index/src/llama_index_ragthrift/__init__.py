"""ragthrift's levers as LlamaIndex parts: postprocessors, LLMs, caches, a router, memories."""

from llama_index_ragthrift.cache import CachedLLM, CachedQueryEngine
from llama_index_ragthrift.embedding import LocalEmbedding
from llama_index_ragthrift.llm import LocalLLM
from llama_index_ragthrift.memory import RagthriftMemory, SummaryMemoryBlock, chat_store_log
from llama_index_ragthrift.postprocessor import RagthriftPostprocessor
from llama_index_ragthrift.route import (
    RouterLLM,
    RouterSelector,
    RoutingPostprocessor,
    tiers_of,
)
from llama_index_ragthrift.wrapped_llm import LlamaIndexLLM

__all__ = [
    "CachedLLM",
    "CachedQueryEngine",
    "LlamaIndexLLM",
    "LocalEmbedding",
    "LocalLLM",
    "RagthriftMemory",
    "RagthriftPostprocessor",
    "RouterLLM",
    "RouterSelector",
    "RoutingPostprocessor",
    "SummaryMemoryBlock",
    "chat_store_log",
    "tiers_of",
]
