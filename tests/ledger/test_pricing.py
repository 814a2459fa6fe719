"""Each call priced alone: by hand, by `calc_price`, and by the user's own prices."""

import random
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ragthrift.errors import InputError
from ragthrift.ledger.call import Call, Processing
from ragthrift.ledger.own_prices import OwnPrice, read_prices
from ragthrift.ledger.pricing import Prices
from ragthrift.ledger.rates import Parts
from ragthrift.ledger.reading_usage import read_usage
from ragthrift.ledger.tariffs import learnt
from ragthrift.types import Price
from ragthrift.usage import Usage

genai_prices = pytest.importorskip("genai_prices")

NOVEMBER = datetime(2026, 11, 10, 15, tzinfo=UTC).timestamp()
PUBLISHED: dict[str, dict[str, str]] = {
    # dollars per million tokens in November 2026, and per thousand searches
    "gpt-5-mini": {"in": "0.25", "read": "0.025", "out": "2", "search": "10"},
    "gpt-5-mini flex": {"in": "0.125", "read": "0.0125", "out": "1", "search": "10"},
    "gpt-5-mini priority": {"in": "0.45", "read": "0.045", "out": "3.6", "search": "10"},
    "gpt-5-mini batch": {"in": "0.125", "read": "0.0125", "out": "1", "search": "10"},
    "gpt-5.6-sol": {"in": "4", "write": "5", "read": "0.4", "out": "20"},
    "gpt-5.6-sol long": {"in": "8", "write": "10", "read": "0.8", "out": "30"},
    "claude-haiku-4-5": {
        "in": "1",
        "write": "1.25",
        "hour": "2",
        "read": "0.1",
        "out": "5",
        "search": "10",
    },
    "claude-haiku-4-5 batch": {
        "in": "0.5",
        "write": "0.625",
        "hour": "1",
        "read": "0.05",
        "out": "2.5",
        "search": "10",
    },
    "gemini-2.5-flash": {
        "in": "0.3",
        "read": "0.03",
        "audio": "1",
        "audio read": "0.1",
        "out": "2.5",
    },
    "gemini-2.5-pro": {"in": "1.25", "read": "0.125", "out": "10"},
    "gemini-2.5-pro long": {"in": "2.5", "read": "0.25", "out": "15"},
}


