"""How a model's answer ended, in the words of many providers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse, ToolCallBlock

from ragthrift import ToolCall
from ragthrift.cache import Fresh
from ragthrift.types import FinishReason

Said = ChatResponse | CompletionResponse

_NAMES = ("finish_reason", "stop_reason", "stopReason", "done_reason")
_REASONS: dict[str, FinishReason] = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete"), "stop"),
    **dict.fromkeys(("completed", "finished", "normal"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length", "incomplete"), "length"),
    **dict.fromkeys(("tool_calls", "tool_use", "function_call", "tool_call"), "tool_calls"),
    **dict.fromkeys(("content_filter", "safety", "refusal", "recitation"), "content_filter"),
}


@dataclass(slots=True)
class Ending:
    """What the responses of one call say about its end; of a stream, the last that say anything."""

    reason: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tokens: int | None = None

    def hear(self, response: Said) -> None:
        """Take in a response."""
        self.reason = next(_reasons(response), self.reason)
        self.tool_calls = _tool_calls(response) or self.tool_calls
        total = _get(_get(response.raw, "usage"), "total_tokens")
        self.tokens = total if isinstance(total, int) else self.tokens

    def to_fresh(self, text: str) -> Fresh:
        """The answer for the cache; an ending that nobody knows speaks against keeping it."""
        known = "stop" if self.reason is None else _REASONS.get(self.reason.lower(), "error")
        return Fresh(text, finish_reason=known, tool_calls=self.tool_calls, tokens=self.tokens)


def _reasons(response: Said) -> Iterator[str]:
    raw = response.raw
    places = [raw, _first(raw, "choices"), _first(raw, "candidates"), response.additional_kwargs]
    if isinstance(response, ChatResponse):
        places.append(response.message.additional_kwargs)
    for reason in (_get(place, name) for place in places for name in _NAMES):
        if reason:
            yield str(getattr(reason, "name", reason))
    if _get(raw, "status") == "incomplete":  # OpenAI's Responses
        yield "incomplete"


def _tool_calls(response: Said) -> tuple[ToolCall, ...]:
    if not isinstance(response, ChatResponse):
        return ()
    message = response.message
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    calls = [ToolCall(block.tool_call_id or "", block.tool_name) for block in blocks]
    if not calls and message.additional_kwargs.get("tool_calls"):
        calls = [ToolCall("", "unknown")]  # older integrations put the provider's objects there
    return tuple(calls)


def _first(raw: object, name: str) -> object:
    several = _get(raw, name)
    return several[0] if isinstance(several, list | tuple) and several else None


def _get(place: Any, name: str) -> Any:
    return place.get(name) if isinstance(place, Mapping) else getattr(place, name, None)
