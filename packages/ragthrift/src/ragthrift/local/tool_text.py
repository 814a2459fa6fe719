"""Tools for models whose template knows none: written out as text, and read back from it."""

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

from ragthrift.errors import ModelError
from ragthrift.local.constraint import Schema, misfit
from ragthrift.local.pieces import whole
from ragthrift.types import Completion, Message, Tool, ToolCall

_OFFER = """\
You can call these tools. Each line holds the name of one, what it does, and its arguments:
{tools}

To call a tool, answer with one JSON object and nothing else:
{{"name": "the tool's name", "arguments": {{...}}}}"""
_MAY = "\nIf no tool is needed, answer in plain words."


def write_tools(
    messages: Sequence[Message], tools: Sequence[Tool], *, must_call: bool
) -> list[Message]:
    """The conversation with the tools in its system message, calls and results as plain turns.

    >>> asked = [Message("user", "Soup?"), Message("assistant", "", (ToolCall("1", "menu"),)),
    ...          Message("tool", "Yes.", tool_call_id="1")]
    >>> for message in write_tools(asked, [], must_call=False):
    ...     print(message.role, message.content)
    user Soup?
    assistant {"name": "menu", "arguments": {}}
    user Result of menu: Yes.
    """
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    written = [_plain_turn(message, names) for message in messages]
    if not tools:
        return written
    offer = _OFFER.format(tools="\n".join(map(_line, tools))) + ("" if must_call else _MAY)
    if written and written[0].role == "system":
        rules = replace(written[0], content=f"{written[0].content}\n\n{offer}")
        return [rules, *written[1:]]
    return [Message("system", offer), *written]


def call_schema(tools: Sequence[Tool]) -> Schema:
    """JSON schema of a call to one of the tools.

    >>> call_schema([Tool("menu")])["anyOf"][0]["properties"]["name"]
    {'const': 'menu'}
    """
    definitions = {
        f"tool{place}": _moved(_arguments(tool), f"#/$defs/tool{place}")
        for place, tool in enumerate(tools)
    }
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": tool.name},
                "arguments": {"$ref": f"#/$defs/{definition}"},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool, definition in zip(tools, definitions, strict=True)
    ]
    return {"anyOf": calls, "$defs": definitions}


def read_call(text: str, tools: Sequence[Tool]) -> ToolCall | None:
    """The call that a text is, `None` if it is none or its arguments do not fit.

    >>> read_call('{"name": "menu", "arguments": {"day": "today"}}', [Tool("menu")]).arguments
    '{"day": "today"}'
    >>> read_call("The menu is empty.", [Tool("menu")])
    """
    try:
        found = json.loads(text.strip().removeprefix("```json").strip("`"))
    except ValueError:
        return None
    if not isinstance(found, dict) or found.keys() != {"name", "arguments"}:
        return None
    tool = next((tool for tool in tools if tool.name == found["name"]), None)
    if tool is None or misfit(_arguments(tool), found["arguments"]) is not None:
        return None
    arguments = json.dumps(found["arguments"], ensure_ascii=False)
    return ToolCall(f"call_{uuid4().hex[:16]}", tool.name, arguments)


def forced_call(
    answer: Generator[str, None, Completion], tools: Sequence[Tool]
) -> Generator[str, None, Completion]:
    """No piece of text, but the call; what was written of one that broke off stays the text."""
    completion = whole(answer)
    call = read_call(completion.text, tools)
    if call is not None:
        return _as_call(completion, call)
    if completion.finish_reason == "stop":
        raise ModelError(
            f"{completion.model} wrote a call that does not fit its tool's schema: "
            f"{completion.text[:200]!r}; simplify the schema of its arguments"
        )
    yield from ()
    return completion


def possible_call(
    answer: Generator[str, None, Completion], tools: Sequence[Tool]
) -> Generator[str, None, Completion]:
    """The pieces, but those of a call: text is held back as long as it may become one."""
    held: str | None = ""
    while True:
        try:
            piece = next(answer)
        except StopIteration as end:
            completion: Completion = end.value
            break
        if held is not None:
            held += piece
            if not held.strip() or held.lstrip().startswith(("{", "`")):
                continue
            piece, held = held, None
        yield piece
    call = read_call(completion.text, tools)
    if call is not None:
        return _as_call(completion, call)
    if held:
        yield held
    return completion


def _as_call(completion: Completion, call: ToolCall) -> Completion:
    return replace(completion, text="", tool_calls=(call,), finish_reason="tool_calls")


def _plain_turn(message: Message, names: Mapping[str, str]) -> Message:
    if message.role == "tool":
        name = names.get(message.tool_call_id or "", "the tool")
        return Message("user", f"Result of {name}: {message.content}")
    if not message.tool_calls:
        return message
    calls = [
        f'{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}'
        for call in message.tool_calls
    ]
    return Message("assistant", "\n".join(filter(None, [message.content, *calls])))


def _line(tool: Tool) -> str:
    said = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return json.dumps(said, ensure_ascii=False, default=dict)


def _arguments(tool: Tool) -> dict[str, object]:
    return {"type": "object", **tool.parameters}


def _moved(part: object, root: str) -> object:
    """A schema whose references still lead where they did when it stands at `root`."""
    if isinstance(part, Mapping):
        return {
            key: root + value[1:]
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _moved(value, root)
            for key, value in part.items()
        }
    if isinstance(part, list | tuple):
        return [_moved(value, root) for value in part]
    return part
