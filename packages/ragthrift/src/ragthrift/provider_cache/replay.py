"""What calls would have cost under other rules, with other breakpoints, in another layout."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from ragthrift.ledger import Call, Prices, Segment
from ragthrift.provider_cache.breakpoints import Placement, as_provider_does
from ragthrift.provider_cache.families import rules_for
from ragthrift.provider_cache.prefix_cache import PrefixCache
from ragthrift.provider_cache.rules import CacheRules
from ragthrift.usage import Usage

FIRST_TOKEN_SECONDS = 1.0
"""Until an answer begins, where a call does not tell."""

Reorder = Callable[[Sequence[Segment]], Sequence[Segment]]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Calls billed anew."""

    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    dollars: Decimal = Decimal(0)
    """Of the calls that have a price."""
    unpriced: int = 0
    """Calls without a known price."""

    @property
    def cached_share(self) -> float:
        """Share of the prompt tokens that came from the cache."""
        total = self.usage.input_tokens
        return self.usage.cache_read_tokens / total if total else 0.0

    def saved_against(self, other: "Replayed") -> float:
        """Share of another's dollars that this one does not cost; below 0 if it costs more."""
        return float(1 - self.dollars / other.dollars) if other.dollars else 0.0


def replayed_calls(
    calls: Iterable[Call],
    rules: CacheRules | None = None,
    *,
    place: Placement = as_provider_does,
    reorder: Reorder | None = None,
) -> Iterator[Call]:
    """The same calls with the cached tokens that a simulated provider would have billed.

    `calls` come in order of time. Each model has a cache of its own, by `rules` or those of its
    provider. `reorder` gives a prompt's segments another order. Calls that a cache answered, and
    those whose segments are not known, stay as they are.
    """
    caches: dict[tuple[str, str], PrefixCache] = {}
    for call in calls:
        if call.answered_by_cache or not call.segments:
            yield call
            continue
        who = (call.model, call.provider)
        if who not in caches:
            caches[who] = PrefixCache(rules or rules_for(call.model, call.provider or None))
        segments = call.segments if reorder is None else tuple(reorder(call.segments))
        yield _billed(call, segments, caches[who], place)


def replay(
    calls: Iterable[Call],
    rules: CacheRules | None = None,
    *,
    place: Placement = as_provider_does,
    reorder: Reorder | None = None,
    prices: Prices | None = None,
) -> Replayed:
    """What they would have cost: see `replayed_calls`.

    >>> from ragthrift.provider_cache import after_stable, at_end
    >>> rules = Segment.of("system", "The rules of the canteen", tokens=1500)
    >>> calls = [
    ...     Call(model="claude-sonnet-4-5", usage=Usage(4530, 150), at=1e9 + 10 * n, segments=(
    ...         rules, Segment.of("question", f"Question {n}?", tokens=3030)))
    ...     for n in range(100)]
    >>> plain = replay(calls)
    >>> f"{replay(calls, place=at_end).saved_against(plain):+.0%}"
    '-21%'
    >>> f"{replay(calls, place=after_stable).saved_against(plain):+.0%}"
    '+25%'
    """
    prices = prices or Prices()
    number = unpriced = 0
    dollars, usage = Decimal(0), Usage()
    for call in replayed_calls(calls, rules, place=place, reorder=reorder):
        paid = prices.dollars(call)
        number += 1
        unpriced += paid is None
        dollars += paid or 0
        usage += call.usage
    return Replayed(number, usage, dollars, unpriced)


def cheapest(
    calls: Sequence[Call],
    options: Mapping[str, Placement],
    *,
    reorder: Reorder | None = None,
    prices: Prices | None = None,
) -> tuple[str, Mapping[str, Replayed]]:
    """The name of the option that costs least, of equal ones the first, and all of them."""
    prices = prices or Prices()
    found = {
        name: replay(calls, place=place, reorder=reorder, prices=prices)
        for name, place in options.items()
    }
    return min(found, key=lambda name: found[name].dollars), found


def _billed(call: Call, segments: Sequence[Segment], cache: PrefixCache, place: Placement) -> Call:
    wait = next(
        (s for s in (call.first_token_seconds, call.seconds) if s is not None), FIRST_TOKEN_SECONDS
    )
    marks = place(segments, cache.rules) if cache.rules.marked else ()
    cached = cache.bill(segments, marks, at=call.at, ready_after=wait)
    counted = sum(segment.tokens for segment in segments)
    total = call.usage.input_tokens
    scale = total / counted if counted else 0.0
    read, write, hour = (
        round(tokens * scale) for tokens in (cached.read, cached.write, cached.write_1h)
    )
    write = min(write, total - read)
    classes = {name: n for name, n in call.classes.items() if "cache_" not in name}
    if hour:
        classes["cache_write_1h_tokens"] = min(hour, write)
    usage = replace(call.usage, cache_read_tokens=read, cache_write_tokens=write)
    return replace(call, usage=usage, classes=classes)
