"""What each token of a call costs: dollars are a sum of counts times rates."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Literal

from ragthrift.usage import Usage

Bucket = Literal["fresh", "read", "write", "output", "reasoning", "other"]

PARENTS: Mapping[str, str] = {
    "cache_write_1h_tokens": "cache_write_tokens",
    "input_audio_tokens": "input_tokens",
    "input_image_tokens": "input_tokens",
    "input_video_tokens": "input_tokens",
    "cache_audio_read_tokens": "cache_read_tokens",
    "cache_image_read_tokens": "cache_read_tokens",
    "cache_video_read_tokens": "cache_read_tokens",
    "output_reasoning_tokens": "output_tokens",
    "output_audio_tokens": "output_tokens",
    "output_image_tokens": "output_tokens",
    "output_video_tokens": "output_tokens",
}
"""The count that each class of tokens is a part of"""
_JOINT = {
    f"cache_{modality}_read_tokens": f"input_{modality}_tokens"
    for modality in ("audio", "image", "video")
}
"""Tokens that are part of two counts."""
FEES = ("web_searches", "storage_searches", "rerank_searches", "code_executions")
"""Units that are billed by the thousand."""
_BUCKETS: Mapping[str, Bucket] = {
    "input_tokens": "fresh",
    "cache_read_tokens": "read",
    "cache_write_tokens": "write",
    "output_tokens": "output",
}
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Parts:
    """Dollars of a call, or of many, by class of tokens: it adds up."""

    fresh: Decimal = _ZERO
    """Of prompt tokens neither read from a provider's cache nor written to it."""
    read: Decimal = _ZERO
    write: Decimal = _ZERO
    output: Decimal = _ZERO
    """Without reasoning."""
    reasoning: Decimal = _ZERO
    other: Decimal = _ZERO
    """Fees: of a request, of searches; and hours of a GPU."""

    @property
    def total(self) -> Decimal:
        """The dollars of the call."""
        return self.fresh + self.read + self.write + self.output + self.reasoning + self.other

    def __add__(self, more: object) -> "Parts":
        if not isinstance(more, Parts):
            return NotImplemented
        return Parts(*(getattr(self, f.name) + getattr(more, f.name) for f in fields(self)))

    def __radd__(self, more: object) -> "Parts":
        """Let `sum()` start from its 0."""
        return self if more == 0 else NotImplemented


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars for one token of each class.

    >>> rates = Rates(Decimal("0.000003"), Decimal("0.000015"), Decimal("0.0000003"), Decimal(0))
    >>> rates.dollars(Usage(1000, 100, cache_read_tokens=400), {})
    Decimal('0.0034200')
    """

    input: Decimal
    output: Decimal
    read: Decimal
    write: Decimal
    fixed: Decimal = _ZERO
    """For each request."""
    more: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    """What one of a further class costs beyond the count that it is a part of."""

    def dollars(self, usage: Usage, classes: Mapping[str, int]) -> Decimal:
        """Of counts whose classes are all in `more`."""
        read, write = usage.cache_read_tokens, usage.cache_write_tokens
        total = self.input * (usage.input_tokens - read - write) + self.output * usage.output_tokens
        if read:
            total += self.read * read
        if write:
            total += self.write * write
        for name, count in classes.items():
            total += self.more[name] * count
        return total + self.fixed if self.fixed else total

    def parts(self, usage: Usage, classes: Mapping[str, int]) -> Parts:
        """The same dollars by class."""
        dollars: dict[Bucket, Decimal] = {
            "fresh": self.input * usage.fresh_tokens,
            "read": self.read * usage.cache_read_tokens,
            "write": self.write * usage.cache_write_tokens,
            "output": self.output * usage.output_tokens,
            "reasoning": _ZERO,
            "other": self.fixed,
        }
        for name, count in classes.items():
            dollars[_bucket(name)] += self.more[name] * count
            if whole := _JOINT.get(name):
                dollars["read"] += self.more[whole] * count
                dollars["fresh"] -= self.more[whole] * count
        reasoning = self.output * classes.get("output_reasoning_tokens", 0)
        dollars["output"] -= reasoning
        dollars["reasoning"] += reasoning
        return Parts(**dollars)


def _bucket(name: str) -> Bucket:
    if name == "output_reasoning_tokens":
        return "reasoning"
    return _BUCKETS[PARENTS[name]] if name in PARENTS else "other"


def rates_of(prices: object, prompt_tokens: int) -> Rates:
    """From a `genai_prices` model's prices, in the tier of a prompt's length."""

    def per_million(key: str) -> Decimal | None:
        price = _in_tier(getattr(prices, key, None), prompt_tokens)
        return None if price is None else price.scaleb(-6)

    fresh = per_million("input_mtok") or _ZERO
    output = per_million("output_mtok") or _ZERO
    read = _or(per_million("cache_read_mtok"), fresh)
    write = _or(per_million("cache_write_mtok"), fresh)
    parents = {
        "input_tokens": fresh,
        "output_tokens": output,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
    }
    more = {}
    for name, parent in PARENTS.items():
        price = per_million(name.replace("_tokens", "_mtok"))
        more[name] = _ZERO if price is None else price - parents[parent]
        if price is not None and name in _JOINT:
            more[name] -= more[_JOINT[name]]
    for name in FEES:
        fee = _in_tier(getattr(prices, f"{name}_kcount", None), prompt_tokens)
        if fee is not None:
            more[name] = fee.scaleb(-3)
    fixed = _in_tier(getattr(prices, "requests_kcount", None), prompt_tokens)
    return Rates(fresh, output, read, write, _ZERO if fixed is None else fixed.scaleb(-3), more)


def tier_starts(prices: object) -> list[int]:
    """Prompt lengths beyond which other prices hold, ascending."""
    tiers = [getattr(price, "tiers", ()) for price in vars(prices).values()]
    return sorted({tier.start for of_one in tiers for tier in of_one})


def _in_tier(price: object, prompt_tokens: int) -> Decimal | None:
    """A price is a number, or has a basis and tiers."""
    if price is None or isinstance(price, Decimal):
        return price
    begun = [tier.price for tier in getattr(price, "tiers", ()) if prompt_tokens > tier.start]
    return Decimal(begun[-1] if begun else getattr(price, "base", 0))


def _or(price: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if price is None else price
