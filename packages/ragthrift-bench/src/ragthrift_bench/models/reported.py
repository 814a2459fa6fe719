"""The tokens that a framework's model reports, whatever it calls them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragthrift import Usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage
    from llama_index.core.llms import ChatResponse, CompletionResponse

_WRITES = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
"""Where Anthropic's writes are split by lifetime, LangChain leaves 0 in their sum."""


def langchain_usage(message: "AIMessage") -> Usage | None:
    """The tokens of a LangChain message; `None` where it reports none."""
    counts = message.usage_metadata
    if counts is None:
        return None
    details: Mapping[str, Any] = counts.get("input_token_details") or {}
    whole, *parts = (details.get(name) or 0 for name in _WRITES)
    read = details.get("cache_read") or 0
    return Usage(counts["input_tokens"], counts["output_tokens"], read, whole or sum(parts))


def llama_index_usage(response: "ChatResponse | CompletionResponse") -> Usage | None:
    """The tokens of a LlamaIndex response; `None` where it reports none.

    They stand in its `raw`, as the provider wrote them, or else in `additional_kwargs`.
    """
    raw = _fields(response.raw)
    return _usage(_fields(raw.get("usage"))) or _usage(response.additional_kwargs)


def _usage(counts: Mapping[str, Any]) -> Usage | None:
    if "prompt_tokens" in counts:
        details = _fields(counts.get("prompt_tokens_details"))
        return Usage(
            counts["prompt_tokens"],
            counts.get("completion_tokens") or 0,
            details.get("cached_tokens") or 0,
            details.get("cache_write_tokens") or 0,
        )
    if "input_tokens" in counts:
        read = counts.get("cache_read_input_tokens") or 0
        written = counts.get("cache_creation_input_tokens") or 0
        total = counts["input_tokens"] + read + written  # Anthropic counts fresh tokens only
        return Usage(total, counts.get("output_tokens") or 0, read, written)
    return None


def _fields(value: Any) -> Mapping[str, Any]:
    """A dict, or what a pydantic model holds."""
    if isinstance(value, Mapping):
        return value
    return value.model_dump() if hasattr(value, "model_dump") else {}
