"""A framework's model as one of ours."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ragthrift import Completion, InputError, Message, Usage
from ragthrift.protocols import LLM

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from llama_index.core.llms import LLM as LLAMA_INDEX_LLM


def as_llm(model: object) -> LLM:
    """A chat model of LangChain or an LLM of LlamaIndex, wrapped; an LLM of ragthrift as it is."""
    for module, name, wrap in (
        ("langchain_core.language_models", "BaseChatModel", LangChainLLM),
        ("llama_index.core.llms", "LLM", LlamaIndexLLM),
    ):
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(model, kind):
            return wrap(model)
    if isinstance(model, LLM):
        return model
    raise InputError(
        f"{type(model).__name__} is no model that can answer; return a chat model of LangChain, "
        "an LLM of LlamaIndex, or an object with complete(messages, *, max_tokens, stop)"
    )


class LangChainLLM:
    """A chat model of LangChain. Sampling is set on the model itself."""

    def __init__(self, model: "BaseChatModel") -> None:
        self._model = model

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """One answer; its usage is what the model reports, zero where it reports none."""
        limits: dict[str, Any] = {} if max_tokens is None else {"max_tokens": max_tokens}
        turns = [(turn.role, turn.content) for turn in messages]
        reply = self._model.invoke(turns, stop=list(stop) or None, **limits)
        name = reply.response_metadata.get("model_name") or type(self._model).__name__
        return Completion(reply.text, langchain_usage(reply) or Usage(), name)


def langchain_usage(message: "AIMessage") -> Usage | None:
    """The tokens that a LangChain message reports; `None` where it reports none."""
    counts = message.usage_metadata
    if counts is None:
        return None
    details: Mapping[str, Any] = counts.get("input_token_details") or {}
    written = [details.get(name) or 0 for name in _WRITES]
    return Usage(
        counts["input_tokens"],
        counts["output_tokens"],
        details.get("cache_read") or 0,
        written[0] or sum(written[1:]),
    )


_WRITES = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
"""Where Anthropic's split by lifetime is present, the sum stands at 0."""


class LlamaIndexLLM:
    """An LLM of LlamaIndex. Sampling is set on the model itself."""

    def __init__(self, model: "LLAMA_INDEX_LLM") -> None:
        self._model = model

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """One answer, cut at `stop` here since not every LLM knows the argument."""
        from llama_index.core.llms import ChatMessage

        limits: dict[str, Any] = {} if max_tokens is None else {"max_tokens": max_tokens}
        turns = [ChatMessage(role=turn.role, content=turn.content) for turn in messages]
        reply = self._model.chat(turns, **limits)
        said = reply.message.content or ""
        ends = [at for mark in stop if (at := said.find(mark)) >= 0]
        usage = llama_index_usage(reply.additional_kwargs)
        name = self._model.metadata.model_name
        return Completion(said[: min(ends, default=None)], usage or Usage(), name)


def llama_index_usage(counts: Mapping[str, Any]) -> Usage | None:
    """The tokens in `additional_kwargs`, where LlamaIndex's models put them."""
    if "prompt_tokens" not in counts:
        return None
    return Usage(counts["prompt_tokens"], counts.get("completion_tokens") or 0)
