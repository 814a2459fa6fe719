"""What a budget is said to save, against what it does save."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from ragthrift import Price, Usage
from ragthrift.ledger import Call
from ragthrift.prompt.output import Allowance, OutputBudget
from ragthrift.prompt.output.trial import Trial, t_quantile


def test_single_calls_give_welchs_interval() -> None:
    rng = np.random.default_rng(0)
    treated, control = rng.integers(40, 90, 60), rng.integers(60, 200, 15)
    trial = Trial()
    for n, tokens in enumerate(treated):
        trial.add("faq", f"t{n}", held_out=False, output=int(tokens))
    for n, tokens in enumerate(control):
        trial.add("faq", f"c{n}", held_out=True, output=int(tokens))
    interval = stats.ttest_ind(control, treated, equal_var=False).confidence_interval(0.95)
    found = trial.saving().per_call
    assert found is not None
    assert found.value == pytest.approx(control.mean() - treated.mean())
    assert (found.low, found.high) == pytest.approx(tuple(interval), rel=1e-3)


def test_the_quantile_is_students() -> None:
    for freedom in (4, 7.5, 30, 1000):
        assert t_quantile(0.975, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.005)


def conversations(rng: random.Random, budget: OutputBudget, tokens: float) -> None:
    """Chatty and terse users, whose calls are alike; a budget takes `tokens` from each answer."""
    for n in range(150):
        name, usual = f"{rng.random()}-{n}", rng.gauss(200, 60)
        held = budget.held_out(name)
        for _ in range(rng.randint(1, 12)):
            wrote = max(1, round(rng.gauss(usual, 15) - (0 if held else tokens)))
            budget.asking("faq", name).again("stop", Usage(900, wrote))


def test_the_interval_holds_the_truth_although_calls_of_a_conversation_are_alike() -> None:
    """Calls taken one by one would make it far too narrow."""
    rng, held = random.Random(7), 0
    for _ in range(200):
        budget = OutputBudget({"faq": Allowance.of(100)}, holdout=0.3)
        conversations(rng, budget, 50)
        per_call = budget.saving().per_call
        assert per_call is not None
        held += per_call.low <= 50 <= per_call.high
    assert held >= 182  # 91 of 100, where 95 are promised


def test_dollars_are_net_of_the_instruction() -> None:
    budget = OutputBudget({"faq": Allowance.of(100)}, holdout=0.5)
    for n in range(400):
        asking = budget.asking("faq", f"{n}")
        asking.again("stop", Usage(900, 100 if asking.instruction else 200))
    saving = budget.saving(Price(1.0, 10.0))
    assert saving.tokens is not None
    assert saving.dollars is not None
    assert saving.tokens.value == pytest.approx(100 * saving.calls)
    instructions = saving.added_input_tokens / saving.calls
    assert 10 < instructions < 25
    expected = saving.calls * (100 * 10 - instructions * 1) / 1e6
    assert saving.dollars.value == pytest.approx(expected)
    assert saving.share == pytest.approx(0.5)
    assert budget.saving().dollars is None


def test_second_tries_eat_the_saving() -> None:
    budget = OutputBudget({"faq": Allowance(answer_tokens=50)}, holdout=0.5, retry=True)
    for n in range(200):
        asking = budget.asking("faq", f"{n}")
        if asking.plan.held_out or asking.again("length", Usage(900, 50)):
            asking.again("stop", Usage(900, 100))
    saving = budget.saving(Price(1.0, 10.0))
    assert saving.per_call is not None
    assert saving.per_call.value == pytest.approx(-50)
    assert saving.added_input_tokens == 900 * saving.calls
    assert saving.dollars is not None
    assert saving.dollars.high < 0


def test_types_are_compared_with_their_own_kind() -> None:
    """Were long reports drawn into one group only, a plain difference of means would lie."""
    trial = Trial()
    for n in range(100):
        trial.add("faq", f"a{n}", held_out=n % 2 == 0, output=50 + n % 3)
        trial.add("report", f"b{n}", held_out=n % 10 == 0, output=900 + n % 7)
    trial.add("poem", "c", held_out=False, output=10_000)
    saving = trial.saving()
    assert saving.per_call is not None
    assert abs(saving.per_call.value) < 2
    assert saving.unmeasured == 1


def test_few_conversations_say_nothing() -> None:
    trial = Trial()
    for n in range(50):
        trial.add("faq", f"{n}", held_out=n < 4, output=100)
    saving = trial.saving(Price(1, 1))
    assert (saving.tokens, saving.share, saving.dollars) == (None, None, None)
    assert (saving.calls, saving.held_out) == (46, 4)


def test_a_ledger_tells_the_same_by_its_sessions() -> None:
    budget = OutputBudget({"faq": Allowance.of(100)}, holdout=0.4)

    def calls() -> Iterator[Call]:
        for n in range(300):
            session = f"s{n}"
            wrote = 300 if budget.held_out(session) else 120
            usage = Usage(900, wrote)
            budget.asking("faq", session).again("stop", usage)
            yield Call(model="m", usage=usage, request_type="faq", session=session)
            yield Call(model="m", usage=Usage(900, 9000), request_type="faq")

    told = budget.saving(calls=list(calls())).tokens
    assert told == budget.saving().tokens
    assert told is not None


def test_learning_anew_from_who_went_without_does_not_spiral() -> None:
    budget = OutputBudget.learn(
        Call(model="m", usage=Usage(900, n), request_type="faq", finish_reason="stop")
        for n in range(100, 300)
    )
    since = [
        Call(
            model="m",
            usage=Usage(900, 200 if budget.held_out(f"{n}") else 60),
            request_type="faq",
            finish_reason="stop",
            session=f"{n}",
        )
        for n in range(3000)
    ]
    again = OutputBudget.learn(budget.without_budget(since))
    assert again.allowances["faq"].words == budget.allowances["faq"].words
    assert OutputBudget.learn(since).allowances["faq"].words != budget.allowances["faq"].words
