"""Messages as a cache keeps and serves them: without what only held for the call that made them."""

import uuid
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata

from ragthrift import InputError, ToolCall
from ragthrift.cache import Answer
from ragthrift.types import FinishReason

MARK = "ragthrift_cache"
"""The key of a message's `response_metadata` that says that no model was called for it."""

FINISH_KEYS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
_FINISHES: dict[FinishReason, str] = {
    "stop": "stop end_turn stop_sequence complete completed eos eos_token",
    "length": "length max_tokens max_output_tokens model_length token_limit "
    "model_context_window_exceeded",
    "tool_calls": "tool_calls tool_call tool_use function_call",
    "content_filter": "content_filter content_filtered guardrail_intervened refusal safety",
}
"""What OpenAI, Anthropic, Bedrock, Gemini, Mistral, Cohere, Ollama and watsonx write there."""

_KEPT = (*FINISH_KEYS, "model_name", "model", "model_provider")
_UNSPOKEN = frozenset(["reasoning", "thinking", "redacted_thinking"])
_UNSERVED = frozenset(
    ["function_call", "parsed", "reasoning", "reasoning_content", "refusal", "tool_calls"]
)


def finish_reason(known: Mapping[str, Any]) -> FinishReason:
    """Why a model stopped, by a message's `response_metadata` or a generation's info.

    >>> finish_reason({"stop_reason": "max_tokens"}), finish_reason({}), finish_reason({"id": "a"})
    ('length', 'stop', 'stop')
    >>> finish_reason({"finish_reason": "MALFORMED_FUNCTION_CALL"})
    'error'
    """
    cut = known.get("incomplete_details")
    if isinstance(cut, Mapping):
        known = {"finish_reason": cut.get("reason") or "length"}
    for key in FINISH_KEYS:
        word = known.get(key)
        if isinstance(word, str) and word:
            found = (name for name, words in _FINISHES.items() if word.lower() in words.split())
            return next(found, "error")
    return "stop"


def ended(message: AIMessage) -> FinishReason:
    """Why a message ends."""
    return (
        "content_filter"
        if message.additional_kwargs.get("refusal")
        else finish_reason(message.response_metadata)
    )


def tool_calls(message: AIMessage) -> tuple[ToolCall, ...]:
    """The calls a message asks for, valid or not."""
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    return tuple(ToolCall(call["id"] or "", call["name"] or "") for call in calls)


def total_tokens(message: AIMessage) -> int:
    """What a message's call used, as far as that is known."""
    usage = message.usage_metadata
    return usage.get("total_tokens", 0) if usage else 0


def to_kept(message: AIMessage) -> AIMessage:
    """A message without ids, usage and thoughts; raises InputError for more than text."""
    if tool_calls(message):
        raise InputError("a message that calls tools is not kept")
    metadata = {
        key: message.response_metadata[key] for key in _KEPT if key in message.response_metadata
    }
    beside = {k: v for k, v in message.additional_kwargs.items() if k not in _UNSERVED}
    return AIMessage(
        _said(message),
        additional_kwargs=beside,
        response_metadata=metadata,
        name=message.name,
    )


def _said(message: AIMessage) -> str | list[str | dict[str, Any]]:
    if isinstance(message.content, str):
        return message.content
    kept: list[str | dict[str, Any]] = []
    for block in message.content:
        kind = "text" if isinstance(block, str) else block.get("type")
        if kind == "text":
            kept.append(block if isinstance(block, str) else _without_ids(block))
        elif kind not in _UNSPOKEN:
            raise InputError(f"a message with a block of type {kind!r} is not kept")
    return kept


def _without_ids(block: dict[str, Any]) -> dict[str, Any]:
    """Providers refuse a conversation that holds one of their ids twice."""
    return {key: value for key, value in block.items() if key not in ("id", "index")}


def to_served(message: AIMessage, answer: Answer) -> AIMessage:
    """A kept message with an id of its own, no usage, and the mark."""
    return message.model_copy(
        update={
            "id": str(uuid.uuid4()),
            "usage_metadata": UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0),
            "response_metadata": {**message.response_metadata, MARK: mark_of(answer)},
        }
    )


def mark_of(answer: Answer) -> dict[str, Any]:
    """Where an answer comes from, as JSON."""
    hit = answer.lookup.hit
    mark: dict[str, Any] = {"source": answer.source}
    if hit is not None:
        mark |= {"question": hit.question, "similarity": float(hit.similarity)}
        mark |= {"confidence": float(hit.confidence)}
    return mark
