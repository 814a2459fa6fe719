"""What a ledger teaches about the length of answers."""

import random

import pytest

from ragthrift import InputError, Usage
from ragthrift.ledger import Call
from ragthrift.prompt.output import OutputBudget
from ragthrift.prompt.output.learning import Lengths


def call(output: int, *, thought: int = 0, cut: bool = False, kind: str = "faq") -> Call:
    return Call(
        model="m",
        usage=Usage(1000, output + thought),
        classes={"output_reasoning_tokens": thought} if thought else {},
        request_type=kind,
        finish_reason="length" if cut else "stop",
    )


def test_the_limit_is_the_percentile_and_the_words_are_the_median() -> None:
    budget = OutputBudget.learn(call(n) for n in range(1, 201))
    allowed = budget.allowances["faq"]
    assert allowed.answer_tokens == 238  # 190 and a quarter of it
    assert allowed.words == 80  # 100 tokens, rounded up
    assert allowed.max_tokens == 238


def test_cut_answers_do_not_shrink_the_limit() -> None:
    """True lengths up to 400, cut at 120: taken as they stand they would teach 120."""
    rng = random.Random(1)
    lengths = [rng.randint(20, 400) for _ in range(2000)]
    whole = OutputBudget.learn(map(call, lengths)).allowances["faq"]
    cut = [call(n) if i % 2 else call(min(n, 120), cut=n > 120) for i, n in enumerate(lengths)]
    learnt = OutputBudget.learn(cut).allowances["faq"]
    assert whole.max_tokens is not None
    assert learnt.max_tokens is not None
    assert abs(learnt.max_tokens - whole.max_tokens) < 0.05 * whole.max_tokens


def test_where_most_are_cut_there_is_no_limit_and_a_reason() -> None:
    allowed = OutputBudget.learn(call(min(n, 100), cut=n > 100) for n in range(1, 201))
    assert allowed.allowances["faq"].max_tokens is None
    assert "100 of 200 answers were cut off" in allowed.allowances["faq"].reason


def test_thinking_has_room_of_its_own() -> None:
    budget = OutputBudget.learn(call(100, thought=900) for _ in range(60))
    allowed = budget.allowances["faq"]
    assert (allowed.answer_tokens, allowed.reasoning_tokens) == (125, 1125)
    assert allowed.max_tokens == 1250


def test_a_call_that_thought_until_the_limit_says_nothing_about_answers_being_short() -> None:
    calls = [call(100, thought=900) for _ in range(60)]
    calls += [call(0, thought=300, cut=True) for _ in range(30)]
    allowed = OutputBudget.learn(calls).allowances["faq"]
    assert (allowed.answer_tokens, allowed.reasoning_tokens) == (125, 1125)


def test_few_calls_teach_nothing() -> None:
    allowed = OutputBudget.learn(call(50) for _ in range(20)).allowances["faq"]
    assert (allowed.words, allowed.max_tokens) == (None, None)
    assert allowed.reason == "20 calls, 50 are needed"


def test_what_is_no_answer_is_left_out() -> None:
    calls = [call(100) for _ in range(60)]
    more = [
        Call(model="m", usage=Usage(10, 5000), request_type="faq", **differing)
        for differing in (
            {"purpose": "repair"},
            {"answered_by_cache": True},
            {"error": "TimeoutError"},
            {"finish_reason": "tool_calls"},
        )
        for _ in range(60)
    ]
    assert OutputBudget.learn(calls + more).allowances["faq"].answer_tokens == 125


def test_types_are_learnt_apart() -> None:
    calls = [call(20) for _ in range(60)] + [call(800, kind="report") for _ in range(60)]
    allowed = OutputBudget.learn(calls).allowances
    assert (allowed["faq"].answer_tokens, allowed["report"].answer_tokens) == (25, 1000)


def test_lengths_without_cuts_have_ordinary_quantiles() -> None:
    lengths = Lengths()
    for n in range(1, 101):
        lengths.add(n)
    assert [lengths.quantile(share) for share in (0.01, 0.5, 0.95, 1.0)] == [1, 50, 95, 100]


def test_sizes_that_cannot_work_are_refused() -> None:
    with pytest.raises(InputError, match="in this order"):
        OutputBudget.learn([], percentile=0.5, target=0.9)
