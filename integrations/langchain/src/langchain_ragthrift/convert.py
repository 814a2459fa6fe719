"""LangChain's nouns to ragthrift's, and back."""

import json
import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.messages.tool import (
    ToolCall,
    invalid_tool_call,
    tool_call,
    tool_call_chunk,
)

import ragthrift
from ragthrift import Completion, InputError, Message, Passage, TokenLogprob, Usage
from ragthrift.types import Role

SCORE_KEY = "relevance_score"
"""Where LangChain's rerankers write a document's score."""

PROVIDER = "ragthrift"

_ROLES: tuple[tuple[type[BaseMessage], Role], ...] = (
    (SystemMessage, "system"),
    (HumanMessage, "user"),
    (AIMessage, "assistant"),
    (ToolMessage, "tool"),
)

_UNSPOKEN = frozenset(
    ["reasoning", "thinking", "redacted_thinking", "tool_use", "tool_call", "function_call"]
)
"""Blocks of an assistant's turn that are not part of what it said; its calls stand elsewhere."""


def to_passages(documents: Sequence[Document]) -> list[Passage]:
    """One passage per document, in order, each with an id of its own.

    A document's id is kept where it has one that is not taken yet; otherwise the id comes from
    the text, and a repeated one gets a number.

    >>> [p.id for p in to_passages([Document("Cats", id="a"), Document("Dogs", id="a")])]
    ['a', 'a#2']
    """
    passages: dict[str, Passage] = {}
    for document in documents:
        wish = Passage(document.page_content, document.id or "").id
        name, copies = wish, 1
        while name in passages:
            copies += 1
            name = f"{wish}#{copies}"
        passages[name] = Passage(
            document.page_content, name, _score(document), dict(document.metadata)
        )
    return list(passages.values())


def from_passages(
    passages: Sequence[Passage], given: Sequence[Passage], documents: Sequence[Document]
) -> list[Document]:
    """Copy the documents behind `passages` with what the steps changed.

    `given` is `to_passages(documents)`. Text and metadata are the passage's; a document keeps its
    class, its id and every metadata key that the passage lacks. A new score is written over an
    old one.
    """
    origins = {
        passage.id: (passage, document) for passage, document in zip(given, documents, strict=True)
    }
    return [_changed(passage, *origins[passage.id]) for passage in passages]


def _changed(passage: Passage, given: Passage, document: Document) -> Document:
    metadata = {**document.metadata, **passage.metadata}
    if passage.score is not None and passage.score != given.score:
        metadata[SCORE_KEY] = float(passage.score)
    return document.model_copy(update={"page_content": passage.text, "metadata": metadata})


def _score(document: Document) -> float | None:
    written = document.metadata.get(SCORE_KEY)
    if isinstance(written, bool) or not isinstance(written, Real):
        return None
    return None if math.isnan(written) else float(written)


def to_messages(messages: Sequence[BaseMessage]) -> list[Message]:
    """Translate a conversation. Raises InputError where it holds more than text."""
    return [
        Message(
            _role(message),
            text_of(message),
            tuple(_asked(call) for call in getattr(message, "tool_calls", ())),
            getattr(message, "tool_call_id", None),
        )
        for message in messages
    ]


def _role(message: BaseMessage) -> Role:
    if isinstance(message, ChatMessage):
        return message.role  # type: ignore[return-value]  # Message checks it
    for kind, role in _ROLES:
        if isinstance(message, kind):
            return role
    raise InputError(
        f"a {type(message).__name__} has no role in a conversation; "
        "send system, human, AI and tool messages"
    )


def text_of(message: BaseMessage) -> str:
    """Read what a message says. Raises InputError where it says it with more than text."""
    if isinstance(message.content, str):
        return message.content
    assistant = isinstance(message, AIMessage)
    texts = []
    for block in message.content:
        text = block_text(block)
        if text is not None:
            texts.append(text)
        elif not (assistant and _kind(block) in _UNSPOKEN):
            raise InputError(
                f"a {type(message).__name__} holds a block of type {_kind(block)!r}, and this "
                "model reads text only; send text blocks, or another model"
            )
    return ("" if assistant else "\n").join(texts)


def block_text(block: str | dict[Any, Any]) -> str | None:
    """Read a content block: its text, `None` where it is not a text block.

    >>> block_text({"type": "text", "text": "Yes."}), block_text({"type": "image", "url": "u"})
    ('Yes.', None)
    """
    if isinstance(block, str):
        return block
    text = block.get("text")
    return text if isinstance(text, str) and block.get("type", "text") == "text" else None


def _kind(block: str | dict[Any, Any]) -> object:
    return block.get("type") if isinstance(block, dict) else "text"


def asked_calls(message: AIMessage) -> tuple[ragthrift.ToolCall, ...]:
    """What a message asks to be run, and what it wrote that cannot be read as arguments."""
    broken = (
        ragthrift.ToolCall(call["id"] or "", call["name"] or "", call["args"] or "")
        for call in message.invalid_tool_calls
    )
    return (*map(_asked, message.tool_calls), *broken)


def _asked(call: ToolCall) -> ragthrift.ToolCall:
    return ragthrift.ToolCall(call["id"] or "", call["name"], json.dumps(call["args"]))


def to_ai_message(completion: Completion) -> AIMessage:
    """Translate an answer with its usage, its model and why it ended."""
    valid, invalid = parsed_calls(completion.tool_calls)
    return AIMessage(
        completion.text,
        tool_calls=valid,
        invalid_tool_calls=invalid,
        usage_metadata=_usage_metadata(completion.usage),
        response_metadata=_response_metadata(completion),
    )


def to_last_chunk(completion: Completion) -> AIMessageChunk:
    """Say what follows the last word of a stream: calls, usage, model and why it ended."""
    return AIMessageChunk(
        content="",
        tool_call_chunks=[
            tool_call_chunk(name=call.name, args=call.arguments, id=call.id, index=index)
            for index, call in enumerate(completion.tool_calls)
        ],
        usage_metadata=_usage_metadata(completion.usage),
        response_metadata=_response_metadata(completion),
        chunk_position="last",
    )


def parsed_calls(
    calls: Sequence[ragthrift.ToolCall],
) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Calls whose arguments are JSON, and those whose are not."""
    read = [_parsed(call) for call in calls]
    return (
        [call for call in read if call["type"] == "tool_call"],
        [call for call in read if call["type"] == "invalid_tool_call"],
    )


def _parsed(call: ragthrift.ToolCall) -> ToolCall | InvalidToolCall:
    try:
        arguments = json.loads(call.arguments)
    except ValueError as error:
        return invalid_tool_call(
            name=call.name, args=call.arguments, id=call.id, error=f"not JSON: {error}"
        )
    return tool_call(name=call.name, args=arguments, id=call.id)


def _usage_metadata(usage: Usage) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        input_token_details=InputTokenDetails(
            cache_read=usage.cache_read_tokens, cache_creation=usage.cache_write_tokens
        ),
    )


def _response_metadata(completion: Completion) -> dict[str, Any]:
    told: dict[str, Any] = {
        "model_name": completion.model,
        "model_provider": PROVIDER,
        "finish_reason": completion.finish_reason,
    }
    if completion.logprobs:
        told["logprobs"] = {"content": [_logprob(token) for token in completion.logprobs]}
    return told


def _logprob(token: TokenLogprob) -> dict[str, Any]:
    """One token as OpenAI tells it."""
    others = [{"token": text, "logprob": value} for text, value in token.alternatives]
    return {"token": token.token, "logprob": token.logprob, "top_logprobs": others}
