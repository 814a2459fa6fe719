"""A call of LlamaIndex's as the router sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from llama_index_ragthrift.messages import to_messages
from llama_index_ragthrift.route.retrieved import retrieved_in
from llama_index_ragthrift.route.template import Filled
from ragthrift import Message, Passage
from ragthrift.route import Call

_READ = (TextBlock, ThinkingBlock, CachePoint, ToolCallBlock)
_MODALITIES = (
    (ImageBlock, "image"),
    (AudioBlock, "audio"),
    (VideoBlock, "video"),
    (DocumentBlock, "document"),
)
_PINS = ("tier", "model")


def call_of(
    messages: Sequence[ChatMessage],
    options: Mapping[str, Any],
    *,
    filled: Filled | None = None,
    schema: Mapping[str, object] | None = None,
) -> Call:
    """A call's question, passages and needs; `tier=` or `model=` among its options pins it."""
    said = texts_of(messages)
    if filled is None:
        passages = retrieved_in("\n".join(message.content for message in said))
    else:
        whole = (Passage(filled.context),) if filled.context.strip() else ()
        passages = retrieved_in(filled.context) or whole
        said = _asking(said, filled.question)
    longest = options.get("max_tokens")
    return Call(
        said,
        passages,
        schema=schema,
        modalities=_modalities(messages),
        tier=next((str(options[name]) for name in _PINS if options.get(name)), None),
        max_tokens=longest if isinstance(longest, int) else None,
    )


def without_pins(options: Mapping[str, Any]) -> dict[str, Any]:
    """What is left for the LLM."""
    return {name: value for name, value in options.items() if name not in _PINS}


def texts_of(messages: Sequence[ChatMessage]) -> list[Message]:
    """Texts and tool calls; what a router cannot read is left out, and no message is refused."""
    readable = [
        message.model_copy(
            update={
                "blocks": [block for block in message.blocks if isinstance(block, _READ)],
                "additional_kwargs": {
                    "tool_call_id": message.additional_kwargs.get("tool_call_id") or ""
                },
            }
        )
        for message in messages
    ]
    return to_messages(readable)


def to_chat_message(message: Message) -> ChatMessage:
    """A turn that the router added."""
    calls = (
        ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments)
        for call in message.tool_calls
    )
    known = {"tool_call_id": message.tool_call_id} if message.tool_call_id is not None else {}
    return ChatMessage(
        role=MessageRole(message.role),
        blocks=[TextBlock(text=message.content), *calls],
        additional_kwargs=known,
    )


def _asking(said: Sequence[Message], question: str) -> list[Message]:
    """The turns with the bare question for the last of the user's, a template around it."""
    places = [at for at, message in enumerate(said) if message.role == "user"]
    if not places:
        return [*said, Message("user", question)]
    last = places[-1]
    return [*said[:last], replace(said[last], content=question), *said[last + 1 :]]


def _modalities(messages: Sequence[ChatMessage]) -> tuple[str, ...]:
    blocks = [block for message in messages for block in message.blocks]
    found = (name for kind, name in _MODALITIES if any(isinstance(block, kind) for block in blocks))
    return ("text", *found)
