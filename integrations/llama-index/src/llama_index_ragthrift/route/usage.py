"""The usage that a response tells, in the words of many providers."""

from collections.abc import Iterable, Mapping
from typing import Any

from llama_index_ragthrift.cache.endings import Said
from ragthrift import Usage

_INPUT = (
    "prompt_tokens", "input_tokens", "prompt_token_count", "inputTokens", "prompt_eval_count"
)  # fmt: skip
_OUTPUT = (
    "completion_tokens", "output_tokens", "candidates_token_count", "outputTokens", "eval_count"
)  # fmt: skip
_DETAILS = ("prompt_tokens_details", "input_tokens_details")
_READ = ("cache_read_input_tokens", "cacheReadInputTokens", "cached_content_token_count")
_WRITTEN = ("cache_creation_input_tokens", "cacheWriteInputTokens")
_APART = ("cache_read_input_tokens", "cacheReadInputTokens", *_WRITTEN)
"""Anthropic and Bedrock count these beside their input tokens, all others within them."""


def usage_of(response: Said) -> Usage | None:
    """What a call used; `None` if the response does not say."""
    raw = response.raw
    begun = _get(_get(raw, "message"), "usage")  # where a stream of Anthropic's begins
    places = (
        _get(raw, "usage"), _get(raw, "usage_metadata"), begun, raw, response.additional_kwargs
    )  # fmt: skip
    return next((usage for place in places if (usage := _usage(place)) is not None), None)


def more_of(known: Usage | None, told: Usage | None) -> Usage | None:
    """What two pieces of a stream tell together: counts only grow on the way."""
    if known is None or told is None:
        return known or told
    total = max(known.input_tokens, told.input_tokens)
    read = min(max(known.cache_read_tokens, told.cache_read_tokens), total)
    written = min(max(known.cache_write_tokens, told.cache_write_tokens), total - read)
    return Usage(total, max(known.output_tokens, told.output_tokens), read, written)


def _usage(place: object) -> Usage | None:
    total, output = _first(place, _INPUT), _first(place, _OUTPUT)
    if not total and not output:
        return None
    details = next((found for name in _DETAILS if (found := _get(place, name))), None)
    read = _first(place, _READ) or _first(details, ("cached_tokens",))
    written = _first(place, _WRITTEN) or _first(details, ("cache_write_tokens",))
    if _get(place, "input_tokens") is not None or _get(place, "inputTokens") is not None:
        total += sum(_first(place, (name,)) for name in _APART)
    read = min(read, total)
    thought = _first(place, ("thoughts_token_count",))
    return Usage(total, output + thought, read, min(written, total - read))


def _first(place: object, names: Iterable[str]) -> int:
    counts = (_get(place, name) for name in names)
    return next((count for count in counts if isinstance(count, int) and count > 0), 0)


def _get(place: Any, name: str) -> Any:
    return place.get(name) if isinstance(place, Mapping) else getattr(place, name, None)
