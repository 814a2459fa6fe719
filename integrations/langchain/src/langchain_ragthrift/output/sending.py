"""A budget in LangChain's words: where the instruction goes, and what an answer told."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import RunnableBinding

from langchain_ragthrift.cache.messages import ended
from langchain_ragthrift.route.attempts import usage_of
from ragthrift import Usage


def instructed(messages: Sequence[BaseMessage], asked: str) -> list[BaseMessage]:
    """The instruction at the end of the last message if a human wrote it, else behind it.

    All before stays as it is, so that a provider's prompt cache knows it.
    """
    if not asked or not messages:
        return list(messages)
    last = messages[-1]
    if not isinstance(last, HumanMessage):
        return [*messages, HumanMessage(asked)]
    if isinstance(last.content, str):
        content: Any = f"{last.content}\n\n{asked}"
    else:
        content = [*last.content, {"type": "text", "text": asked}]
    return [*messages[:-1], last.model_copy(update={"content": content})]


def to_messages(given: LanguageModelInput) -> list[BaseMessage]:
    """What a chat model takes, as messages."""
    if isinstance(given, str):
        return [HumanMessage(given)]
    return given.to_messages() if isinstance(given, PromptValue) else convert_to_messages(given)


def question_in(messages: Sequence[BaseMessage]) -> str:
    """What the human said last."""
    asked = (str(turn.text) for turn in reversed(messages) if isinstance(turn, HumanMessage))
    return next(asked, "")


def told(message: AIMessage) -> tuple[str, Usage | None, int]:
    """How an answer ended, its usage, and what of its output was thinking."""
    usage: Mapping[str, Any] = message.usage_metadata or {}
    details: Mapping[str, Any] = usage.get("output_token_details") or {}
    # OpenAI's service tiers put their name before the key: `flex_reasoning`.
    thought = sum(count for key, count in details.items() if key.endswith("reasoning") and count)
    return ended(message), usage_of(message), thought


def thinks(model: Any) -> bool:
    """Whether a model says that it reasons before it answers."""
    inner = model.bound if isinstance(model, RunnableBinding) else model
    return bool((getattr(inner, "profile", None) or {}).get("reasoning_output"))


def own_limit(model: Any) -> int | None:
    """The `max_tokens` that a model was made or bound with."""
    if isinstance(model, RunnableBinding):
        bound = model.kwargs.get("max_tokens")
        return bound if isinstance(bound, int) else own_limit(model.bound)
    names = ("max_tokens", "max_output_tokens", "num_predict")
    found = (getattr(model, name, None) for name in names)
    return next((limit for limit in found if isinstance(limit, int) and limit > 0), None)
