"""ragthrift's levers as LlamaIndex parts: a node postprocessor, an LLM, cached answers."""

from llama_index_ragthrift.cache import CachedLLM, CachedQueryEngine
from llama_index_ragthrift.llm import LocalLLM
from llama_index_ragthrift.postprocessor import RagthriftPostprocessor

__all__ = ["CachedLLM", "CachedQueryEngine", "LocalLLM", "RagthriftPostprocessor"]
