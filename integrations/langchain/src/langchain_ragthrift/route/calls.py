"""LangChain's messages as a call to the router."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool

from langchain_ragthrift.cache.witness import found_by
from langchain_ragthrift.convert import asked_calls, block_text, parsed_calls, to_passages
from ragthrift import Message, Passage
from ragthrift.types import Role

_CONVERSATION_KEYS = ("thread_id", "session_id", "conversation_id")
_MODALITIES = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    "file": "file",
    "document": "file",
}
"""Types of content blocks of LangChain, OpenAI and Anthropic that are not text."""


def to_turns(messages: Sequence[BaseMessage]) -> list[Message]:
    """A conversation by what it says: blocks that are not text are left out.

    >>> to_turns([HumanMessage([{"type": "image", "url": "u"}, {"type": "text", "text": "What?"}])])
    [Message(role='user', content='What?', tool_calls=(), tool_call_id=None)]
    """
    return [_turn(message) for message in messages]


def _turn(message: BaseMessage) -> Message:
    said = str(message.text)
    if isinstance(message, AIMessage):
        return Message("assistant", said, asked_calls(message))
    if isinstance(message, ToolMessage):
        return Message("tool", said, tool_call_id=message.tool_call_id)
    return Message(_role(message), said)


def _role(message: BaseMessage) -> Role:
    name = message.role if isinstance(message, ChatMessage) else ""
    if isinstance(message, SystemMessage) or name in ("system", "developer"):
        return "system"
    return "assistant" if name == "assistant" else "user"


def from_turns(turns: Iterable[Message]) -> list[BaseMessage]:
    """What the router asks besides, to have an answer mended, as LangChain's messages."""
    return [_message(turn) for turn in turns]


def _message(turn: Message) -> BaseMessage:
    if turn.role == "assistant":
        valid, invalid = parsed_calls(turn.tool_calls)
        return AIMessage(turn.content, tool_calls=valid, invalid_tool_calls=invalid)
    if turn.role == "tool":
        return ToolMessage(turn.content, tool_call_id=turn.tool_call_id or "", status="error")
    kind = SystemMessage if turn.role == "system" else HumanMessage
    return kind(turn.content)


def modalities(messages: Sequence[BaseMessage]) -> tuple[str, ...]:
    """What a prompt holds: text, and whatever else a tier must be able to read."""
    found = dict.fromkeys(["text"])
    for message in messages:
        for block in message.content if isinstance(message.content, list) else ():
            if isinstance(block, dict) and block_text(block) is None:
                kind = _MODALITIES.get(str(block.get("type")))
                found |= dict.fromkeys([kind] if kind else [])
    return tuple(found)


def passages_in(messages: Sequence[BaseMessage]) -> list[Passage]:
    """What an agent's tools found since the user last spoke."""
    since = list(messages)
    for place in range(len(since) - 1, -1, -1):
        if isinstance(since[place], HumanMessage):
            since = since[place + 1 :]
            break
    documents = [
        document
        for message in since
        if isinstance(message, ToolMessage)
        for document in found_by(message) or ()
    ]
    return to_passages(documents)


def conversation_of(config: RunnableConfig, messages: Sequence[BaseMessage]) -> str | None:
    """What the turns of a conversation have in common: its thread, else the question's own id."""
    known: dict[str, Any] = {**config.get("metadata", {}), **config.get("configurable", {})}
    for key in _CONVERSATION_KEYS:
        if known.get(key) is not None:
            return str(known[key])
    spoken = (message.id for message in reversed(messages) if isinstance(message, HumanMessage))
    return next(spoken, None)


def tool_schemas(tools: Iterable[Any]) -> dict[str, Mapping[str, object]]:
    """Tools by name, each with the schema of its arguments; a provider's own tool takes all."""
    return dict(_named(tool) for tool in tools)


def _named(tool: Any) -> tuple[str, Mapping[str, object]]:
    if isinstance(tool, dict) and tool.get("type", "function") not in ("function", "object"):
        return str(tool.get("name") or tool["type"]), {}
    form = convert_to_openai_tool(tool)
    function = form.get("function", {})
    name = function.get("name") or (tool.name if isinstance(tool, BaseTool) else "")
    return str(name), function.get("parameters", {})


def schema_of(schema: Any) -> dict[str, Any]:
    """JSON schema of what `with_structured_output` or a response format asks for."""
    if isinstance(schema, dict) and isinstance(schema.get("json_schema"), dict):
        schema = schema["json_schema"]
    if isinstance(schema, dict) and isinstance(schema.get("schema"), dict):
        return dict(schema["schema"])
    return dict(convert_to_json_schema(schema))
