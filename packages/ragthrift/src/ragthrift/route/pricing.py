"""What a call will cost on each tier, and what it did cost."""

import math
import threading
from collections.abc import Sequence

from ragthrift.errors import MissingExtraError
from ragthrift.route.call import Call
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message, Price, Tier
from ragthrift.usage import Usage

STEP = 5.0
"""How much dearer the next tier is taken to be where no price is known: the steps of the published
prices of OpenAI, Anthropic and Google lie between 3 and 10 (genai-prices, 2026)."""
CHEAPEST = Price(0.1, 0.4)
FIRST_GUESS, PATIENCE = 256.0, 50.0
"""Tokens of an answer before any was seen, and how many calls its running mean reaches back."""
_THOUSAND = 1000


class Pricing:
    """Prices of tiers, given, published or assumed, and how long their answers are."""

    def __init__(self, tiers: Sequence[Tier]) -> None:
        known = [tier.price or published(tier.model) for tier in tiers]
        self.assumed = frozenset(t.name for t, p in zip(tiers, known, strict=True) if p is None)
        """Names of tiers without a known price: weighed by a guess, never billed by it."""
        self._prices = dict(zip((tier.name for tier in tiers), _filled(known), strict=True))
        self._lengths: dict[str, float] = {}
        self._seen: dict[str, int] = {}
        self._counter = EstimatedTokens()
        self._lock = threading.Lock()

    def bill(self, tier: Tier, usage: Usage | None) -> float | None:
        """Dollars of a call, `None` for what is unknown."""
        if usage is None:
            return None
        if tier.price is not None:
            return tier.price.dollars(usage)
        return None if tier.name in self.assumed else _billed(usage, tier.model)

    def expected(
        self, tier: Tier, call: Call, *, prompt_tokens: int | None = None, cached_tokens: int = 0
    ) -> float:
        """Dollars that a call will take: prompt tokens less those in this tier's prompt cache.

        Who has counted `prompt_tokens` before hands them in.
        """
        tokens = self.prompt_tokens(call) if prompt_tokens is None else prompt_tokens
        cached = min(cached_tokens, tokens)
        usage = Usage(tokens, self._length(tier, call), cache_read_tokens=cached)
        return self._prices[tier.name].dollars(usage)

    def seen(self, tier: Tier, usage: Usage) -> None:
        """Learn how long a tier's answers are."""
        with self._lock:
            count = self._seen[tier.name] = self._seen.get(tier.name, 0) + 1
            mean = self._lengths.get(tier.name, 0.0)
            step = max(1 / count, 1 / PATIENCE)
            self._lengths[tier.name] = mean + step * (usage.output_tokens - mean)

    def prompt_tokens(self, call: Call) -> int:
        """The caller's count, or an estimate over the messages and passages they do not hold."""
        if call.prompt_tokens is not None:
            return call.prompt_tokens + self.text_tokens(call.added)
        said = "\n".join(message.content for message in call.messages)
        missing = (p.text for p in call.passages or () if p.text not in said)
        return self.text_tokens(call.messages) + sum(map(self._counter.count, missing))

    def text_tokens(self, messages: Sequence[Message]) -> int:
        """Estimated tokens of messages and their tool calls."""
        calls = [call for message in messages for call in message.tool_calls]
        texts = [message.content for message in messages] + [call.arguments for call in calls]
        return sum(map(self._counter.count, texts))

    def estimate(self, call: Call, text: str) -> Usage:
        """The usage of a call whose provider did not tell it."""
        return Usage(self.prompt_tokens(call), self._counter.count(text))

    def _length(self, tier: Tier, call: Call) -> int:
        length = self._lengths.get(tier.name, FIRST_GUESS)
        return round(min(length, call.max_tokens or length))


def published(model: str) -> Price | None:
    """A model's published price; `None` if it has none, or genai-prices is not installed."""
    prices = (
        _billed(usage, model)
        for usage in (Usage(_THOUSAND), Usage(0, _THOUSAND), Usage(_THOUSAND, 0, _THOUSAND))
    )
    fresh, output, read = (None if p is None else p * _THOUSAND for p in prices)
    return None if fresh is None or output is None else Price(fresh, output, read)


def _billed(usage: Usage, model: str) -> float | None:
    from ragthrift.prices import dollars

    try:
        billed = dollars(usage, model)
    except MissingExtraError:
        return None
    return None if billed is None else float(billed)


def _filled(known: Sequence[Price | None]) -> list[Price]:
    """Unknown prices lie between their neighbours', or a step beyond the nearest."""
    filled: list[Price] = []
    for place, price in enumerate(known):
        below = filled[-1] if filled else None
        later = [(n, p) for n, p in enumerate(known[place:]) if p is not None]
        steps, above = later[0] if later else (1, None)
        filled.append(price or _between(below, above, steps))
    return filled


def _between(below: Price | None, above: Price | None, steps: int) -> Price:
    if below and above:
        share = 1 / (steps + 1)
        return Price(
            _mixed(below.input, above.input, share), _mixed(below.output, above.output, share)
        )
    if below:
        return Price(below.input * STEP, below.output * STEP)
    if above:
        return Price(above.input / STEP**steps, above.output / STEP**steps)
    return CHEAPEST


def _mixed(low: float, high: float, share: float) -> float:
    """Between two prices, on a scale of factors."""
    if low <= 0 or high <= 0:
        return low + (high - low) * share
    return math.exp((1 - share) * math.log(low) + share * math.log(high))
