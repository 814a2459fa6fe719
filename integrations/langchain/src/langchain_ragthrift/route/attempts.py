"""What a tier's model answered, as the router takes it."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage

from langchain_ragthrift.cache.messages import ended
from langchain_ragthrift.convert import asked_calls
from ragthrift import Usage
from ragthrift.route import Attempt, Routed, record_of

ROUTING = "routing"
"""The key of a message's `response_metadata` that says who answered, and what it came to."""

_READ = "cache_read"
_WRITTEN = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
"""Anthropic's writes stand under its two lifetimes, and then not under the first key."""


def attempt_of(message: AIMessage, raw: object = None) -> Attempt:
    """A message as an attempt; `raw` is what comes back, the message by default."""
    return Attempt(
        str(message.text),
        usage_of(message),
        ended(message),
        asked_calls(message),
        message if raw is None else raw,
    )


def usage_of(message: AIMessage) -> Usage | None:
    """What a message says its call used; nothing if a cache of LangChain's gave it.

    >>> usage_of(AIMessage("Hi", usage_metadata={"input_tokens": 9, "output_tokens": 1,
    ...     "total_tokens": 10, "input_token_details": {"cache_read": 4}})).cache_read_tokens
    4
    """
    told: Mapping[str, Any] | None = message.usage_metadata
    if told is None:
        return None
    if told.get("total_cost") == 0:
        return Usage()
    details: Mapping[str, Any] = told.get("input_token_details") or {}
    total = int(told.get("input_tokens", 0))
    # OpenAI's service tiers put their name before the key: `priority_cache_read`.
    read = sum(int(count) for key, count in details.items() if key.endswith(_READ) and count)
    written = sum(int(details.get(key) or 0) for key in _WRITTEN)
    read = min(read, total)
    return Usage(total, int(told.get("output_tokens", 0)), read, min(written, total - read))


def marked(message: AIMessage, routed: Routed) -> Any:
    """A copy of a message, or of a chunk of one, that says how it was routed."""
    metadata = {**message.response_metadata, ROUTING: record_of(routed)}
    return message.model_copy(update={"response_metadata": metadata})
