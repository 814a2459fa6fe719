"""A request as OpenAI's chat completions take it, and an answer as they give it."""

from collections.abc import Mapping
from typing import Any

from ragthrift.batch.request import BatchRequest
from ragthrift.types import Completion, FinishReason, Message, Tool, ToolCall
from ragthrift.usage import Usage

CHAT = "/v1/chat/completions"
_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def chat_body(request: BatchRequest, model: str, options: Mapping[str, object]) -> dict[str, Any]:
    """The body of a call; `options` are further fields, such as `reasoning_effort`.

    >>> asked = BatchRequest(id="1", messages=[Message("user", "Soup?")], max_tokens=9)
    >>> chat_body(asked, "gpt-5-mini", {})["max_completion_tokens"]
    9
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [_turn(message) for message in request.messages],
        **options,
    }
    if request.max_tokens is not None:
        body["max_completion_tokens"] = request.max_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        named = request.tool_choice not in ("auto", "none", "required")
        function = {"type": "function", "function": {"name": request.tool_choice}}
        body["tool_choice"] = function if named else request.tool_choice
    if request.schema is not None:
        form = {"name": "answer", "schema": request.schema, "strict": is_strict(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def is_strict(schema: object) -> bool:
    """Whether OpenAI takes a schema as strict: objects closed, and all their properties required.

    >>> is_strict({"type": "object", "properties": {"a": {}}, "required": ["a"]})
    False
    """
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if schema.get("type") == "object" or isinstance(properties, Mapping):
            names = set(properties or ()) if isinstance(properties, Mapping) else set()
            if schema.get("additionalProperties") is not False:
                return False
            if names != set(schema.get("required") or ()):
                return False
        return all(is_strict(part) for part in schema.values())
    return not isinstance(schema, list) or all(is_strict(part) for part in schema)


def read_chat(body: Mapping[str, Any], usage: Usage) -> Completion:
    """The first choice of a chat completion; a refusal is its text.

    >>> said = {"model": "m", "choices": [{"message": {"content": "Yes."}}]}
    >>> read_chat(said, Usage(3, 2)).text
    'Yes.'
    """
    choice = body["choices"][0]
    message = choice["message"]
    refusal = message.get("refusal")
    reason = _REASONS.get(choice.get("finish_reason") or "stop", "error")
    return Completion(
        message.get("content") or refusal or "",
        usage,
        body.get("model") or "",
        "content_filter" if refusal else reason,
        tuple(
            ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls") or ()
        ),
    )


def write_chat(completion: Completion) -> dict[str, Any]:
    """A completion as the body of an answer, so that a local model's files look like a server's."""
    calls = [
        {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
        for c in completion.tool_calls
    ]
    message = {"role": "assistant", "content": completion.text, "tool_calls": calls or None}
    usage = completion.usage
    return {
        "object": "chat.completion",
        "model": completion.model,
        "choices": [{"index": 0, "message": message, "finish_reason": completion.finish_reason}],
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "prompt_tokens_details": {
                "cached_tokens": usage.cache_read_tokens,
                "cache_write_tokens": usage.cache_write_tokens,
            },
        },
    }


def read_request(body: Mapping[str, Any]) -> tuple[list[Message], dict[str, Any]]:
    """The conversation of a body that `chat_body` wrote, and the settings that it sets."""
    messages = [
        Message(
            turn["role"],
            turn["content"],
            tuple(
                ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in turn.get("tool_calls", ())
            ),
            turn.get("tool_call_id"),
        )
        for turn in body["messages"]
    ]
    settings: dict[str, Any] = {"max_tokens": body.get("max_completion_tokens")}
    settings["stop"] = tuple(body.get("stop", ()))
    if "temperature" in body:
        settings["temperature"] = body["temperature"]
    if "response_format" in body:
        settings["schema"] = body["response_format"]["json_schema"]["schema"]
    if "tools" in body:
        functions = [tool["function"] for tool in body["tools"]]
        settings["tools"] = [
            Tool(one["name"], one["description"], one["parameters"]) for one in functions
        ]
        choice = body["tool_choice"]
        settings["tool_choice"] = choice if isinstance(choice, str) else choice["function"]["name"]
    return messages, settings


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        turn["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in message.tool_calls
        ]
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _tool(tool: Tool) -> dict[str, Any]:
    parameters = dict(tool.parameters) or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}
