"""A model's rates on one day, learnt from `genai-prices` and held against it."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ragthrift.ledger.call import Call
from ragthrift.ledger.rates import FEES, PARENTS, Parts, Rates, rates_of, tier_starts
from ragthrift.prices import calculated
from ragthrift.usage import Usage

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

SLOT: Final = 1_800
"""Seconds: prices that change with the hour do so on the half hour; others are always asked."""
_LARGE: Final = 1_000_000
_MODALITIES: Final = ("audio", "image", "video")


@dataclass(frozen=True, slots=True)
class Tariff:
    """A model's rates at one time, for one way of processing."""

    starts: Sequence[int]
    """Prompt lengths beyond which the next rates hold."""
    tiers: Sequence[Rates | None]
    """One more than `starts`; `None` where only `calc_price` is right."""
    writes: bool = True
    """Whether output has a price: that of a model of embeddings has none."""
    hourly: bool = False
    """Whether prices change within the day, so that nothing else here holds."""

    def rates(self, call: Call) -> Rates | None:
        """Those of its prompt's length, `None` where they do not tell all of it."""
        rates = self.tiers[bisect_left(self.starts, call.usage.input_tokens)]
        if rates is None or (call.usage.output_tokens and not self.writes):
            return None
        return rates if rates.more.keys() >= call.classes.keys() else None


def learnt(call: Call, at: float, *, within_day: bool = False) -> Tariff | None:
    """The tariff of a call's model at a moment; `None` where it has no price."""
    found = _asked(call, {"input_tokens": 1}, at)
    if found is None:
        return None
    prices, edges = found.model_price, _edges(found.model.prices)
    regular = not any(edge % SLOT for edge in edges)
    if edges and regular and not within_day:
        return Tariff((), (), hourly=True)
    starts = tier_starts(prices)
    tiers: list[Rates | None] = []
    for size in (*starts, (starts[-1] if starts else 0) + _LARGE):
        rates = rates_of(prices, size)
        tiers.append(rates if regular and _agree(rates, call, size, at) else None)
    return Tariff(starts, tiers, prices.output_mtok is not None)


def exact(call: Call) -> Parts | None:
    """What `genai-prices` says of this very call, which is not told by class."""
    counts = asdict(call.usage) | possible(call)
    for modality in _MODALITIES:  # without it, it does not know how audio and cache overlap
        counts.setdefault(f"cache_{modality}_read_tokens", 0)
    found = _asked(call, counts, call.at)
    if found is None:
        return None
    fees = found.total_price - found.input_price - found.output_price
    return Parts(found.input_price, output=found.output_price, other=fees)


def possible(call: Call) -> dict[str, int]:
    """A call's classes: no part is larger than its whole, and what must be both is both."""
    usage = call.usage
    counts = {
        name: min(count, getattr(usage, PARENTS[name])) if name in PARENTS else count
        for name, count in call.classes.items()
    }
    for modality in _MODALITIES:
        if (told := counts.get(f"input_{modality}_tokens")) and usage.cache_read_tokens:
            both = told - usage.fresh_tokens
            joint = f"cache_{modality}_read_tokens"
            if both > counts.get(joint, 0):
                counts[joint] = min(both, usage.cache_read_tokens)
    return counts


def _asked(call: Call, counts: Mapping[str, int], at: float) -> "PriceCalculation | None":
    try:
        return calculated(
            counts,
            call.model,
            provider=call.provider,
            processing=call.processing,
            at=datetime.fromtimestamp(at, UTC),
        )
    except (ValueError, OverflowError, OSError):  # impossible counts, or no such time
        return None


def _agree(rates: Rates, call: Call, size: int, at: float) -> bool:
    """Whether `calc_price` says the same of a prompt in which everything is mixed."""
    usage = Usage(size, 1_000 if rates.output else 0, size // 8, size // 8)
    shares = {
        "cache_write_1h_tokens": size // 16,
        "output_reasoning_tokens": usage.output_tokens // 3,
        **{f"input_{modality}_tokens": size // 16 for modality in _MODALITIES},
        **{f"cache_{modality}_read_tokens": size // 64 for modality in _MODALITIES},
        **{f"output_{modality}_tokens": usage.output_tokens // 10 for modality in _MODALITIES},
        **{name: 3 for name in FEES if name in rates.more},
    }
    found = _asked(call, asdict(usage) | shares, at)
    return found is not None and found.total_price == rates.dollars(usage, shares)


def _edges(prices: object) -> list[int]:
    """Seconds of the day at which a model's price changes every day."""
    limits = [one.constraint for one in prices] if isinstance(prices, list) else []
    names = ("start_time", "end_time")
    times = [getattr(limit, name) for limit in limits for name in names if hasattr(limit, name)]
    return [time.hour * 3600 + time.minute * 60 + time.second for time in times]
