"""The cache rules of a LlamaIndex LLM's provider."""

from llama_index.core.llms import LLM

from ragthrift.ledger.provider_names import provider_id
from ragthrift.provider_cache import CacheRules, rules_for

POINTS = frozenset({"cache_control", "cachePoint"})
"""Styles that LlamaIndex's `CachePoint` becomes: Anthropic's and Bedrock's."""


def rules_of(llm: LLM) -> CacheRules:
    """By the name of its model and of its class."""
    return rules_for(llm.metadata.model_name or "", provider_id(llm.class_name()))
