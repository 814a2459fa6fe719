"""Prompts for one provider's cache, on their way to another's model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool

from ragthrift.route import MARKERS, without_cache_markers

Said = TypeVar("Said", bound=BaseMessage)

_UNDERSTOOD: dict[str, frozenset[str]] = {
    "anthropic": frozenset({"cache_control"}),
    "bedrock": frozenset({"cachePoint", "cache_point"}),
    "fireworks": frozenset({"prompt_cache_key"}),
    "gemini": frozenset({"cached_content"}),
    "google": frozenset({"cached_content"}),
    "openai": frozenset(marker for marker in MARKERS if marker.startswith("prompt_cache")),
    "vertex": frozenset({"cached_content"}),
}
"""By a part of the names that LangChain's models give themselves (`_llm_type`)."""


class Markers:
    """Takes cache markers out of what goes to a model whose provider does not know them.

    While all models are of one provider nothing is touched.
    """

    def __init__(self, models: Iterable[BaseChatModel]) -> None:
        self._one_provider = len({model._llm_type for model in models}) == 1

    def stay(self, model: BaseChatModel, *sent: Any) -> bool:
        """Whether the model's provider knows every marker in what is sent."""
        if self._one_provider:
            return True
        known = frozenset[str]().union(
            *(names for part, names in _UNDERSTOOD.items() if part in model._llm_type)
        )
        return known.issuperset(_markers_in(list(sent)))

    def messages(self, messages: Sequence[Said], model: BaseChatModel) -> list[Said]:
        """A prompt for a model."""
        return [self._message(message, model) for message in messages]

    def tools(self, tools: Sequence[Any], model: BaseChatModel) -> list[Any]:
        """Tools for a model."""
        return [self._tool(tool, model) for tool in tools]

    def settings(self, settings: Mapping[str, Any], model: BaseChatModel) -> dict[str, Any]:
        """Arguments of a call for a model."""
        if self.stay(model, settings):
            return dict(settings)
        kept: dict[str, Any] = without_cache_markers(settings)
        return kept

    def _message(self, message: Said, model: BaseChatModel) -> Said:
        if self.stay(model, message.content, message.additional_kwargs):
            return message
        update = {
            "content": without_cache_markers(message.content),
            "additional_kwargs": without_cache_markers(message.additional_kwargs),
        }
        return message.model_copy(update=update)

    def _tool(self, tool: Any, model: BaseChatModel) -> Any:
        if isinstance(tool, BaseTool):
            if self.stay(model, tool.extras):
                return tool
            return tool.model_copy(update={"extras": without_cache_markers(tool.extras) or None})
        return self.settings(tool, model) if isinstance(tool, dict) else tool


def _markers_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from MARKERS.intersection(value)
        for one in value.values():
            yield from _markers_in(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _markers_in(one)
