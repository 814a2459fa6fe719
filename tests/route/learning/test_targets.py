import threading
from dataclasses import dataclass

import numpy as np
import pytest

from ragthrift.errors import InputError
from ragthrift.route import Ask, Budget, Outcome, Quality
from ragthrift.route.choice import choose, choose_each, rate_for
from ragthrift.route.controller import Controller
from ragthrift.route.learned import LearnedQuality
from ragthrift.route.targets import calibrate, rate_of
from tests.route.learning.questions import outcomes

COSTS = (0.0, 1.0)
TIERS = ("cheap", "strong")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def replay(controller: Controller, gains: np.ndarray) -> float:
    """The share of calls that the strong tier got."""
    strong = 0
    for gain in gains:
        qualities = (0.5, 0.5 + float(gain))
        at = 0 if controller.exhausted() else choose(qualities, COSTS, controller.rate(COSTS))
        controller.spent(COSTS[at], qualities=qualities, costs=COSTS)
        strong += at
    return strong / len(gains)


def test_each_row_is_chosen_as_one_is() -> None:
    random = np.random.default_rng(0)
    qualities, costs = random.random((200, 4)), random.random((200, 4))
    for rate in (0.0, 0.3, 1.0, 10.0):
        alone = [choose(q, c, rate) for q, c in zip(qualities, costs, strict=True)]
        assert choose_each(qualities, costs, rate).tolist() == alone


def test_the_cheaper_of_equals_and_only_what_is_allowed() -> None:
    assert choose([0.9, 0.9], [2.0, 1.0], 0.0) == 1
    assert choose([0.1, 0.9], COSTS, 0.0, allowed=[0]) == 0


def test_the_rate_spends_what_may_be_spent_and_no_more() -> None:
    random = np.random.default_rng(1)
    qualities = np.sort(random.random((500, 3)), axis=1)
    costs = np.tile([0.1, 0.3, 1.0], (500, 1))
    for dollars in (0.1, 0.2, 0.5, 0.8):
        places = choose_each(qualities, costs, rate_for(qualities, costs, dollars))
        spent = costs[np.arange(500), places].mean()
        assert dollars - 0.005 < spent <= dollars + 1e-9


@pytest.mark.parametrize(
    "wrong", [{}, {"share": 0.5, "usd_per_day": 1.0}, {"share": 1.5}, {"usd_per_day": 0.0}]
)
def test_a_budget_says_one_thing(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="Budget"):
        Budget(**wrong)


def test_calibration_holds_on_questions_not_seen() -> None:
    seen, unseen = outcomes(400), outcomes(800, seed=7)
    rate = calibrate(Budget(share=0.3), seen, LearnedQuality(), TIERS, COSTS)
    model = LearnedQuality().fit(seen)
    expected = np.array([model.expected(one.ask, TIERS) for one in unseen])
    chosen = choose_each(expected, np.tile(COSTS, (len(unseen), 1)), rate.per_dollar)
    assert abs(chosen.mean() - 0.3) < 0.08
    assert abs(rate.share - 0.3) < 0.01


def test_a_quality_is_kept_as_often_as_it_is_sure() -> None:
    kept = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        chance = random.random(3_000)
        expected = np.stack([1 - 0.5 * chance, np.full(3_000, 0.95)], axis=1)
        seen = (random.random((3_000, 2)) < expected).astype(float)
        costs = np.tile(COSTS, (3_000, 1))
        rate = rate_of(Quality(0.95, confidence=0.9), expected[:1_000], seen[:1_000], costs[:1_000])
        places = choose_each(expected[1_000:], costs[1_000:], rate.per_dollar)
        true = expected[1_000:][np.arange(2_000), places].mean() / 0.95
        kept += true >= 0.95
        assert true < 0.99
    assert kept >= 33


def test_a_quality_out_of_reach_asks_the_strongest() -> None:
    expected = np.tile([0.9, 0.1], (50, 1))
    seen = np.tile([0.0, 1.0], (50, 1))
    rate = rate_of(Quality(0.98), expected, seen, np.tile(COSTS, (50, 1)))
    assert rate.per_dollar == 0.0


def test_too_few_outcomes_and_no_traffic_say_what_to_do() -> None:
    with pytest.raises(InputError, match="shadow_share"):
        calibrate(Budget(share=0.3), outcomes(5), LearnedQuality(), TIERS, COSTS)
    with pytest.raises(InputError, match="calls_per_day"):
        calibrate(Budget(usd_per_day=3.0), outcomes(40), LearnedQuality(), TIERS, COSTS)


def test_an_outcomes_own_costs_come_before_typical_ones() -> None:
    seen = [
        Outcome(Ask(f"Is {n} odd?"), {"cheap": 0.5, "strong": 1.0}, costs={"strong": 4.0})
        for n in range(40)
    ]
    rate = calibrate(Budget(share=1.0), seen, LearnedQuality(), TIERS, COSTS)
    assert rate.share == pytest.approx(1.0)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_a_budget_holds_though_traffic_shifts(share: float) -> None:
    random = np.random.default_rng(3)
    controller = Controller(Budget(share=share))
    for low, high in ((0.0, 0.2), (0.1, 0.15), (0.3, 0.9), (0.0, 0.05)):
        spent = replay(controller, random.uniform(low, high, 1_500))
        assert abs(spent - share) < 0.015


def test_no_stretch_of_calls_spends_more_than_the_cap() -> None:
    controller = Controller(Budget(share=0.2))
    replay(controller, np.full(500, 0.01))
    assert replay(controller, np.linspace(0.02, 1.0, 200)) * 200 <= 0.2 * 200 + 26


def test_a_day_never_costs_more_than_its_dollars() -> None:
    clock, random = Clock(), np.random.default_rng(5)
    controller = Controller(Budget(usd_per_day=50.0), clock=clock)
    for day in range(4):
        strong = 0.0
        calls = (400, 200, 900, 400)[day]
        for call in range(calls):
            clock.now = (day + call / calls) * 86_400.0
            strong += replay(controller, random.random(1))
        assert strong <= 50.0
        if day:
            assert strong > 35.0


def test_the_same_traffic_moves_the_rate_the_same_way() -> None:
    gains = np.random.default_rng(8).random(300)
    one, other = Controller(Budget(share=0.4)), Controller(Budget(share=0.4))
    assert replay(one, gains) == replay(other, gains)
    assert one.rate(COSTS) == other.rate(COSTS)


def test_threads_lose_no_call() -> None:
    controller = Controller(Budget(share=0.3))
    gains = np.random.default_rng(2).random((4, 400))
    spent: list[float] = []
    threads = [
        threading.Thread(target=lambda g=g: spent.append(replay(controller, g))) for g in gains
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert abs(sum(spent) / 4 - 0.3) < 0.03


def test_a_quality_needs_a_measured_rate() -> None:
    with pytest.raises(InputError, match="calibrate"):
        Controller(Quality())


@pytest.mark.parametrize("times", [0.01, 1.0, 50.0])
def test_a_rate_from_outcomes_without_costs_holds_for_calls_of_any_length(times: float) -> None:
    usual = (0.001, 0.02)
    rate = calibrate(Quality(0.9), outcomes(200), LearnedQuality(), TIERS, usual)
    controller, gains = Controller(Quality(0.9), rate), np.linspace(0, 1, 50)
    costs = (usual[0] * times, usual[1] * times)
    chosen = [choose((0.0, gain), costs, controller.rate(costs)) for gain in gains]
    assert chosen == [choose((0.0, gain), usual, rate.per_dollar) for gain in gains]
    assert set(chosen) == {0, 1}
