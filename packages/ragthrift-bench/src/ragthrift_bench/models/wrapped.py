"""A framework's model as one of ours."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from ragthrift import Completion, InputError, Message, Usage
from ragthrift.protocols import LLM
from ragthrift.types import FinishReason
from ragthrift_bench.models.reported import langchain_usage, llama_index_usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
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
        said = reply.response_metadata
        name = said.get("model_name") or type(self._model).__name__
        return Completion(reply.text, langchain_usage(reply) or Usage(), name, _finish(said))


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
        raw = reply.raw if isinstance(reply.raw, Mapping) else {}
        return Completion(
            said[: min(ends, default=None)],
            llama_index_usage(reply) or Usage(),
            self._model.metadata.model_name,
            _finish(raw),
        )


def _finish(said: Mapping[str, Any]) -> FinishReason:
    """`stop` where the model gives no reason, or one of its own."""
    reason: FinishReason = said.get("finish_reason", "stop")
    return reason if reason in get_args(FinishReason) else "stop"
