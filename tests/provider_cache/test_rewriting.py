"""One rule for every lever that changes prompts."""

import pytest

from ragthrift import InputError, Savings
from ragthrift.compress import CachedPrefix
from ragthrift.memory.policy import Caching, Policy, Situation, Watermarks
from ragthrift.provider_cache import Rewriting, TokenPrices, rules_for, weigh_rewriting
from ragthrift.types import Price

SONNET = TokenPrices.of(rules_for("claude-sonnet-5-5"))


def test_compression_against_the_cache_as_in_the_field() -> None:
    """6,000 stable and 2,000 volatile tokens: cache -71 %, halving all -50 %, the tail alone -84 %.

    Of the prompt's tokens alone, without the answer: 8,000 at full price are 1.
    """
    cached = 6000 * SONNET.read + 2000
    whole = Rewriting(prompt=8000, start=0, saved=4000, fresh=2000, lasts=False)
    tail = Rewriting(prompt=8000, start=6000, saved=1000, fresh=2000, lasts=False)
    assert (cached - weigh_rewriting(whole, SONNET).net) / 8000 == pytest.approx(0.5)
    assert (cached - weigh_rewriting(tail, SONNET).net) / 8000 == pytest.approx(0.1625)
    assert not weigh_rewriting(whole, SONNET).pays
    assert weigh_rewriting(tail, SONNET).pays


def test_a_cold_cache_breaks_nothing() -> None:
    whole = Rewriting(prompt=8000, start=0, saved=4000, fresh=2000, lasts=False)
    assert weigh_rewriting(whole, SONNET, warm=0.0).pays


def test_a_short_prompt_is_not_cached() -> None:
    prices = TokenPrices(read=0.1, write=1.25, min_tokens=1024)
    short = Rewriting(prompt=1000, start=0, saved=100, lasts=False)
    assert weigh_rewriting(short, prices).net == 100


def test_adding_tokens_costs() -> None:
    longer = Rewriting(prompt=2000, start=2000, saved=-500, fresh=0, lasts=False)
    assert weigh_rewriting(longer, SONNET).net == pytest.approx(-500)


def test_a_lasting_change_pays_from_a_number_of_calls_on() -> None:
    change = Rewriting(prompt=8000, start=500, saved=5000, fresh=100, grows=True)
    paying = [weigh_rewriting(change, SONNET, calls=n).pays for n in range(1, 40)]
    assert paying == sorted(paying)
    assert not paying[0]
    assert paying[-1]
    assert not weigh_rewriting(change, SONNET, calls=30, cost=1e6).pays


@pytest.mark.parametrize("tokens", [0, 900, 1000, 1001, 3000])
@pytest.mark.parametrize("discount", [0.0, 0.3, 0.5, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_the_compressor_asks_it(tokens: int, discount: float, rate: float) -> None:
    prefix = CachedPrefix(tokens, discount, rate)
    for saved in (0, 1, 270, 450, 900, 2400):
        asked = prefix.outweighs(Savings(3200, 3200 - saved))
        if abs(prefix.worth - saved) > 1e-6:
            assert asked == (prefix.worth > saved)
        else:
            assert asked


def test_the_memory_asks_it() -> None:
    caching = Caching(Price(3.0, 15.0, cache_read=0.3), write=3.75)
    now = Situation(before=200, old=5000, recent=1000, summary=300, fresh=90, calls=40, warm=1.0)
    verdict = Policy(Watermarks(high=3000), caching).decide(now)
    change = Rewriting(prompt=6200, start=200, saved=4700, fresh=90, grows=True)
    prices = TokenPrices(3.0, 0.3, 3.75, 1024)
    weighed = weigh_rewriting(change, prices, calls=40)
    assert verdict.saving == pytest.approx(weighed.saving / 1e6)
    assert verdict.rebuild == pytest.approx(1300 * 3.45 / 1e6)


def test_what_cannot_be() -> None:
    with pytest.raises(InputError, match="below 0"):
        Rewriting(prompt=-1, start=0, saved=0)
    with pytest.raises(InputError, match="warm"):
        weigh_rewriting(Rewriting(prompt=1, start=0, saved=0), SONNET, warm=1.1)
