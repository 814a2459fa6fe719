"""Which tier is asked, and why."""

from typing import Any

import pytest

from ragthrift import ContextOverflowError, InputError, Message, Passage, Price, Tier, Usage
from ragthrift.route import Ask, Attempt, Call, Outcome, Recovery, Router
from ragthrift.route.conversations import WARM_SECONDS, Conversations
from ragthrift.route.pricing import Pricing
from tests.route.running.fakes import (
    ALIKE,
    CHEAP,
    MIDDLE,
    STRONG,
    TIERS,
    WIDE,
    Expects,
    Providers,
    StatusError,
    asking,
)


def test_the_cheapest_answers_where_none_is_better() -> None:
    decision = Router(TIERS, model=ALIKE).choose(asking())
    assert decision.tier == CHEAP
    assert decision.kind == "choice"
    assert decision.propensity == 1.0


def test_the_strongest_answers_where_it_is_worth_it() -> None:
    decision = Router(TIERS, model=WIDE).choose(asking())
    assert decision.tier == STRONG
    assert dict(decision.qualities) == {"cheap": 0.2, "middle": 0.5, "strong": 0.9}
    costs = dict(decision.costs)
    assert costs["cheap"] < costs["middle"] < costs["strong"]


@pytest.mark.parametrize(
    ("lacking", "needs"),
    [
        ({"tools": False}, {"tools": {"menu": {}}}),
        ({"structured_output": False}, {"schema": {"type": "object"}}),
        ({"context_tokens": 50}, {"prompt_tokens": 60}),
        ({"context_tokens": 500}, {"prompt_tokens": 450, "max_tokens": 100}),
        ({"modalities": ("text",)}, {"modalities": ("text", "image")}),
    ],
)
def test_a_tier_that_cannot_is_not_asked(lacking: dict[str, Any], needs: dict[str, Any]) -> None:
    poor = Tier("cheap", "small", Price(0.1, 0.4), **lacking)
    rich = Tier("strong", "large", Price(3, 15), modalities=("text", "image"))
    router = Router([poor, rich], model=ALIKE)
    assert router.choose(asking()).tier == poor
    explained = router.explain(asking(**needs))
    assert explained.features["asks_what"] == 1.0
    assert explained.decision.tier == rich
    assert explained.decision.kind == "gate"
    assert "cheap cannot: " in str(explained)


@pytest.mark.parametrize("name", ["middle", "medium"])
def test_a_pinned_tier_is_the_only_one(name: str) -> None:
    decision = Router(TIERS, model=ALIKE).choose(asking(tier=name))
    assert (decision.tier, decision.kind) == (MIDDLE, "pinned")


def test_what_no_tier_can_do_is_said_at_once() -> None:
    router = Router(TIERS, model=ALIKE)
    with pytest.raises(InputError, match="pinned to unknown"):
        router.choose(asking(tier="unknown"))
    with pytest.raises(InputError, match="takes no image"):
        router.choose(asking(modalities=("text", "image")))


def test_a_prompt_that_was_counted_and_fits_nowhere_is_an_error() -> None:
    tiers = [Tier("cheap", "small", context_tokens=50), Tier("strong", "large", context_tokens=90)]
    with pytest.raises(ContextOverflowError) as caught:
        Router(tiers, model=ALIKE).choose(asking(prompt_tokens=100))
    assert (caught.value.needed, caught.value.window) == (100, 90)


def test_a_prompt_that_by_estimate_fits_nowhere_goes_to_the_largest_window() -> None:
    tiers = [Tier("cheap", "small", context_tokens=50), Tier("strong", "large", context_tokens=90)]
    decision = Router(tiers, model=ALIKE).choose(asking("word " * 200))
    assert decision.tier.name == "strong"


def test_passages_that_the_messages_hold_are_counted_once() -> None:
    pricing = Pricing(TIERS)
    passage = Passage("The canteen opens at nine. " * 20)
    without = pricing.prompt_tokens(Call([Message("user", "When?")]))
    beside = pricing.prompt_tokens(Call([Message("user", "When?")], [passage]))
    inside = pricing.prompt_tokens(Call([Message("user", f"{passage.text}When?")], [passage]))
    assert without < inside <= beside <= inside + 1


def test_prices_are_given_published_or_guessed() -> None:
    tiers = [
        Tier("own", "my-model", Price(0.1, 0.4)),
        Tier("between", "unheard-of"),
        Tier("known", "gpt-5"),
        Tier("beyond", "never-heard-of"),
    ]
    pytest.importorskip("genai_prices")
    pricing = Pricing(tiers)
    assert pricing.assumed == {"between", "beyond"}
    costs = [pricing.expected(tier, asking()) for tier in tiers]
    assert costs == sorted(costs)
    explained = str(Router(tiers).explain(asking()))
    assert "the price of between is a guess" in explained
    assert len(set(costs)) == 4
    assert pricing.bill(tiers[0], Usage(1_000_000, 0)) == pytest.approx(0.1)
    assert pricing.bill(tiers[1], Usage(1_000_000, 0)) is None
    assert pricing.bill(tiers[2], Usage(1_000_000, 0)) == pytest.approx(1.25)
    assert pricing.bill(tiers[0], None) is None


def test_published_prices_have_their_cached_price() -> None:
    pytest.importorskip("genai_prices")
    tier = Tier("known", "gpt-5")
    pricing = Pricing([tier])
    call = asking(prompt_tokens=10_000)
    cold = pricing.expected(tier, call)
    assert pricing.expected(tier, call, cached_tokens=9_000) < 0.95 * cold


