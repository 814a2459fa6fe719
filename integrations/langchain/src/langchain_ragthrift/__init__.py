"""ragthrift in LangChain: compressor, caches, router, memory, ledger, agents, local models.

Only the agent middleware needs `langchain` itself; everything else needs `langchain-core`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_ragthrift.batch import BatchChat, BatchedMessages
from langchain_ragthrift.cache import ByteStoreValues, CachedRunnable, LLMCache, SemanticCache
from langchain_ragthrift.chat_model import ChatLocal
from langchain_ragthrift.compressor import RagthriftCompressor
from langchain_ragthrift.embeddings import LocalEmbeddings
from langchain_ragthrift.ledger import LedgerCallback, audit
from langchain_ragthrift.memory import CondensedHistory, chat_history_log, condensed, fetch_tool
from langchain_ragthrift.output import BudgetedModel, structured
from langchain_ragthrift.prompt import canonical_documents, prompt_caching
from langchain_ragthrift.route import RouterChatModel, tiers_of, with_passages
from langchain_ragthrift.stack import LangChainStack
from langchain_ragthrift.wrapped_llm import LangChainLLM

if TYPE_CHECKING:
    from langchain_ragthrift.cache.middleware import SemanticCacheMiddleware
    from langchain_ragthrift.memory.middleware import MemoryMiddleware
    from langchain_ragthrift.middleware import TrimToolMessages
    from langchain_ragthrift.output.middleware import OutputBudgetMiddleware
    from langchain_ragthrift.prompt.middleware import PromptCachingMiddleware
    from langchain_ragthrift.route.decisions import RouterDecisions
    from langchain_ragthrift.route.middleware import RoutingMiddleware

__all__ = [
    "BatchChat",
    "BatchedMessages",
    "BudgetedModel",
    "ByteStoreValues",
    "CachedRunnable",
    "ChatLocal",
    "CondensedHistory",
    "LLMCache",
    "LangChainLLM",
    "LangChainStack",
    "LedgerCallback",
    "LocalEmbeddings",
    "MemoryMiddleware",
    "OutputBudgetMiddleware",
    "PromptCachingMiddleware",
    "RagthriftCompressor",
    "RouterChatModel",
    "RouterDecisions",
    "RoutingMiddleware",
    "SemanticCache",
    "SemanticCacheMiddleware",
    "TrimToolMessages",
    "audit",
    "canonical_documents",
    "chat_history_log",
    "condensed",
    "fetch_tool",
    "prompt_caching",
    "structured",
    "tiers_of",
    "with_passages",
]

_FOR_AGENTS = {
    "MemoryMiddleware": "langchain_ragthrift.memory.middleware",
    "OutputBudgetMiddleware": "langchain_ragthrift.output.middleware",
    "PromptCachingMiddleware": "langchain_ragthrift.prompt.middleware",
    "RoutingMiddleware": "langchain_ragthrift.route.middleware",
    "SemanticCacheMiddleware": "langchain_ragthrift.cache.middleware",
    "TrimToolMessages": "langchain_ragthrift.middleware",
}


def __getattr__(name: str) -> Any:
    """Import a middleware at its first use, since `langchain` is an extra."""
    if name == "RouterDecisions":
        from langchain_ragthrift.route.decisions import RouterDecisions

        return RouterDecisions
    if name not in _FOR_AGENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_FOR_AGENTS[name]), name)
    except ImportError as error:
        from ragthrift import MissingExtraError

        raise MissingExtraError(
            f'{name} needs langchain; run: pip install "langchain-ragthrift[agents]"',
            name=error.name,
        ) from error
