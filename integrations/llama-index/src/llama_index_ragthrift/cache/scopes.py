"""What must be equal before an answer is served, from what the user says and the prompts say."""

from collections.abc import Callable, Mapping

from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.schema import QueryBundle

from ragthrift import InputError, Scope
from ragthrift.cache import fingerprint

Parts = Scope | Mapping[str, str]
ScopeFor = Parts | Callable[[QueryBundle], Parts]
"""The same parts for every question, or a function that names them for the one asked now."""


def scope_for(given: ScopeFor, query: QueryBundle, **parts: str) -> Scope:
    """The scope of a question; `parts` are added to what the user names."""
    named = given(query) if callable(given) else given
    if not isinstance(named, Scope | Mapping):
        raise InputError(f"scope={named!r} must be a Scope, a dict of str, or give one when called")
    known = dict(named.parts) if isinstance(named, Scope) else dict(named)
    return Scope.of(**known | parts)


def prompts_part(prompts: Mapping[str, BasePromptTemplate]) -> str:
    """A digest of prompt templates: an answer to another template is another answer."""
    return fingerprint(
        {name: [prompt.get_template(), str(prompt.kwargs)] for name, prompt in prompts.items()}
    )
