"""Each provider's rules, at today's prices."""

import sys

import pytest

from ragthrift import InputError
from ragthrift.ledger import Prices
from ragthrift.ledger.own_prices import OwnPrice
from ragthrift.provider_cache import CacheRules, Lifetime, rules_for


@pytest.mark.parametrize(
    ("model", "provider", "style", "least"),
    [
        ("claude-sonnet-4-5-20250929", None, "cache_control", 1024),
        ("claude-sonnet-5-5", "anthropic", "cache_control", 512),
        ("claude-haiku-4-5", None, "cache_control", 4096),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", "cachePoint", 1024),
        ("amazon.nova-lite-v1:0", "bedrock", "cachePoint", 1000),
        ("gpt-5.5", None, "automatic", 1024),
        ("gpt-5.6-sol", None, "prompt_cache", 1024),
        ("gpt-6.1-terra", "azure", "prompt_cache", 1024),
        ("o3", None, "automatic", 1024),
        ("gemini-2.5-pro", None, "automatic", 2048),
        ("gemini-3.8-flash", None, "automatic", 4096),
        ("gpt-oss-120b", None, "none", 0),
        ("whatever-it-is", None, "none", 0),
    ],
)
def test_each_family(model: str, provider: str | None, style: str, least: int) -> None:
    rules = rules_for(model, provider)
    assert (rules.style, rules.min_tokens) == (style, least)


def test_prices_are_those_of_the_list() -> None:
    older, newer = rules_for("claude-sonnet-4-5"), rules_for("claude-sonnet-5-5")
    assert [(one.name, one.write) for one in older.lifetimes] == [("5m", 1.25), ("1h", 2.0)]
    assert (older.read, newer.read) == (0.1, 0.05)
    assert rules_for("gpt-4o").read == 0.5
    assert rules_for("gpt-6.1-terra").read == 0.05


def test_an_unknown_price_promises_nothing() -> None:
    rules = rules_for("claude-haiku-9")
    assert not rules.priced
    assert rules.read == 1.0
    own = Prices({"claude-haiku-9": OwnPrice(input=2, output=10, cache_read=0.1, cache_write=2.5)})
    known = rules_for("claude-haiku-9", prices=own)
    assert (known.read, known.lifetime("5m").write) == (0.05, 1.25)


def test_one_s_own_server_is_not_billed() -> None:
    rules = rules_for("claude-like-model", "my-vllm-server")
    assert not rules.billed
    assert rules.style == "automatic"
    assert rules.whole_steps(100) == 96


def test_without_a_price_list_nothing_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert not rules_for("gpt-5-mini").priced


def test_openai_s_steps() -> None:
    rules = rules_for("gpt-5-mini")
    assert [rules.whole_steps(n) for n in (1023, 1024, 1500)] == [0, 1024, 1408]


def test_break_even_of_an_hour_is_two_reads() -> None:
    five, hour = rules_for("claude-sonnet-4-5").lifetimes
    rules = rules_for("claude-sonnet-4-5")
    assert 0 < rules.break_even(five) < 1 < rules.break_even(hour) < 2


def test_rules_that_cannot_be() -> None:
    with pytest.raises(InputError, match="lifetime"):
        CacheRules(style="automatic")
    with pytest.raises(InputError, match="below 0"):
        CacheRules(style="automatic", lifetimes=(Lifetime(300),), read=-0.1)
    with pytest.raises(InputError, match="'2h'; it has 5m, 1h"):
        rules_for("claude-sonnet-4-5").lifetime("2h")
