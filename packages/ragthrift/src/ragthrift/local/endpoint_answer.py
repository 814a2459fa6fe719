"""From the chunks of OpenAI's chat protocol to pieces of text and one Completion."""

import json
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ragthrift.errors import ModelError
from ragthrift.local.sampling import Request
from ragthrift.types import Completion, FinishReason, TokenLogprob, ToolCall
from ragthrift.usage import Usage

Chunk = Mapping[str, Any]

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def read_chat_answer(
    chunks: Generator[Chunk, None, None], request: Request, model: str
) -> Generator[str, None, Completion]:
    """Yield the pieces of text that are not empty; return them with all the rest.

    Raises ModelError for an answer that broke off, that came without its tokens, or that lacks a
    tool call it had to make.
    """
    parts = _Parts()
    with closing(chunks):
        for chunk in chunks:
            parts.counts = chunk.get("usage") or parts.counts
            for choice in chunk.get("choices") or ():
                if piece := parts.add(choice):
                    yield piece
    return parts.completion(request, model)


@dataclass(slots=True)
class _CallParts:
    """A tool call, as far as it has come."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class _Parts:
    """An answer, as far as it has come."""

    text: list[str] = field(default_factory=list)
    calls: list[_CallParts] = field(default_factory=list)
    places: dict[int, _CallParts] = field(default_factory=dict)
    logprobs: list[Mapping[str, Any]] = field(default_factory=list)
    reason: str | None = None
    counts: Mapping[str, Any] | None = None

    def add(self, choice: Mapping[str, Any]) -> str:
        """Take what a chunk brought; the new text."""
        self.reason = choice.get("finish_reason") or self.reason
        self.logprobs += (choice.get("logprobs") or {}).get("content") or ()
        delta = choice.get("delta") or {}
        for call in delta.get("tool_calls") or ():
            self._add_call(call)
        piece = str(delta.get("content") or "")
        self.text.append(piece)
        return piece

    def _add_call(self, delta: Mapping[str, Any]) -> None:
        """Ollama numbers whole calls all 0, so that a new id begins a new call too."""
        place, name = delta.get("index") or 0, delta.get("id") or ""
        call = self.places.get(place)
        if call is None or (name and call.id and name != call.id):
            call = self.places[place] = _CallParts()
            self.calls.append(call)
        function = delta.get("function") or {}
        arguments = function.get("arguments") or ""
        call.id = call.id or name
        call.name += function.get("name") or ""
        call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def completion(self, request: Request, model: str) -> Completion:
        """The whole answer."""
        if self.reason is None:
            raise ModelError(f"the server of {model} broke off its answer; ask again")
        if self.counts is None:
            raise ModelError(f"the server of {model} reports no tokens; turn usage on in it")
        calls = tuple(
            ToolCall(call.id or f"call_{place}", call.name, call.arguments or "{}")
            for place, call in enumerate(self.calls)
        )
        _check_calls(calls, request, model)
        return Completion(
            "".join(self.text),
            _usage(self.counts),
            model,
            "tool_calls" if calls else _FINISH_REASONS.get(self.reason, "error"),
            calls,
            tuple(_logprob(one, request.logprobs or 0) for one in self.logprobs),
        )


def _check_calls(calls: tuple[ToolCall, ...], request: Request, model: str) -> None:
    """Some servers pass over `tool_choice` in silence."""
    if not request.tools or request.tool_choice in ("auto", "none"):
        return
    named = {call.name for call in calls}
    if not named or request.tool_choice not in named | {"required"}:
        raise ModelError(
            f"{model} had to call a tool ({request.tool_choice}) and did not; its server passes "
            "over tool_choice, or max_tokens was too small"
        )


def _usage(counts: Mapping[str, Any]) -> Usage:
    details = counts.get("prompt_tokens_details") or {}
    return Usage(
        input_tokens=counts["prompt_tokens"],
        output_tokens=counts.get("completion_tokens") or 0,
        cache_read_tokens=details.get("cached_tokens") or 0,
    )


def _logprob(token: Mapping[str, Any], alternatives: int) -> TokenLogprob:
    others = (token.get("top_logprobs") or [])[:alternatives]
    return TokenLogprob(
        token["token"],
        min(0.0, token["logprob"]),
        tuple((other["token"], min(0.0, other["logprob"])) for other in others),
    )
