"""From llama.cpp's chunks to pieces of text and one Completion."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field

from ragthrift.errors import ModelError
from ragthrift.local.server import Reply
from ragthrift.types import Completion, FinishReason, TokenLogprob, ToolCall
from ragthrift.usage import Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
}


def read_answer(
    chunks: Generator[Reply, None, None], model: str, alternatives: int = 0
) -> Generator[str, None, Completion]:
    """Yield the pieces of text that are not empty, return them together with the usage.

    `alternatives` is how many of the likeliest tokens to keep beside each that was written.

    >>> chunks = [
    ...     {"choices": [{"text": "Hi", "finish_reason": None}]},
    ...     {
    ...         "choices": [{"text": "", "finish_reason": "stop"}],
    ...         "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    ...     },
    ... ]
    >>> list(read_answer((chunk for chunk in chunks), "tiny"))
    ['Hi']
    """
    answer, counts = _Answer(), None
    with closing(chunks):
        for chunk in chunks:
            counts = chunk.get("usage") or counts
            for choice in chunk["choices"]:
                if piece := answer.add(choice, alternatives):
                    yield piece
    if answer.reason is None or counts is None:
        raise ModelError("llama.cpp broke off its answer, or its stream was closed")
    return Completion(
        answer.text,
        _usage(counts),
        model,
        _FINISH_REASONS.get(answer.reason, "error"),
        tool_calls=tuple(answer.calls()),
        logprobs=tuple(answer.logprobs),
    )


@dataclass
class _Answer:
    """What has come so far."""

    text: str = ""
    reason: str | None = None
    logprobs: list[TokenLogprob] = field(default_factory=list)
    _calls: dict[int, list[str]] = field(default_factory=dict)
    """Id, name and arguments by place: each may come in pieces."""

    def add(self, choice: Reply, alternatives: int) -> str:
        """Take a chunk in; the text of it. A text call holds it in `text`, a chat in `delta`."""
        self.reason = choice["finish_reason"] or self.reason
        self.logprobs += _logprobs(choice, alternatives)
        delta = choice.get("delta", {})
        for call in delta.get("tool_calls") or ():
            parts = self._calls.setdefault(call.get("index", 0), ["", "", ""])
            said = call.get("function", {})
            for place, part in enumerate((call.get("id"), said.get("name"), said.get("arguments"))):
                parts[place] += part or ""
        piece = str(choice.get("text") or delta.get("content") or "")
        self.text += piece
        return piece

    def calls(self) -> list[ToolCall]:
        return [ToolCall(*parts) for _, parts in sorted(self._calls.items())]


def _logprobs(choice: Reply, alternatives: int) -> list[TokenLogprob]:
    found = (choice.get("logprobs") or {}).get("content") or ()
    return [
        TokenLogprob(
            token["token"],
            token["logprob"],
            tuple(
                (other["token"], other["logprob"])
                for other in token.get("top_logprobs", ())[:alternatives]
            ),
        )
        for token in found
    ]


def _usage(counts: Reply) -> Usage:
    details = counts.get("prompt_tokens_details") or {}
    return Usage(
        input_tokens=counts["prompt_tokens"],
        output_tokens=counts["completion_tokens"],
        cache_read_tokens=details.get("cached_tokens", 0),
    )