def openai(rng: random.Random, place: int) -> tuple[Call, Fraction]:
    """A chat completion in one of four tiers, with reasoning, or one beyond 272,000 tokens."""
    sol = place % 5 == 4
    fresh, read, out = rng.randrange(5000), 128 * rng.randrange(40), rng.randrange(900)
    write = rng.randrange(2000) if sol else 0
    long = sol and place % 2 == 0
    fresh += 280_000 if long else 0
    ways: tuple[Processing, ...] = ("standard", "flex", "priority", "batch")
    way = "standard" if sol else ways[place % 4]
    response: dict[str, Any] = {
        "service_tier": "default" if way in ("standard", "batch") else way,
        "output": [{"type": "web_search_call"}] * (0 if sol else place % 3),
        "usage": {
            "input_tokens": fresh + read + write,
            "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
            "output_tokens": out,
            "output_tokens_details": {"reasoning_tokens": out // 2},
        },
    }
    name = "gpt-5.6-sol" if sol else "gpt-5-mini"
    key = name + (" long" if long else "") + ("" if way == "standard" else f" {way}")
    searches = 0 if sol else place % 3
    paid = dict.fromkeys(("in", "read", "write", "out", "search"), 0)
    paid |= {"in": fresh, "read": read, "write": write, "out": out, "search": searches}
    return _call(response, name, "openai", way), _by_hand(key, paid)


def anthropic(rng: random.Random, place: int) -> tuple[Call, Fraction]:
    """A message with writes for 5 minutes and for an hour, thinking and searches."""
    fresh, read, out = rng.randrange(500), rng.randrange(9000), rng.randrange(900)
    minutes, hour, searches = rng.randrange(3000), rng.randrange(3000), place % 3
    batch = place % 4 == 3
    used = {
        "input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": minutes + hour,
        "cache_creation": {
            "ephemeral_5m_input_tokens": minutes,
            "ephemeral_1h_input_tokens": hour,
        },
        "output_tokens": out,
        "output_tokens_details": {"thinking_tokens": out // 3},
        "server_tool_use": {"web_search_requests": searches},
        "service_tier": "batch" if batch else "standard",
    }
    paid = {"in": fresh, "read": read, "write": minutes, "hour": hour}
    paid |= {"out": out, "search": searches}
    name = "claude-haiku-4-5"
    return _call(used, name, "anthropic"), _by_hand(name + " batch" * batch, paid)


def gemini(rng: random.Random, place: int) -> tuple[Call, Fraction]:
    """A response with thoughts, and either audio or a prompt beyond 200,000 tokens."""
    text, audio = rng.randrange(3000), rng.randrange(2000)
    text_read, audio_read = rng.randrange(2000), rng.randrange(1000)
    said, thought = rng.randrange(500), rng.randrange(700)
    pro = place % 3 == 2
    long = pro and place % 2 == 0
    text += 200_001 if long else 0
    prompt = text + audio + text_read + audio_read
    used = {
        "promptTokenCount": prompt,
        "cachedContentTokenCount": text_read + audio_read,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thought,
    }
    if pro:
        paid = {"in": text + audio, "read": text_read + audio_read}
    else:
        used["promptTokensDetails"] = [  # type: ignore[assignment]
            {"modality": "TEXT", "tokenCount": text + text_read},
            {"modality": "AUDIO", "tokenCount": audio + audio_read},
        ]
        used["cacheTokensDetails"] = [{"modality": "AUDIO", "tokenCount": audio_read}]  # type: ignore[assignment]
        paid = {"in": text, "audio": audio, "read": text_read, "audio read": audio_read}
    name = "gemini-2.5-pro" if pro else "gemini-2.5-flash"
    paid["out"] = said + thought
    return _call({"usageMetadata": used}, name, "google"), _by_hand(name + " long" * long, paid)


def _call(response: object, model: str, provider: str, way: Processing = "standard") -> Call:
    read = read_usage(response, provider)
    assert read is not None
    return Call(
        model=model,
        provider=provider,
        usage=read.usage,
        classes=read.classes,
        processing=read.processing if way == "standard" else way,
        at=NOVEMBER,
    )


def _by_hand(key: str, paid: dict[str, int]) -> Fraction:
    prices = PUBLISHED[key]
    per = {name: 1_000 if name == "search" else 1_000_000 for name in paid}
    return sum(
        (Fraction(prices[name]) * count / per[name] for name, count in paid.items() if count),
        Fraction(0),
    )


def test_two_hundred_calls_cost_what_they_do_by_hand() -> None:
    rng, prices = random.Random(7), Prices()
    scripted = [(openai, anthropic, gemini)[n % 3](rng, n // 3) for n in range(200)]
    billed = [prices.dollars(call) or Decimal(-1) for call, _ in scripted]
    assert [Fraction(dollars) for dollars in billed] == [hand for _, hand in scripted]
    assert sum(billed) > 10
    used = {name for call, _ in scripted for name in call.classes}
    assert used == {
        "cache_audio_read_tokens",
        "cache_write_1h_tokens",
        "input_audio_tokens",
        "output_reasoning_tokens",
        "web_searches",
    }
    assert {call.processing for call, _ in scripted} == {"standard", "flex", "priority", "batch"}


def test_parts_add_up_to_the_whole() -> None:
    rng, prices = random.Random(8), Prices()
    for n in range(200):
        call, hand = (openai, anthropic, gemini)[n % 3](rng, n // 3)
        parts = prices.parts(call)
        assert parts is not None
        assert Fraction(parts.total) == hand
        assert (parts.read > 0) == (call.usage.cache_read_tokens > 0)
        assert (parts.reasoning > 0) == (call.classes.get("output_reasoning_tokens", 0) > 0)
    added = sum([Parts(read=Decimal(1)), Parts(read=Decimal(2), other=Decimal(3))], Parts())
    assert added == Parts(read=Decimal(3), other=Decimal(3))


def test_what_an_hour_costs_is_told_apart() -> None:
    used = {
        "input_tokens": 10,
        "output_tokens": 0,
        "cache_creation": {"ephemeral_1h_input_tokens": 1000},
    }
    call = _call(used, "claude-haiku-4-5", "anthropic")
    assert Prices().parts(call) == Parts(fresh=Decimal("0.00001"), write=Decimal("0.002"))


def _models() -> list[tuple[str, str]]:
    from genai_prices.data_snapshot import get_snapshot

    providers = ("openai", "anthropic", "google", "aws", "azure", "mistral", "deepseek", "groq")
    snapshot = get_snapshot()
    return [(p.id, m.id) for p in snapshot.providers if p.id in providers for m in p.models]


@pytest.mark.parametrize("way", ["standard", "batch", "flex", "priority", "fast"])
def test_rates_say_what_calc_price_says(way: Processing) -> None:
    rng, prices, held = random.Random(9), Prices(), 0
    for provider, model in _models():
        for size in (900, 150_000, 260_000, 900_000):
            call = _any_call(rng, provider, model, size, way)
            tariff = learnt(call, call.at, within_day=True)
            if tariff is None:
                continue
            dollars, rates = prices.dollars(call), tariff.rates(call)
            assert (dollars is None) == (rates is None)
            if rates is not None:
                assert dollars == _calc_price(call)
                held += 1
    assert held > 20


def _any_call(rng: random.Random, provider: str, model: str, size: int, way: Processing) -> Call:
    share = [rng.randrange(size // 4) for _ in range(3)]
    classes = {
        "cache_write_1h_tokens": share[1] // 2,
        "output_reasoning_tokens": 40,
        "input_audio_tokens": share[2],
        "cache_audio_read_tokens": share[0] // 3 if share[2] > share[0] else 0,
    }
    usage = Usage(size, rng.randrange(60, 900), share[0], share[1])
    at = NOVEMBER + rng.randrange(3600)
    return Call(model=model, provider=provider, usage=usage, classes=classes, processing=way, at=at)


def _calc_price(call: Call) -> Decimal:
    contexts: dict[Processing, dict[str, str] | None] = {
        "standard": None,
        "batch": {"processing": "batch"},
        "flex": {"service_tier": "flex"},
        "priority": {"service_tier": "priority"},
        "fast": {"service_tier": "fast", "speed": "fast"},
    }
    found = genai_prices.calc_price(
        asdict(call.usage) | dict(call.classes),
        call.model,
        provider_id=call.provider,
        genai_request_timestamp=datetime.fromtimestamp(call.at, UTC),
        price_context=contexts[call.processing],
    )
    return Decimal(found.total_price)


def test_prices_change_with_the_day_and_the_hour() -> None:
    prices = Prices()

    def dollars(model: str, *when: int) -> Decimal | None:
        at = datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]
        return prices.dollars(Call(model=model, usage=Usage(1_000_000), at=at))

    assert dollars("gpt-5.6-luna", 2026, 11, 1) is not None
    before, after = dollars("gpt-5.6-sol", 2026, 8, 20, 23), dollars("gpt-5.6-sol", 2026, 8, 21, 1)
    assert (before, after) == (Decimal(10), Decimal(8))
    night, day = dollars("deepseek-chat", 2025, 6, 1, 20), dollars("deepseek-chat", 2025, 6, 1, 9)
    assert night is not None
    assert day is not None
    assert night < day


def test_a_batch_is_not_billed_in_full_where_its_price_is_unknown() -> None:
    prices = Prices()

    def dollars(model: str, at: datetime, provider: str = "") -> Decimal | None:
        call = Call(
            model=model,
            provider=provider,
            usage=Usage(100_000),
            processing="batch",
            at=at.timestamp(),
        )
        return prices.dollars(call)

    known, unlisted = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    assert dollars("gpt-5-mini", known) == Decimal("0.0125")
    assert dollars("gpt-5-mini", unlisted) == Decimal("0.0125")  # same standard price since
    assert dollars("gpt-5.6-sol", datetime(2026, 8, 1, tzinfo=UTC)) is None  # another one then
    assert dollars("deepseek-chat", known) is None
    assert dollars("claude-haiku-4-5", known, "google") is None


def test_the_unknown_is_unpriced_and_only_a_cache_is_free() -> None:
    prices = Prices()
    own = Call(model="my-own", usage=Usage(100, 10))
    assert prices.dollars(own) is None
    assert prices.parts(own) is None
    assert "my-own" in prices.why_unpriced(own)
    hit = Call(model="my-own", usage=Usage(100, 10), answered_by_cache=True)
    assert prices.dollars(hit) == Decimal(0)
    assert prices.why_unpriced(hit) == ""
    assert prices.parts(hit) == Parts()
    local = Call(model="gpt-oss:20b", provider="ollama", usage=Usage(100, 10))
    assert prices.dollars(local) is None


def test_a_model_that_is_listed_without_a_price_is_unpriced() -> None:
    listed = genai_prices.calc_price(Usage(1000, 10), "gemma-3", provider_id="google")
    assert listed.total_price == 0
    call = Call(model="gemma-3", provider="google", usage=Usage(1000, 10))
    assert Prices().dollars(call) is None


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1e18, 1.79e18])
def test_an_impossible_time_is_unpriced_and_not_raised(at: float) -> None:
    assert Prices().dollars(Call(model="gpt-5-mini", usage=Usage(1000, 10), at=at)) is None


def test_a_fee_without_a_price_leaves_a_call_unpriced() -> None:
    searched = Call(model="mistral-large-latest", usage=Usage(10, 1), classes={"web_searches": 1})
    plain = Call(model="mistral-large-latest", usage=Usage(10, 1))
    prices = Prices()
    assert prices.dollars(plain) is not None
    assert prices.dollars(searched) is None
    assert "web_searches" in prices.why_unpriced(searched)


def test_models_of_embeddings_have_no_price_of_output() -> None:
    prices = Prices()
    model = "text-embedding-3-small"
    read = Call(model=model, provider="openai", usage=Usage(1_000_000))
    wrote = Call(model=model, provider="openai", usage=Usage(1_000_000, 5))
    assert prices.dollars(read) == Decimal("0.02")
    assert prices.dollars(wrote) is None


def test_classes_that_contradict_their_total_cost_no_more_than_it() -> None:
    all_of_it = Call(
        model="claude-haiku-4-5",
        usage=Usage(1000, 0, cache_write_tokens=600),
        classes={"cache_write_1h_tokens": 600},
        at=NOVEMBER,
    )
    more = Call(
        model="claude-haiku-4-5",
        usage=all_of_it.usage,
        classes={"cache_write_1h_tokens": 900},
        at=NOVEMBER,
    )
    assert Prices().dollars(more) == Prices().dollars(all_of_it) == Decimal("0.0016")


OWN = """
[models."llama-3.3-70b"]
gpu_hour = 2.4
parallel = 8

[models."GPT-5-mini"]
input = 0.2
output = 1.6
cache_read = 0.02
web_searches = 5
processing.batch = {input = 0.1, output = 0.8}

[models."writer"]
input = 1
output = 2
cache_write = 1.25
cache_write_1h = 2
"""


def test_own_prices_go_first(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(OWN)
    prices = Prices.load(file)
    million = Usage(1_000_000, 100_000, cache_read_tokens=500_000)
    assert prices.dollars(Call(model="gpt-5-mini", usage=million)) == Decimal("0.27")
    assert prices.dollars(Call(model="gpt-5-mini", usage=million, processing="batch")) == Decimal(
        "0.18"
    )
    assert prices.dollars(Call(model="gpt-5-mini", usage=million, processing="flex")) is None
    searched = Call(model="gpt-5-mini", usage=million, classes={"web_searches": 2})
    assert prices.dollars(searched) == Decimal("0.28")
    filed = Call(model="gpt-5-mini", usage=million, classes={"storage_searches": 2})
    assert prices.dollars(filed) is None
    written = Usage(1_000_000, cache_write_tokens=1_000_000)
    hour = Call(model="writer", usage=written, classes={"cache_write_1h_tokens": 400_000})
    assert prices.dollars(hour) == Decimal("1.55")
    seconds = Call(model="llama-3.3-70b", usage=million, seconds=12.0)
    assert prices.dollars(seconds) == Decimal("0.001")
    assert prices.parts(seconds) == Parts(other=Decimal("0.001"))
    assert prices.dollars(Call(model="llama-3.3-70b", usage=million)) is None
    assert Prices({"a": Price(1, 2)}).dollars(Call(model="a", usage=million)) == Decimal("1.2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models.a]\ninput = 1", "output"),
        ("[models.a]\ninput = 1\noutput = 1\ngpu_hour = 1", "gpu_hour"),
        ("[models.a]\ninput = -1\noutput = 1", "below 0"),
        ("[models.a]\ninput = 'x'\noutput = 1", "no number"),
        ("[models.a]\nprice = 1", "price"),
        ("[models.a]\ninput = 1\noutput = 1\nprocessing.slow = {input = 1, output = 1}", "slow"),
        ("[other]", "no prices"),
        ("[models", "no TOML"),
    ],
)
def test_prices_that_cannot_be(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_prices(file)


def test_what_is_no_price_is_refused() -> None:
    with pytest.raises(InputError, match="no price"):
        Prices({"a": 3})  # type: ignore[dict-item]
    assert OwnPrice(input="0.1", output=1).input == Decimal("0.1")
