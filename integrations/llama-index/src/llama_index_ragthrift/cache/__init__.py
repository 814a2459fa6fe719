"""Answers that were given before, in LlamaIndex: around a query engine, or around an LLM."""

from llama_index_ragthrift.cache.llm import CachedLLM
from llama_index_ragthrift.cache.query_engine import CachedQueryEngine

__all__ = ["CachedLLM", "CachedQueryEngine"]
