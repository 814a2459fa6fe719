"""What a provider would have billed: prompt caching simulated, then priced call by call."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate

from ragthrift import InputError, Usage
from ragthrift.prices import dollars

Prompt = Sequence[Sequence[Hashable]]
"""The tokens of every message, in order."""

MOST_BREAKPOINTS = 4
"""Anthropic takes no more in one request."""


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
    at_messages: bool = False
    """Prefixes match only where a breakpoint is: at the end of each message but the last.

    That is where a careful caller puts them. The last message changes with every question, and
    what is written and never read is paid for dearly.
    """
    writes_are_billed: bool = False
    """Whether storing a prefix has a price of its own."""


NO_CACHING = CachingRules("none", min_tokens=0, ttl_seconds=0)
OPENAI_IMPLICIT = CachingRules("openai-implicit", min_tokens=1024, ttl_seconds=600, step=128)
"""Up to GPT-5.5: free writes, the longest known prefix is found."""
OPENAI_BREAKPOINTS = CachingRules(
    "openai-breakpoints", 1024, 1800, at_messages=True, writes_are_billed=True
)
"""From GPT-5.6 on."""
ANTHROPIC_5M = CachingRules("anthropic-5m", 1024, 300, at_messages=True, writes_are_billed=True)
"""The least length is that of Sonnet 4.5 to 5; other models have 512 to 4,096."""
RULES = {
    rules.name: rules for rules in (NO_CACHING, OPENAI_IMPLICIT, OPENAI_BREAKPOINTS, ANTHROPIC_5M)
}


class PrefixCache:
    """Simulates one provider's prompt cache over the prompts that it is shown, in order.

    >>> cache = PrefixCache(CachingRules("example", min_tokens=4, ttl_seconds=60, step=2))
    >>> cache.bill([[1, 2, 3, 4, 5]], at=0)
    (0, 4)
    >>> cache.bill([[1, 2, 3, 4, 9]], at=10)
    (4, 0)
    >>> cache.bill([[1, 2, 3, 4]], at=99)
    (0, 4)
    """

    def __init__(self, rules: CachingRules) -> None:
        self._rules = rules
        self._expires: dict[int, float] = {}

    @property
    def bills_writes(self) -> bool:
        """Whether what is written costs more than fresh tokens."""
        return self._rules.writes_are_billed

    def bill(self, prompt: Prompt, *, at: float) -> tuple[int, int]:
        """Tokens read from the cache and written to it by a prompt at a moment in seconds."""
        prefixes = dict(self._prefixes(prompt))
        alive = [size for size, key in prefixes.items() if self._expires.get(key, -1) > at]
        read = max(alive, default=0)
        for key in prefixes.values():
            self._expires[key] = at + self._rules.ttl_seconds
        return read, max(prefixes, default=0) - read

    def _prefixes(self, prompt: Prompt) -> Iterator[tuple[int, int]]:
        """The size in tokens and the hash of every prefix that may be cached."""
        ends = [*accumulate(len(message) for message in prompt)]
        breakpoints = set(ends[:-1][-MOST_BREAKPOINTS:]) if self._rules.at_messages else None
        running = 0
        tokens = (token for message in prompt for token in message)
        for size, token in enumerate(tokens if self._rules.ttl_seconds else (), 1):
            running = hash((running, token))
            if size < self._rules.min_tokens or size % self._rules.step:
                continue
            if breakpoints is None or size in breakpoints:
                yield size, running


def billed(prompt: Prompt, output_tokens: int, cache: PrefixCache, *, at: float = 0.0) -> Usage:
    """The usage of a call as the simulated provider counts it."""
    read, written = cache.bill(prompt, at=at)
    counted = written if cache.bills_writes else 0
    return Usage(sum(map(len, prompt)), output_tokens, read, counted)


def price(usage: Usage, model: str, on: date) -> Decimal:
    """Dollars of one call. Raises InputError for a model without a known price."""
    paid = dollars(usage, model, on=on)
    if paid is None:
        raise InputError(f"no known price for {model!r}; name a model that genai-prices knows")
    return paid
