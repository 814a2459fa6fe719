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
    OPENAI_BREAKPOINTS,
    OPENAI_IMPLICIT,
    CachingRules,
    PrefixCache,
    billed,
    price,
)

DAY = date(2026, 11, 22)


def test_a_prefix_below_the_minimum_is_never_cached() -> None:
    cache = PrefixCache(OPENAI_IMPLICIT)
    prompt = [list(range(1_000))]
    assert cache.bill(prompt, at=0) == cache.bill(prompt, at=1) == (0, 0)


def test_openai_reads_whole_steps_of_128() -> None:
    cache = PrefixCache(OPENAI_IMPLICIT)
    cache.bill([list(range(1_500))], at=0)
    assert cache.bill([[*range(1_300), *range(9_000, 9_500)]], at=1)[0] == 1_280


def test_a_prefix_dies_when_its_time_is_over_and_use_renews_it() -> None:
    cache = PrefixCache(ANTHROPIC_5M)
    prompt = [list(range(2_000)), [-1]]
    cache.bill(prompt, at=0)
    assert cache.bill(prompt, at=250)[0] == 2_000
    assert cache.bill(prompt, at=500)[0] == 2_000
    assert cache.bill(prompt, at=801)[0] == 0


def test_writes_cost_extra_only_where_the_provider_says_so() -> None:
    prompt = [list(range(2_000)), [-1]]
    assert billed(prompt, 10, PrefixCache(ANTHROPIC_5M)) == Usage(2_001, 10, 0, 2_000)
    assert billed(prompt, 10, PrefixCache(OPENAI_BREAKPOINTS)) == Usage(2_001, 10, 0, 2_000)
    assert billed(prompt, 10, PrefixCache(OPENAI_IMPLICIT)) == Usage(2_001, 10, 0, 0)
    assert billed(prompt, 10, PrefixCache(NO_CACHING)) == Usage(2_001, 10, 0, 0)


def test_breakpoints_stand_behind_messages_and_never_behind_the_last() -> None:
    system, question, other = [*range(1_500)], [*range(5_000, 5_900)], [*range(7_000, 7_800)]
    cache = PrefixCache(ANTHROPIC_5M)
    assert cache.bill([system, question], at=0) == (0, 1_500)
    assert cache.bill([system, other], at=1) == (1_500, 0)
    assert cache.bill([system, question, [1], other], at=2) == (1_500, 901)
    assert cache.bill([[*system[:-1], -1], question], at=3) == (0, 1_500)


def test_one_message_has_no_breakpoint() -> None:
    cache = PrefixCache(ANTHROPIC_5M)
    assert cache.bill([[*range(4_000)]], at=0) == cache.bill([[*range(4_000)]], at=1) == (0, 0)


def test_of_many_messages_the_latest_have_the_four_breakpoints() -> None:
    messages = [[number] * 1_100 for number in range(8)]
    cache = PrefixCache(ANTHROPIC_5M)
    cache.bill([*messages[:3], [-1]], at=0)
    assert cache.bill([*messages, [-1]], at=1) == (0, 8 * 1_100)
    assert cache.bill([*messages[:6], [-2]], at=2) == (6 * 1_100, 0)


def test_a_changed_first_token_loses_everything() -> None:
    cache = PrefixCache(ANTHROPIC_5M)
    cache.bill([list(range(3_000)), [7]], at=0)
    assert cache.bill([[-1, *range(1, 3_000)], [7]], at=1)[0] == 0


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
        assert cache.bill([prompt], at=at)[0] == expected


def _shared(first: list[int], second: list[int]) -> int:
    size = 0
    while size < min(len(first), len(second)) and first[size] == second[size]:
        size += 1
    return size
