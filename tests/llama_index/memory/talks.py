"""Talks, a model with parallel tool calls, and what must hold of any prompt."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    MessageRole,
    ToolCallBlock,
)

from ragthrift import Price
from ragthrift.memory import Caching, ConversationMemory, Policy, SqliteTranscript, Watermarks
from tests.llama_index.route.llms import Says, Scripted

SAID = "By the way: customer id 4711, allergic to peanuts."
SMALL_TALK = (
    "The weather on day {n} is mild, and we walked past {n} trees near the old mill by the river.",
    "Today lesson {n} was about painting clouds; the teacher likes broad brushes and thin paper.",
    "My neighbour repaired fence number {n} and told a long story about his uncle's boat.",
)
SMALL = Policy(Watermarks(high=500, low=150), Caching(Price(1.0, 4.0)), horizon=200)
"""Where a cached token costs what any costs, so that summaries of short talks pay, too."""


def small_talk(n: int) -> str:
    return SMALL_TALK[n % len(SMALL_TALK)].format(n=n)


def answer(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def text_of(messages: Iterable[ChatMessage]) -> str:
    return "\n".join(message.content or "" for message in messages)


def conversation(path: Path | None = None, policy: Policy = SMALL) -> ConversationMemory:
    """Its transcript vanishes with it, or stays in a file."""
    return ConversationMemory(transcript=SqliteTranscript(path), policy=policy)


def calls_in(message: ChatMessage) -> list[str]:
    return [b.tool_call_id or "" for b in message.blocks if isinstance(b, ToolCallBlock)]


def is_whole(messages: Sequence[ChatMessage]) -> bool:
    """Whether each call is followed by all its results, and each result follows its call."""
    open_calls: set[str] = set()
    for message in messages:
        if message.role == MessageRole.TOOL:
            answered = message.additional_kwargs["tool_call_id"]
            if answered not in open_calls:
                return False
            open_calls.remove(answered)
        elif open_calls:
            return False
        open_calls.update(calls_in(message))
    return not open_calls


class Calling(Scripted):
    """Also asks for several tools at once: a tuple of calls."""

    def __init__(self, *says: Says | tuple[ToolCallBlock, ...], **fields: Any) -> None:
        super().__init__(*says, **fields)  # type: ignore[arg-type]

    def _message(self, said: Any) -> ChatMessage:
        if isinstance(said, tuple):
            return ChatMessage(role=MessageRole.ASSISTANT, blocks=list(said))
        return super()._message(said)

    def _pieces(self, said: Any) -> ChatResponseGen:
        if isinstance(said, tuple):
            yield ChatResponse(message=self._message(said), delta="")
        else:
            yield from super()._pieces(said)