def test_lengths_of_answers_are_learnt() -> None:
    pricing = Pricing(TIERS)
    before = pricing.expected(STRONG, asking())
    for _ in range(20):
        pricing.seen(STRONG, Usage(10, 4000))
    assert pricing.expected(STRONG, asking()) > 5 * before
    assert pricing.expected(STRONG, asking(max_tokens=10)) < before
    assert pricing.expected(CHEAP, asking()) == Pricing(TIERS).expected(CHEAP, asking())


def test_the_length_is_a_mean_of_the_latest_answers() -> None:
    free = Tier("strong", "large", Price(0.0, 1.0))
    pricing = Pricing([free])
    for tokens in (100, 300) * 10:
        pricing.seen(free, Usage(10, tokens))
    assert pricing.expected(free, asking()) == pytest.approx(200e-6)
    for _ in range(300):
        pricing.seen(free, Usage(10, 900))
    assert pricing.expected(free, asking()) == pytest.approx(900e-6, rel=0.02)


def test_a_warm_prompt_cache_keeps_a_conversation_where_it_is() -> None:
    tiers = [
        Tier("cheap", "small", Price(1.0, 4.0)),
        Tier("strong", "large", Price(2.0, 8.0, cache_read=0.2)),
    ]
    model = Expects({"cheap": 0.80, "strong": 0.82})
    router = Router(tiers, model=model)
    short, long = (Providers(strong=Attempt("At nine.", Usage(n, 10))) for n in (100, 10_000))
    needs: dict[str, Any] = {"prompt_tokens": 10_000, "conversation": "a"}
    assert router.choose(asking(**needs)).tier.name == "cheap"
    router.run(asking(**needs, tier="strong"), short)
    assert router.choose(asking(**needs)).tier.name == "cheap", "too few tokens are cached"
    router.run(asking(**needs, tier="strong"), long)
    assert router.choose(asking(**needs)).tier.name == "strong"
    assert router.choose(asking(**needs | {"conversation": "b"})).tier.name == "cheap"
    forgetful = Router(tiers, model=model, sticky=False)
    forgetful.run(asking(**needs, tier="strong"), long)
    assert forgetful.choose(asking(**needs)).tier.name == "cheap"


def test_a_prompt_cache_is_cold_after_a_while() -> None:
    now = [0.0]
    known = Conversations(clock=lambda: now[0])
    known.took("a", tier="cheap", tokens=900, question="When?", call=7)
    assert known.cached_tokens("a", "cheap") == 900
    assert known.cached_tokens("a", "strong") == known.cached_tokens("b", "cheap") == 0
    assert known.cached_tokens(None, "cheap") == 0
    now[0] = WARM_SECONDS + 1
    assert known.cached_tokens("a", "cheap") == 0
    assert known.asked_before("a", "When?") == 7


def test_a_dearer_and_worse_tier_is_reported_and_not_chosen() -> None:
    router = Router(TIERS, model=Expects({"cheap": 0.5, "middle": 0.95, "strong": 0.9}))
    assert router.choose(asking()).tier == MIDDLE
    ask = Ask("When?")
    router.fit([Outcome(ask, {"cheap": float(n % 4 > 0), "middle": 0.0}) for n in range(40)])
    (beaten,) = router.dominated
    assert (beaten.tier, beaten.by, beaten.worse) == ("middle", "cheap", 0.75)
    assert beaten.dearer == pytest.approx(10.0)
    assert router.choose(asking()).tier == STRONG
    assert router.choose(asking(tier="middle")).tier == MIDDLE
    assert "middle answers 0.750 worse than cheap" in str(router.explain(asking()))
    last = Providers(cheap=StatusError(500), strong=StatusError(500), middle="At nine.")
    assert router.run(asking(), last).tier == MIDDLE, "better than no answer"


def test_few_outcomes_or_close_ones_dominate_nobody() -> None:
    router = Router(TIERS, model=ALIKE)
    router.fit([Outcome(Ask("When?"), {"cheap": 1.0, "middle": 0.0})] * 29)
    assert router.dominated == ()
    close = [
        Outcome(Ask("?"), {"cheap": float(n < 18), "middle": float(n >= 18)}) for n in range(34)
    ]
    router.fit(close)
    assert router.dominated == ()


def test_a_model_that_fails_leaves_the_strongest() -> None:
    broken = Expects({})
    router = Router(TIERS, model=broken)
    decision = router.choose(asking())
    assert (decision.tier, decision.kind) == (STRONG, "gate")
    assert router.failures == {"quality_model": 1}
    with pytest.raises(KeyError):
        Router(TIERS, model=broken, on_error="raise").choose(asking())


def test_routers_that_cannot_work_are_refused() -> None:
    with pytest.raises(InputError, match="at least one tier"):
        Router([])
    with pytest.raises(InputError, match=r"\['cheap'\] name more than one tier"):
        Router([CHEAP, CHEAP])
    with pytest.raises(InputError, match="more than one tier"):
        Router(TIERS, recovery=Recovery({"cheap": [STRONG]}))
    with pytest.raises(InputError, match="fallbacks are given for"):
        Router(TIERS, recovery=Recovery({"other": [Tier("a", "b")]}))
    with pytest.raises(InputError, match="needs a log"):
        Router(TIERS, shadow_share=0.1)
    with pytest.raises(InputError, match="from 0 to 1"):
        Router(TIERS, shadow_share=1.1, log=":memory:")
    with pytest.raises(InputError, match="'pass' or 'raise'"):
        Router(TIERS, on_error="ignore")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Price"):
        Tier("cheap", "small", 0.1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="none below 0"):
        Price(-1, 2)
