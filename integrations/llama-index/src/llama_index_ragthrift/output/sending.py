"""A budget in LlamaIndex's words: where the instruction goes, and what an answer told."""

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock

from llama_index_ragthrift.cache.endings import Said
from llama_index_ragthrift.route.telling import Telling
from ragthrift import Usage


def instructed(messages: Sequence[ChatMessage], asked: str) -> list[ChatMessage]:
    """The instruction at the end of the last message if a user wrote it, else behind it.

    All before stays as it is, so that a provider's prompt cache knows it.
    """
    if not asked or not messages:
        return list(messages)
    last = messages[-1]
    if last.role != MessageRole.USER:
        return [*messages, ChatMessage(asked, role=MessageRole.USER)]
    blocks = [*last.blocks, TextBlock(text=asked)]
    if last.blocks and isinstance(end := last.blocks[-1], TextBlock):
        joined = end.model_copy(update={"text": f"{end.text}\n\n{asked}"})
        blocks = [*last.blocks[:-1], joined]
    return [*messages[:-1], last.model_copy(update={"blocks": blocks})]


def question_in(messages: Sequence[ChatMessage]) -> str:
    """What the user said last."""
    asked = (turn.content or "" for turn in reversed(messages) if turn.role == MessageRole.USER)
    return next(asked, "")


def told(*responses: Said) -> tuple[str, Usage | None, int]:
    """How an answer ended, its usage, and what of its output was thinking."""
    telling = Telling()
    for response in responses:
        telling.hear(response)
    thought = max((_thought(response.raw) for response in responses), default=0)
    return telling.finish_reason, telling.usage, thought


def _thought(raw: object) -> int:
    """By OpenAI's two APIs, and by Gemini's."""
    usage = _get(raw, "usage") or _get(raw, "usage_metadata")
    for name in ("completion_tokens_details", "output_tokens_details"):
        if isinstance(count := _get(_get(usage, name), "reasoning_tokens"), int):
            return count
    count = _get(usage, "thoughts_token_count")
    return count if isinstance(count, int) else 0


def _get(place: Any, name: str) -> Any:
    return place.get(name) if isinstance(place, dict) else getattr(place, name, None)
