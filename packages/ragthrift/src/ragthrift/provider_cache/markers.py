"""What providers are told about prompt caches, which others refuse."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ragthrift.provider_cache.rules import CacheRules, Lifetime

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

Block = Mapping[str, Any]
"""A part of a message's content in JSON: `{"type": "text", "text": "Answer briefly."}`."""


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


def with_cache_markers(
    blocks: Sequence[Block], ends: Collection[int], rules: CacheRules, lifetime: str = ""
) -> list[dict[str, Any]]:
    """Blocks of a message's content, marked at the end of those at the places `ends`.

    Markers that were there before are gone, so that marking twice is marking once. A provider that
    needs no markers, or no other caches at all, gets none.

    >>> from ragthrift.provider_cache import rules_for
    >>> text = [{"type": "text", "text": "Answer briefly."}]
    >>> with_cache_markers(text, [0], rules_for("gpt-5.6-sol"))[0]["prompt_cache_breakpoint"]
    {'mode': 'explicit'}
    >>> with_cache_markers(text, [0], rules_for("gpt-5-mini")) == text
    True
    """
    kept = [(place, block) for place, block in enumerate(blocks) if not _only_marker(block)]
    marked: list[dict[str, Any]] = []
    for place, block in kept:
        marked.append(without_cache_markers(block))
        if place in ends and rules.marked:
            _mark(marked, rules, rules.lifetime(lifetime))
    return marked


def call_markers(rules: CacheRules, *, key: str = "") -> dict[str, Any]:
    """Arguments of the call itself.

    OpenAI sends calls with an equal `key` to the same machine: one for each kind of request, and
    for each tenant where prompts are. From GPT-5.6 on its own breakpoint at the end of the prompt
    is switched off, so that only what is marked is written, and paid for.

    >>> from ragthrift.provider_cache import rules_for
    >>> call_markers(rules_for("gpt-5.6-sol"), key="faq")["prompt_cache_options"]
    {'mode': 'explicit', 'ttl': '30m'}
    >>> call_markers(rules_for("claude-sonnet-5-5"), key="faq")
    {}
    """
    arguments: dict[str, Any] = {}
    if rules.style == "prompt_cache":
        ttl = rules.lifetime().name
        arguments["prompt_cache_options"] = {"mode": "explicit", "ttl": ttl}
    if key and takes_key(rules):
        arguments["prompt_cache_key"] = key
    return arguments


def takes_key(rules: CacheRules) -> bool:
    """Whether the provider is OpenAI, which sends equal keys to one machine."""
    return rules.style == "prompt_cache" or (rules.style == "automatic" and rules.step == 128)


def _mark(marked: list[dict[str, Any]], rules: CacheRules, lifetime: Lifetime) -> None:
    ttl = {} if lifetime.name == "5m" else {"ttl": lifetime.name}
    if rules.style == "cachePoint":
        marked.append({"cachePoint": {"type": "default"} | ttl})
    elif rules.style == "cache_control":
        marked[-1]["cache_control"] = {"type": "ephemeral"} | ttl
    else:
        marked[-1]["prompt_cache_breakpoint"] = {"mode": "explicit"}


def _only_marker(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and set(value) <= MARKERS
