"""ragthrift's levers as LlamaIndex parts: a node postprocessor and an LLM."""

from llama_index_ragthrift.llm import LocalLLM
from llama_index_ragthrift.postprocessor import RagthriftPostprocessor

__all__ = ["LocalLLM", "RagthriftPostprocessor"]
