"""What a provider would have billed: prompt caching simulated, then priced call by call."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ragthrift import InputError, Usage
from ragthrift.prices import dollars


@dataclass(frozen=True, slots=True)
class CachingRules:
    """How a provider caches the beginning of prompts.

    Numbers are those of the providers' documentation in November 2026; the prices of cached tokens
    come from `genai-prices`.
    """

    name: str
    min_tokens: int
    """A shorter prefix is neither written nor read."""
    ttl_seconds: float
    """How long a prefix lives after it was last used."""
    step: int = 1
    """Prefixes match in whole steps of tokens."""
    writes_are_billed: bool = False
    """Whether storing a prefix has a price of its own."""


NO_CACHING = CachingRules("none", min_tokens=0, ttl_seconds=0)
OPENAI_IMPLICIT = CachingRules("openai-implicit", min_tokens=1024, ttl_seconds=600, step=128)
ANTHROPIC_5M = CachingRules(
    "anthropic-5m", min_tokens=1024, ttl_seconds=300, writes_are_billed=True
)
RULES = {rules.name: rules for rules in (NO_CACHING, OPENAI_IMPLICIT, ANTHROPIC_5M)}


class PrefixCache:
    """Simulates one provider's prompt cache over the prompts that it is shown, in order.

    >>> cache = PrefixCache(CachingRules("example", min_tokens=4, ttl_seconds=60, step=2))
    >>> cache.bill([1, 2, 3, 4, 5], at=0)
    (0, 4)
    >>> cache.bill([1, 2, 3, 4, 9], at=10)
    (4, 0)
    >>> cache.bill([1, 2, 3, 4], at=99)
    (0, 4)
    """

    def __init__(self, rules: CachingRules) -> None:
        self._rules = rules
        self._expires: dict[int, float] = {}

    @property
    def bills_writes(self) -> bool:
        """Whether what is written costs more than fresh tokens."""
        return self._rules.writes_are_billed

    def bill(self, prompt: Sequence[Hashable], *, at: float) -> tuple[int, int]:
        """Tokens read from the cache and written to it by a prompt at a moment in seconds."""
        prefixes = self._prefixes(prompt)
        alive = [size for size, key in prefixes.items() if self._expires.get(key, -1) > at]
        read = max(alive, default=0)
        for key in prefixes.values():
            self._expires[key] = at + self._rules.ttl_seconds
        return read, max(prefixes, default=0) - read

    def _prefixes(self, prompt: Sequence[Hashable]) -> dict[int, int]:
        """The hash of every prefix that may be cached, by its size in tokens."""
        if not self._rules.ttl_seconds:
            return {}
        found, running = {}, 0
        for size, token in enumerate(prompt, 1):
            running = hash((running, token))
            if size >= self._rules.min_tokens and size % self._rules.step == 0:
                found[size] = running
        return found


def billed(
    prompt: Sequence[Hashable], output_tokens: int, cache: PrefixCache, *, at: float = 0.0
) -> Usage:
    """The usage of a call as the simulated provider counts it."""
    read, written = cache.bill(prompt, at=at)
    counted = written if cache.bills_writes else 0
    return Usage(len(prompt), output_tokens, read, counted)


def price(usage: Usage, model: str, on: date) -> Decimal:
    """Dollars of one call. Raises InputError for a model without a known price."""
    paid = dollars(usage, model, on=on)
    if paid is None:
        raise InputError(f"no known price for {model!r}; name a model that genai-prices knows")
    return paid
