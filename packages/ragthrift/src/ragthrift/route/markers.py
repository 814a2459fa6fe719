"""What providers are told about prompt caches, which others refuse."""

from collections.abc import Mapping
from typing import Any

MARKERS = frozenset(
    {
        "cache_control",  # Anthropic
        "cachePoint",  # Bedrock
        "cache_point",
        "cached_content",  # Google
        "prompt_cache_breakpoint",  # OpenAI
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
    }
)


def without_cache_markers(value: Any) -> Any:
    """A copy of JSON-like messages or arguments without one provider's cache markers.

    An adapter sends it when a fallback goes to another provider. A block that is nothing but a
    marker goes, too.

    >>> without_cache_markers([{"text": "Soup", "cache_control": {"type": "ephemeral"}}])
    [{'text': 'Soup'}]
    >>> without_cache_markers([{"text": "Soup"}, {"cachePoint": {"type": "default"}}])
    [{'text': 'Soup'}]
    """
    if isinstance(value, Mapping):
        return {k: without_cache_markers(v) for k, v in value.items() if k not in MARKERS}
    if isinstance(value, (list, tuple)):
        kept = [without_cache_markers(one) for one in value if not _only_marker(one)]
        return kept if isinstance(value, list) else tuple(kept)
    return value


def _only_marker(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and set(value) <= MARKERS
