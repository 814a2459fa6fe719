"""A conversation as a memory reads it, and what the memory sends as LangChain's messages."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from langchain_core.load import dumps
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_ragthrift.convert import asked_calls, block_text, parsed_calls, to_messages
from ragthrift import Message

_DIGEST_BYTES = 4


def to_turns(messages: Sequence[BaseMessage]) -> list[Message]:
    """The text of a conversation with its tool calls; an image becomes a word that stands for it.

    >>> image = {"type": "image", "url": "https://example.org/soup.png"}
    >>> to_turns([HumanMessage([image])])[0].content
    '[image 26edb056]'
    """
    return [_turn(message) for message in messages]


def _turn(message: BaseMessage) -> Message:
    if isinstance(message, AIMessage):
        return Message("assistant", str(message.text), asked_calls(message))
    content = message.content
    if not isinstance(content, str):
        content = "\n".join(_named(block) for block in content)
    return to_messages([message.model_copy(update={"content": content})])[0]


def _named(block: str | dict[Any, Any]) -> str:
    """A block as text; two images that differ have two names."""
    text = block_text(block)
    if text is not None or isinstance(block, str):
        return text or ""
    digest = blake2b(dumps(block).encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"[{block.get('type', 'block')} {digest}]"


def to_message(turn: Message) -> BaseMessage:
    """LangChain's message of a turn.

    >>> to_message(Message("tool", "Soup.", tool_call_id="a"))
    ToolMessage(content='Soup.', tool_call_id='a')
    """
    if turn.role == "system":
        return SystemMessage(turn.content)
    if turn.role == "user":
        return HumanMessage(turn.content)
    if turn.role == "tool":
        return ToolMessage(turn.content, tool_call_id=turn.tool_call_id)
    valid, invalid = parsed_calls(turn.tool_calls)
    return AIMessage(turn.content, tool_calls=valid, invalid_tool_calls=invalid)


def with_originals(
    view: Sequence[Message], turns: Sequence[Message], messages: Sequence[BaseMessage]
) -> list[BaseMessage]:
    """A view in LangChain's messages; what is sent as it was said is the very message given.

    `turns` is `to_turns(messages)`. Originals keep images, thoughts, ids and markers. A tool
    result that was cut short is a copy of its original with less text.
    """
    found: list[BaseMessage] = []
    end = len(turns)
    for turn in reversed(view):
        place = _last(turn, turns[:end])
        if place < 0:
            found.append(to_message(turn))
            continue
        end, message = place, messages[place]
        same = turns[place] == turn
        found.append(message if same else message.model_copy(update={"content": turn.content}))
    return found[::-1]


def _last(turn: Message, turns: Sequence[Message]) -> int:
    """The last place where a turn was said, or a tool result that it is cut from; -1 for none."""
    places = range(len(turns) - 1, -1, -1)
    if turn.role == "tool":
        return next((n for n in places if turns[n].tool_call_id == turn.tool_call_id), -1)
    return next((n for n in places if turns[n] == turn), -1)
