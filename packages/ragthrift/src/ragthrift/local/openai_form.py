"""Messages and tools as OpenAI's chat protocol writes them, which chat templates read too."""

from collections.abc import Sequence
from typing import Any

from ragthrift.types import Message, Tool, ToolCall


def as_turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages as plain JSON.

    >>> as_turns([Message("tool", "12:00", tool_call_id="c1")])
    [{'role': 'tool', 'content': '12:00', 'tool_call_id': 'c1'}]
    """
    return [_turn(message) for message in messages]


def as_tools(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The tools as plain JSON; one without parameters takes an empty object."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters) or {"type": "object", "properties": {}},
            },
        }
        for tool in tools
    ]


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        turn["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}
