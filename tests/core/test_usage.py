"""Usage adds up and is priced as it stands; savings are numbers."""

from decimal import Decimal

import pytest
from genai_prices import calc_price
from hypothesis import given
from hypothesis import strategies as st

from ragthrift import InputError, Savings, Usage

counts = st.integers(0, 10**9)
usages = st.builds(
    lambda fresh, output, read, write: Usage(fresh + read + write, output, read, write),
    counts,
    counts,
    counts,
    counts,
)


@given(st.lists(usages))
def test_usages_add_up_field_by_field(many: list[Usage]) -> None:
    total = sum(many, Usage())
    assert total.input_tokens == sum(usage.input_tokens for usage in many)
    assert total.output_tokens == sum(usage.output_tokens for usage in many)
    assert total.cache_read_tokens == sum(usage.cache_read_tokens for usage in many)
    assert total.cache_write_tokens == sum(usage.cache_write_tokens for usage in many)
    assert total.fresh_tokens == sum(usage.fresh_tokens for usage in many)
    assert total.total_tokens == sum(usage.total_tokens for usage in many)


@given(usages, usages)
def test_sum_needs_no_start(first: Usage, second: Usage) -> None:
    assert sum([first, second]) == first + second


def test_fresh_tokens_are_what_no_cache_touched() -> None:
    assert Usage(100, 20, cache_read_tokens=60, cache_write_tokens=30).fresh_tokens == 10


@pytest.mark.parametrize("field", ["input_tokens", "output_tokens", "cache_read_tokens"])
def test_negative_counts_are_refused(field: str) -> None:
    with pytest.raises(InputError, match="cannot be negative"):
        Usage(**{field: -1})


def test_cached_tokens_are_part_of_the_input() -> None:
    Usage(100, cache_read_tokens=60, cache_write_tokens=40)
    with pytest.raises(InputError, match="add cached tokens to it"):
        Usage(100, cache_read_tokens=60, cache_write_tokens=41)


@pytest.mark.parametrize("other", [1, None, "Usage", Savings(1, 0)])
def test_a_usage_adds_to_usages_only(other: object) -> None:
    with pytest.raises(TypeError):
        Usage(1) + other
    with pytest.raises(TypeError):
        other + Usage(1)


def test_genai_prices_takes_a_usage_as_it_stands() -> None:
    price = calc_price(Usage(1_000_000, 100_000), "gpt-5-mini")
    rates = price.model_price
    assert price.total_price == price.input_price + price.output_price
    assert price.input_price == rates.input_mtok
    assert rates.output_mtok is not None
    assert price.output_price == Decimal(str(rates.output_mtok)) / 10


def test_cached_tokens_are_priced_lower() -> None:
    price = calc_price(Usage(1_000_000, cache_read_tokens=400_000), "gpt-5-mini")
    full, cached = price.model_price.input_mtok, price.model_price.cache_read_mtok
    assert isinstance(full, Decimal)
    assert isinstance(cached, Decimal)
    assert 0 < cached < full
    assert price.input_price == full * 6 / 10 + cached * 4 / 10


def test_tokens_written_to_a_cache_are_priced_higher() -> None:
    plain = calc_price(Usage(1_000_000), "claude-sonnet-4-5")
    written = calc_price(Usage(1_000_000, cache_write_tokens=1_000_000), "claude-sonnet-4-5")
    assert written.input_price > plain.input_price


def test_savings_add_up_and_may_be_losses() -> None:
    total = sum([Savings(1000, 250), Savings(100, 400)], Savings(0, 0))
    assert (total.before, total.after, total.saved) == (1100, 650, 450)
    assert Savings(100, 400).saved == -300
    assert Savings(100, 400).share == -3.0


def test_the_share_of_nothing_is_nothing() -> None:
    assert Savings(0, 0).share == 0.0


@pytest.mark.parametrize("other", [1, None, Usage(1)])
def test_savings_add_to_savings_only(other: object) -> None:
    with pytest.raises(TypeError):
        Savings(1, 0) + other
    with pytest.raises(TypeError):
        other + Savings(1, 0)
