"""Answers as the store keeps them, and as results and the ledger have them."""

import json
import sqlite3
from typing import Any

from ragthrift.batch.provider import BatchProvider, Line
from ragthrift.batch.request import BatchResult
from ragthrift.ledger.call import Call
from ragthrift.ledger.reading_usage import BilledTokens, read_usage
from ragthrift.types import Completion, ToolCall
from ragthrift.usage import Usage

COLUMNS = "id, state, answer, error, attempts, request_type, max_tokens"


def write_answer(line: Line, provider: str, at: float) -> str | None:
    """The JSON that is kept of an answer; `None` where there is none. `at` is when it was sent."""
    if line.completion is None:
        return None
    said = line.completion
    billed = read_usage(line.usage, provider) or BilledTokens(said.usage)
    return json.dumps(
        {
            "text": said.text,
            "usage": [
                said.usage.input_tokens,
                said.usage.output_tokens,
                said.usage.cache_read_tokens,
                said.usage.cache_write_tokens,
            ],
            "model": said.model,
            "finish_reason": said.finish_reason,
            "tool_calls": [[call.id, call.name, call.arguments] for call in said.tool_calls],
            "classes": dict(billed.classes),
            "measured": line.usage is not None,
            "sent_as": line.custom_id,
            "at": at,
        }
    )


def read_row(row: sqlite3.Row | tuple[Any, ...]) -> BatchResult:
    """A result from `COLUMNS`."""
    identity, state, answer, error, attempts, *_ = row
    if answer is None:
        return BatchResult(identity, state, None, error, attempts)
    told = json.loads(answer)
    return BatchResult(identity, state, _completion(told), "", attempts, told["classes"])


def call_of(row: sqlite3.Row | tuple[Any, ...], provider: BatchProvider) -> Call:
    """The call that an answered request was; its id is the same however often it is asked for."""
    _, _, answer, _, attempts, request_type, max_tokens = row
    told = json.loads(answer)
    completion = _completion(told)
    return Call(
        model=completion.model,
        usage=completion.usage,
        classes=told["classes"],
        provider=provider.name,
        processing=provider.processing,
        measured=told["measured"],
        request_type=request_type,
        at=told["at"],
        id=told["sent_as"],
        max_tokens=max_tokens,
        finish_reason=completion.finish_reason,
        retries=attempts - 1,
    )


def _completion(told: dict[str, Any]) -> Completion:
    return Completion(
        told["text"],
        Usage(*told["usage"]),
        told["model"],
        told["finish_reason"],
        tuple(ToolCall(*call) for call in told["tool_calls"]),
    )
