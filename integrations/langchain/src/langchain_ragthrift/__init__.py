"""ragthrift in LangChain: a document compressor, caches, agent middleware, a local chat model.

Only the agent middleware needs `langchain` itself; everything else needs `langchain-core`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_ragthrift.cache import CachedRunnable, LLMCache, SemanticCache
from langchain_ragthrift.chat_model import ChatLocal
from langchain_ragthrift.compressor import RagthriftCompressor

if TYPE_CHECKING:
    from langchain_ragthrift.cache.middleware import SemanticCacheMiddleware
    from langchain_ragthrift.middleware import TrimToolMessages

__all__ = [
    "CachedRunnable",
    "ChatLocal",
    "LLMCache",
    "RagthriftCompressor",
    "SemanticCache",
    "SemanticCacheMiddleware",
    "TrimToolMessages",
]

_FOR_AGENTS = {
    "SemanticCacheMiddleware": "langchain_ragthrift.cache.middleware",
    "TrimToolMessages": "langchain_ragthrift.middleware",
}


def __getattr__(name: str) -> Any:
    """Import a middleware at its first use, since `langchain` is an extra."""
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
