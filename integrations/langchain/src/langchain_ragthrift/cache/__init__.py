"""The cache lever in LangChain: around a chain, in an agent, or where models look for one."""

from langchain_ragthrift.cache.llm_cache import LLMCache
from langchain_ragthrift.cache.runnable import CachedRunnable
from langchain_ragthrift.cache.semantic_cache import SemanticCache
from langchain_ragthrift.cache.values import ByteStoreValues

__all__ = ["ByteStoreValues", "CachedRunnable", "LLMCache", "SemanticCache"]
