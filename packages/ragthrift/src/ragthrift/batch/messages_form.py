"""A request as Anthropic's Messages take it, and an answer as they give it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ragthrift.batch.request import BatchRequest
from ragthrift.errors import InputError
from ragthrift.types import Completion, FinishReason, Message, ToolCall
from ragthrift.usage import Usage

_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def messages_body(
    request: BatchRequest, model: str, max_tokens: int, options: Mapping[str, object]
) -> dict[str, Any]:
    """The parameters of a call; `max_tokens` is for requests that set none: Anthropic needs one.

    >>> said = [Message("system", "Be brief."), Message("user", "Soup?")]
    >>> asked = BatchRequest(id="1", messages=said)
    >>> messages_body(asked, "claude-haiku-4-5", 100, {})["system"]
    'Be brief.'
    """
    said = [message.content for message in request.messages if message.role == "system"]
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens or max_tokens,
        "messages": _turns(request),
        **options,
    }
    if said:
        body["system"] = "\n\n".join(said)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if request.tools:
        body |= _tools(request)
    if request.schema is not None:
        form = {"type": "json_schema", "schema": request.schema}
        given = body.get("output_config") or {}
        body["output_config"] = {**given, "format": form}
    return body


def _tools(request: BatchRequest) -> dict[str, Any]:
    known = _CHOICES.get(request.tool_choice)
    named = {"type": "tool", "name": request.tool_choice}
    tools = [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": {"type": "object", **tool.parameters},
        }
        for tool in request.tools
    ]
    return {"tools": tools, "tool_choice": {"type": known} if known else named}


def read_message(message: Mapping[str, Any], usage: Usage) -> Completion:
    """A message's text and tool calls; what the model thought is left out.

    >>> said = {"model": "m", "stop_reason": "end_turn", "content": [{"type": "text", "text": "A"}]}
    >>> read_message(said, Usage(3, 2)).text
    'A'
    """
    blocks: Sequence[Mapping[str, Any]] = message["content"]
    return Completion(
        "".join(block["text"] for block in blocks if block["type"] == "text"),
        usage,
        message.get("model") or "",
        _REASONS.get(message.get("stop_reason") or "", "error"),
        tuple(
            ToolCall(block["id"], block["name"], json.dumps(block["input"]))
            for block in blocks
            if block["type"] == "tool_use"
        ),
    )


def _turns(request: BatchRequest) -> list[dict[str, Any]]:
    """Turns of one side that follow each other are one, as results of parallel calls must be."""
    turns: list[dict[str, Any]] = []
    for message in request.messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise InputError(f"the request {request.id!r} holds system messages alone; ask something")
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        result = {"type": "tool_result", "tool_use_id": message.tool_call_id}
        return [{**result, "content": message.content}]
    blocks: list[dict[str, Any]] = []
    if message.content:  # an empty block is refused
        blocks.append({"type": "text", "text": message.content})
    for call in message.tool_calls:
        given = {"type": "tool_use", "id": call.id, "name": call.name}
        blocks.append({**given, "input": _arguments(call)})
    return blocks


def _arguments(call: ToolCall) -> object:
    try:
        read = json.loads(call.arguments or "{}")
    except ValueError as error:
        raise InputError(f"the arguments of the call {call.id!r} are no JSON: {error}") from error
    return read
