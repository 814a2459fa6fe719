"""Prompts marked for one provider's cache, on their way to another's LLM."""

from collections.abc import Iterable
from typing import Any

from llama_index.core.base.llms.types import CachePoint, ChatMessage
from llama_index.core.llms import LLM

from ragthrift.route import MARKERS

_POINT = "cache_control"
"""What stands in LlamaIndex's `CachePoint`."""
_UNDERSTOOD: dict[str, frozenset[str]] = {
    "anthropic": frozenset({_POINT}),
    "bedrock": frozenset({_POINT, "cachePoint", "cache_point"}),
    "gemini": frozenset({"cached_content"}),
    "google": frozenset({"cached_content"}),
    "openai": frozenset(marker for marker in MARKERS if marker.startswith("prompt_cache")),
    "vertex": frozenset({"cached_content"}),
}
"""By a part of the names of LlamaIndex's LLMs and their modules."""


class ProviderMarkers:
    """Takes out what an LLM's provider does not know; nothing while all LLMs are of one class."""

    def __init__(self, llms: Iterable[LLM]) -> None:
        self._one_provider = len({type(llm) for llm in llms}) == 1

    def foreign(self, llm: LLM) -> frozenset[str]:
        """The markers that mean nothing to an LLM."""
        if self._one_provider:
            return frozenset()
        name = f"{type(llm).__module__} {llm.class_name()}".lower()
        understood = (markers for part, markers in _UNDERSTOOD.items() if part in name)
        return MARKERS.difference(*understood)


def without_markers(value: Any, foreign: frozenset[str]) -> Any:
    """An argument of an LLM's method, if it is messages, as copies without these markers."""
    if not foreign or not isinstance(value, list):
        return value
    return [_unmarked(one, foreign) if isinstance(one, ChatMessage) else one for one in value]


def _unmarked(message: ChatMessage, foreign: frozenset[str]) -> ChatMessage:
    blocks = [
        block
        for block in message.blocks
        if not (isinstance(block, CachePoint) and _POINT in foreign)
    ]
    known = {name: v for name, v in message.additional_kwargs.items() if name not in foreign}
    return message.model_copy(update={"blocks": blocks, "additional_kwargs": known})
