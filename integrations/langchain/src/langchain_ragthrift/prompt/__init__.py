"""Provider caching in chains and agents."""

from langchain_ragthrift.prompt.rules import RulesOf, rules_of
from langchain_ragthrift.prompt.runnable import canonical_documents, prompt_caching

__all__ = ["RulesOf", "canonical_documents", "prompt_caching", "rules_of"]
