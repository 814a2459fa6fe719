"""A framework's model as one of ours."""

import sys
from importlib import import_module

from ragthrift import InputError, MissingExtraError
from ragthrift.protocols import LLM

_FRAMEWORKS = (
    ("langchain_core.language_models", "BaseChatModel", "langchain_ragthrift", "LangChainLLM"),
    ("llama_index.core.llms", "LLM", "llama_index_ragthrift", "LlamaIndexLLM"),
)
"""Where a framework has its models and under what name, and what makes one of ours of them."""


def as_llm(model: object) -> LLM:
    """A chat model of LangChain or an LLM of LlamaIndex, wrapped; an LLM of ragthrift as it is."""
    for module, name, adapter, wrapper in _FRAMEWORKS:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(model, kind):
            return _wrapped(model, adapter, wrapper)
    if isinstance(model, LLM):
        return model
    raise InputError(
        f"{type(model).__name__} is no model that can answer; return a chat model of LangChain, "
        "an LLM of LlamaIndex, or an object with complete(messages, *, max_tokens, stop)"
    )


def _wrapped(model: object, adapter: str, wrapper: str) -> LLM:
    try:
        made: LLM = getattr(import_module(adapter), wrapper)(model)
    except ImportError as error:
        distribution = adapter.replace("_", "-")
        raise MissingExtraError(
            f"{type(model).__name__} needs {distribution}; run: pip install {distribution}",
            name=error.name,
        ) from error
    return made
