"""From llama.cpp's chunks to pieces of text and one Completion."""

from collections.abc import Generator
from contextlib import closing

from ragthrift.errors import ModelError
from ragthrift.local.server import Reply
from ragthrift.types import Completion, FinishReason
from ragthrift.usage import Usage

_FINISH_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}


def read_answer(
    chunks: Generator[Reply, None, None], model: str
) -> Generator[str, None, Completion]:
    """Yield the pieces of text that are not empty, return them together with the usage.

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
    text, reason, counts = "", None, None
    with closing(chunks):
        for chunk in chunks:
            counts = chunk.get("usage") or counts
            for choice in chunk["choices"]:
                reason = choice["finish_reason"] or reason
                if piece := _piece(choice):
                    text += piece
                    yield piece
    if reason is None or counts is None:
        raise ModelError("llama.cpp broke off its answer")
    return Completion(text, _usage(counts), model, _FINISH_REASONS.get(reason, "error"))


def _piece(choice: Reply) -> str:
    """A text call holds it in `text`, a chat call in `delta`."""
    found = choice["text"] if "text" in choice else choice["delta"].get("content")
    return str(found or "")


def _usage(counts: Reply) -> Usage:
    details = counts.get("prompt_tokens_details") or {}
    return Usage(
        input_tokens=counts["prompt_tokens"],
        output_tokens=counts["completion_tokens"],
        cache_read_tokens=details.get("cached_tokens", 0),
    )
