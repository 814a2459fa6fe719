"""The router holds what it is told to hold, with the models and the controller it comes with."""

import random

import pytest

from ragthrift import InputError
from ragthrift.route import Ask, Attempt, Budget, Call, Outcome, OutcomeLog, Quality, Router
from ragthrift.types import Tier
from ragthrift.usage import Usage
from tests.route.running.fakes import (
    ALIKE,
    CHEAP,
    STRONG,
    TIERS,
    TWO,
    WIDE,
    Expects,
    Providers,
    asking,
)

HARD = "Prove that the sum of {n} consecutive odd numbers is a square, and derive the formula."
EASY = "When does canteen {n} open?"


def said(tier: Tier, call: Call) -> Attempt:
    return Attempt("It opens.", Usage(200, 50))


class Guesses(Expects):
    """Gains that vary from question to question."""

    def expected(self, ask: Ask, tiers: object) -> tuple[float, ...]:
        gain = random.Random(ask.question).random()
        return (0.5, 0.5 + gain / 2)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7])
def test_a_budget_is_held_without_any_label(share: float) -> None:
    router = Router(TWO, target=Budget(share=share), model=Guesses({}))
    runs = [router.run(asking(f"Number {n}?", prompt_tokens=200), said) for n in range(600)]
    strong = sum(routed.tier == STRONG for routed in runs[100:]) / 500
    assert strong == pytest.approx(share, abs=0.06)


def test_a_budget_is_held_where_prices_are_guesses() -> None:
    unheard = [Tier("cheap", "unheard-of"), Tier("strong", "never-heard-of")]
    router = Router(unheard, target=Budget(share=0.3), model=Guesses({}))
    runs = [router.run(asking(f"Number {n}?", prompt_tokens=200), said) for n in range(400)]
    assert {routed.dollars for routed in runs} == {None}
    strong = [routed.tier is not None and routed.tier.name == "strong" for routed in runs[100:]]
    assert sum(strong) / 300 == pytest.approx(0.3, abs=0.08)


def test_a_budget_is_a_ceiling_where_every_question_would_gain() -> None:
    router = Router(TWO, target=Budget(share=0.3), model=WIDE)
    taken = [router.run(asking(f"Number {n}?", prompt_tokens=200), said) for n in range(400)]
    assert 0 < sum(routed.tier == STRONG for routed in taken) <= 0.4 * len(taken)


def test_a_quality_is_kept_by_the_strongest_until_it_is_calibrated() -> None:
    router = Router(TWO, target=Quality(at_least=0.95), model=WIDE)
    assert router.choose(asking()).tier == STRONG


def test_a_quality_is_calibrated_on_what_was_logged() -> None:
    known = [
        Outcome(Ask(text.format(n=n)), {"cheap": cheap, "strong": 1.0})
        for n in range(150)
        for text, cheap in ((HARD, 0.0), (EASY, 1.0))
    ]
    router = Router(TWO)
    router.fit(known)
    rate = router.calibrate(Quality(at_least=0.95, confidence=0.9), known)
    assert rate.quality >= 0.95
    assert rate.share < 0.9
    assert router.choose(asking(HARD.format(n=999))).tier == STRONG
    assert router.choose(asking(EASY.format(n=999))).tier == CHEAP


def test_what_was_compared_teaches_which_answers_go_up() -> None:
    sure, unsure = "It is {n}.", "I am not certain, perhaps it is {m}, or so it seems to me."
    log = OutcomeLog()
    with Router(TWO, model=ALIKE, log=log, shadow_share=1.0) as router:
        for n in range(200):
            text = unsure if n % 2 else sure
            providers = Providers(cheap=text.format(n=n, m=n + 1), strong=sure.format(n=n))
            router.run(asking(f"Which number follows {n - 1}?"), providers)
            router.settle()
        router.fit(log.outcomes())
        for text, tier in ((sure, CHEAP), (unsure, STRONG)):
            providers = Providers(cheap=text.format(n=500, m=501), strong=sure.format(n=500))
            assert router.run(asking("Which number follows 499?"), providers).tier == tier


def test_few_outcomes_calibrate_nothing() -> None:
    with pytest.raises(InputError, match="at least 20"):
        Router(TIERS, model=ALIKE).calibrate(Quality(), [])


def test_a_day_one_router_sends_easy_questions_down_and_hard_ones_up() -> None:
    router = Router(TWO)
    easy, hard = (router.choose(asking(text.format(n=7))) for text in (EASY, HARD))
    gaps = [dict(one.qualities)["strong"] - dict(one.qualities)["cheap"] for one in (easy, hard)]
    assert gaps[0] < gaps[1]
    assert easy.tier == CHEAP
