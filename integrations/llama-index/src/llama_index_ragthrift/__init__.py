"""ragthrift's levers as LlamaIndex parts: postprocessors, LLMs, caches, a router, memories."""

from llama_index_ragthrift.cache import CachedLLM, CachedQueryEngine
from llama_index_ragthrift.llm import LocalLLM
from llama_index_ragthrift.memory import RagthriftMemory, SummaryMemoryBlock
from llama_index_ragthrift.postprocessor import RagthriftPostprocessor
from llama_index_ragthrift.route import (
    RouterLLM,
    RouterSelector,
    RoutingPostprocessor,
    tiers_of,
)

__all__ = [
    "CachedLLM",
    "CachedQueryEngine",
    "LocalLLM",
    "RagthriftMemory",
    "RagthriftPostprocessor",
    "RouterLLM",
    "RouterSelector",
    "RoutingPostprocessor",
    "SummaryMemoryBlock",
    "tiers_of",
]
