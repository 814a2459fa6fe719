"""How providers cache the beginning of prompts: their rules, what they cost, and a simulator."""

from ragthrift.provider_cache.breakpoints import (
    STABLE,
    Breakpoint,
    Placement,
    after_documents,
    after_stable,
    after_stable_and_at_end,
    as_provider_does,
    at_end,
    nowhere,
    stable_segments,
)
from ragthrift.provider_cache.documents import (
    canonical_order,
    document_name,
    hot_documents,
    in_canonical_order,
)
from ragthrift.provider_cache.families import AS_OF, OWN_SERVERS, rules_for
from ragthrift.provider_cache.markers import (
    MARKERS,
    call_markers,
    takes_key,
    with_cache_markers,
    without_cache_markers,
)
from ragthrift.provider_cache.prefix_cache import CachedTokens, PrefixCache
from ragthrift.provider_cache.replay import Replayed, cheapest, replay, replayed_calls
from ragthrift.provider_cache.rewriting import Rewriting, TokenPrices, Weighed, weigh_rewriting
from ragthrift.provider_cache.rules import NO_CACHING, CacheRules, Lifetime

__all__ = [
    "AS_OF",
    "MARKERS",
    "NO_CACHING",
    "OWN_SERVERS",
    "STABLE",
    "Breakpoint",
    "CacheRules",
    "CachedTokens",
    "Lifetime",
    "Placement",
    "PrefixCache",
    "Replayed",
    "Rewriting",
    "TokenPrices",
    "Weighed",
    "after_documents",
    "after_stable",
    "after_stable_and_at_end",
    "as_provider_does",
    "at_end",
    "call_markers",
    "canonical_order",
    "cheapest",
    "document_name",
    "hot_documents",
    "in_canonical_order",
    "nowhere",
    "replay",
    "replayed_calls",
    "rules_for",
    "stable_segments",
    "takes_key",
    "weigh_rewriting",
    "with_cache_markers",
    "without_cache_markers",
]
