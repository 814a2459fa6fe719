"""ragthrift as LlamaIndex parts: postprocessors, LLMs, caches, a router, memories, a ledger."""

from llama_index_ragthrift.batch import BatchChat, BatchedResponses
from llama_index_ragthrift.cache import CachedLLM, CachedQueryEngine
from llama_index_ragthrift.embedding import LocalEmbedding
from llama_index_ragthrift.ledger import LedgerEvents, audit
from llama_index_ragthrift.llm import LocalLLM
from llama_index_ragthrift.memory import RagthriftMemory, SummaryMemoryBlock, chat_store_log
from llama_index_ragthrift.output import BudgetedLLM, RepairingOutputParser, StructuredProgram
from llama_index_ragthrift.postprocessor import RagthriftPostprocessor
from llama_index_ragthrift.prompt import CanonicalOrder, cached_template, with_cache_points
from llama_index_ragthrift.route import (
    RouterLLM,
    RouterSelector,
    RoutingPostprocessor,
    tiers_of,
)
from llama_index_ragthrift.stack import LlamaIndexStack
from llama_index_ragthrift.wrapped_llm import LlamaIndexLLM

__all__ = [
    "BatchChat",
    "BatchedResponses",
    "BudgetedLLM",
    "CachedLLM",
    "CachedQueryEngine",
    "CanonicalOrder",
    "LedgerEvents",
    "LlamaIndexLLM",
    "LlamaIndexStack",
    "LocalEmbedding",
    "LocalLLM",
    "RagthriftMemory",
    "RagthriftPostprocessor",
    "RepairingOutputParser",
    "RouterLLM",
    "RouterSelector",
    "RoutingPostprocessor",
    "StructuredProgram",
    "SummaryMemoryBlock",
    "audit",
    "cached_template",
    "chat_store_log",
    "tiers_of",
    "with_cache_points",
]
