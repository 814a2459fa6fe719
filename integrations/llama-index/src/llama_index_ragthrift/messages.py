"""LlamaIndex chat messages as ragthrift messages, and completions as LlamaIndex responses."""

import json
from collections.abc import Generator, Sequence

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    ChatResponse,
    ContentBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from ragthrift import Completion, ContractError, InputError, Message, ToolCall, Usage
from ragthrift.types import Role

Pieces = Generator[str, None, Completion]
"""A streamed answer: its pieces, and the whole with its usage when they end."""

_ROLES: dict[MessageRole, Role] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}


def to_messages(messages: Sequence[ChatMessage]) -> list[Message]:
    """The texts and tool calls; a model's thoughts and cache marks are left out.

    Raises `InputError` for an image or any other block that is not text.
    """
    return [_to_message(at, message) for at, message in enumerate(messages)]


def to_chat_response(completion: object) -> ChatResponse:
    """The answer with its usage in `raw["usage"]`, in OpenAI's words."""
    if not isinstance(completion, Completion):
        raise ContractError(
            f"the model ended with a {type(completion).__name__}; complete() and the generator of "
            "stream() must return a ragthrift.Completion, or the usage of the call is lost"
        )
    return ChatResponse(message=_answer(completion), raw=_raw(completion))


def to_chat_stream(pieces: Pieces) -> Generator[ChatResponse, None, None]:
    """One response per piece, each with the text so far; a last one has the usage."""
    text = ""
    try:
        while True:
            delta = next(pieces)
            text += delta
            message = ChatMessage(role=MessageRole.ASSISTANT, content=text)
            yield ChatResponse(message=message, delta=delta)
    except StopIteration as end:
        yield to_chat_response(end.value).model_copy(update={"delta": ""})
    finally:
        pieces.close()


def _to_message(at: int, message: ChatMessage) -> Message:
    for block in message.blocks:
        if not isinstance(block, TextBlock | ThinkingBlock | CachePoint | ToolCallBlock):
            raise InputError(
                f"message {at} ({message.role.value}) holds a block of type {block.block_type!r}, "
                "and this model reads text only: put its text there, or ask a multimodal model"
            )
    return Message(
        _ROLES[message.role],
        message.content or "",
        tool_calls=tuple(_to_tool_call(b) for b in message.blocks if isinstance(b, ToolCallBlock)),
        tool_call_id=message.additional_kwargs.get("tool_call_id"),
    )


def _to_tool_call(block: ToolCallBlock) -> ToolCall:
    arguments = block.tool_kwargs
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(block.tool_call_id or "", block.tool_name, text)


def _answer(completion: Completion) -> ChatMessage:
    blocks: list[ContentBlock] = [TextBlock(text=completion.text)]
    for call in completion.tool_calls:
        blocks.append(
            ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments)
        )
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)


def _raw(completion: Completion) -> dict[str, object]:
    told: dict[str, object] = {
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "usage": _to_openai(completion.usage),
    }
    if completion.logprobs:
        told["logprobs"] = completion.logprobs
    return told


def _to_openai(usage: Usage) -> dict[str, object]:
    """LlamaIndex's `TokenCountingHandler` reads the first two; `prompt_tokens` is the total."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
    }
