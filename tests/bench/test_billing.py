"""The prefix cache against what the providers' documentation says."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragthrift import InputError, Usage
from ragthrift_bench.billing import (
    ANTHROPIC_5M,
    NO_CACHING,
    OPENAI_IMPLICIT,
    CachingRules,
    PrefixCache,
    billed,
    price,
)

DAY = date(2026, 11, 22)


def test_a_prefix_below_the_minimum_is_never_cached() -> None:
    cache = PrefixCache(OPENAI_IMPLICIT)
    prompt = list(range(1_000))
    assert cache.bill(prompt, at=0) == cache.bill(prompt, at=1) == (0, 0)


def test_openai_reads_whole_steps_of_128() -> None:
    cache = PrefixCache(OPENAI_IMPLICIT)
    cache.bill(list(range(1_500)), at=0)
    assert cache.bill([*range(1_300), *range(9_000, 9_500)], at=1)[0] == 1_280


def test_a_prefix_dies_when_its_time_is_over_and_use_renews_it() -> None:
    cache = PrefixCache(ANTHROPIC_5M)
    prompt = list(range(2_000))
    cache.bill(prompt, at=0)
    assert cache.bill(prompt, at=250)[0] == 2_000
    assert cache.bill(prompt, at=500)[0] == 2_000
    assert cache.bill(prompt, at=801)[0] == 0


def test_writes_cost_extra_only_where_the_provider_says_so() -> None:
    prompt = list(range(2_000))
    assert billed(prompt, 10, PrefixCache(ANTHROPIC_5M)) == Usage(2_000, 10, 0, 2_000)
    assert billed(prompt, 10, PrefixCache(OPENAI_IMPLICIT)) == Usage(2_000, 10, 0, 0)
    assert billed(prompt, 10, PrefixCache(NO_CACHING)) == Usage(2_000, 10, 0, 0)


def test_a_changed_first_token_loses_everything() -> None:
    cache = PrefixCache(ANTHROPIC_5M)
    cache.bill(list(range(3_000)), at=0)
    assert cache.bill([-1, *range(1, 3_000)], at=1)[0] == 0


def test_cached_tokens_are_priced_as_cached() -> None:
    fresh = price(Usage(10_000, 0), "gpt-5-mini", DAY)
    read = price(Usage(10_000, 0, cache_read_tokens=10_000), "gpt-5-mini", DAY)
    assert Decimal(0) < read < fresh / 2


def test_an_unknown_price_is_an_error_and_not_zero() -> None:
    with pytest.raises(InputError, match="no known price"):
        price(Usage(1, 1), "no-such-model", DAY)


@given(
    prompts=st.lists(st.lists(st.integers(0, 2), max_size=12), max_size=8),
    minimum=st.integers(1, 4),
    step=st.integers(1, 3),
)
def test_reads_are_the_longest_common_prefix_with_an_earlier_prompt(
    prompts: list[list[int]], minimum: int, step: int
) -> None:
    rules = CachingRules("r", min_tokens=minimum, ttl_seconds=100, step=step)
    cache = PrefixCache(rules)
    for at, prompt in enumerate(prompts):
        common = max((_shared(prompt, earlier) for earlier in prompts[:at]), default=0)
        expected = max((size for size in range(minimum, common + 1) if size % step == 0), default=0)
        assert cache.bill(prompt, at=at)[0] == expected


def _shared(first: list[int], second: list[int]) -> int:
    size = 0
    while size < min(len(first), len(second)) and first[size] == second[size]:
        size += 1
    return size
