"""A router among LLMs, in LlamaIndex: as an LLM, and as a selector of query engines."""

from llama_index_ragthrift.route.llm import RouterLLM
from llama_index_ragthrift.route.retrieved import RoutingPostprocessor
from llama_index_ragthrift.route.selector import RouterSelector
from llama_index_ragthrift.route.tiers import tiers_of

__all__ = ["RouterLLM", "RouterSelector", "RoutingPostprocessor", "tiers_of"]
