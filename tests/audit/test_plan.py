"""Levers multiply, they do not add; what does not pay is not advised."""

from dataclasses import replace

import pytest

from ragthrift import Usage
from ragthrift.audit import Audit, audit
from ragthrift.audit.bill import LEVELS, bill_of
from ragthrift.audit.demo import demo_calls
from ragthrift.audit.levers import Evidence, fitted
from ragthrift.ledger import Call
from ragthrift.ledger.pricing import Prices

CALLS = list(demo_calls(2000))


@pytest.fixture(scope="module")
def found() -> Audit:
    return audit(CALLS)


def test_a_bill_is_what_was_billed() -> None:
    prices = Prices()
    calls = [call for call in CALLS if not call.answered_by_cache and prices.dollars(call)]
    bill = bill_of(calls, prices)
    paid = [float(prices.dollars(call) or 0) for call in calls]
    assert bill.dollars == pytest.approx(paid)


def test_together_is_less_than_the_sum_and_more_than_each(found: Audit) -> None:
    plan = found.plan
    assert plan.together.expected < plan.added_up
    best = max(projection.dollars.expected for projection in plan.projections)
    assert best < plan.together.expected < found.coverage.dollars
    steps = sum(step.dollars.expected for step in plan.steps)
    assert steps == pytest.approx(plan.together.expected)
    assert plan.steps[-1].left.expected == pytest.approx(found.coverage.dollars - steps)


def test_ranges_hold_what_is_expected(found: Audit) -> None:
    spans = [projection.dollars for projection in found.plan.projections]
    spans += [step.dollars for step in found.plan.steps]
    spans += [step.left for step in found.plan.steps] + [found.plan.together]
    assert all(span.low <= span.expected <= span.high for span in spans)


def test_steps_come_by_dollars_times_confidence(found: Audit) -> None:
    known = {projection.lever: projection for projection in found.plan.projections}
    first, second = (known[step.lever] for step in found.plan.steps[:2])
    assert first.confidence * first.dollars.expected >= second.confidence * second.dollars.expected


def test_overlaps_are_named(found: Audit) -> None:
    known = {projection.lever: projection for projection in found.plan.projections}
    assert "compression" in dict(known["rerank and trim"].overlaps)
    assert "output limits" not in dict(known["rerank and trim"].overlaps)


def test_what_does_not_pay_is_told_and_is_no_step(found: Audit) -> None:
    lever = next(one for one in found.plan.projections if one.lever == "self-hosting")
    assert lever.dollars.expected < 0
    assert "self-hosting" not in {step.lever for step in found.plan.steps}


def test_each_lever_names_its_line_its_risk_and_what_it_assumes(found: Audit) -> None:
    for projection in found.plan.projections:
        assert projection.code.endswith(")")
        assert projection.assumes
        assert projection.caution
        assert projection.confidence > 0


def test_no_lever_makes_tokens_or_shares_negative() -> None:
    prices = Prices()
    calls = [call for call in CALLS if not call.answered_by_cache and prices.dollars(call)]
    bill = bill_of(calls, prices)
    levers = fitted(Evidence((tuple(calls),), bill, prices, 3.0, 1.0))
    assert levers
    for level in LEVELS:
        after = bill
        for lever in levers:
            after = lever.apply(after, level)
        assert (after.tokens >= 0).all()
        assert (after.output >= 0).all()
        assert (after.dollars >= -1e-12).all()
        assert (after.read + after.write <= 1 + 1e-9).all()


def test_calls_of_which_only_totals_are_known_still_give_levers() -> None:
    calls = [replace(call, segments=()) for call in CALLS]
    names = {projection.lever for projection in audit(calls).plan.projections}
    assert {"output limits", "routing", "semantic cache", "batch"} <= names
    assert not {"prompt caching", "compression", "rerank and trim", "memory"} & names


def test_a_single_call_is_no_reason_to_fail() -> None:
    found = audit([Call(model="gpt-5-mini", usage=Usage(10, 0), at=1.7936e9)])
    assert found.coverage.dollars > 0


def test_projections_do_not_hang_on_the_sample() -> None:
    """A ledger of which a part is looked at gives about what all of it gives."""
    calls = list(demo_calls(9000))
    whole = audit(calls)
    from ragthrift.audit import sample

    assert len(calls) > sample.BLOCKS * sample.BLOCK
    half = audit(calls[:4500])
    share = [one.plan.together.expected / one.coverage.dollars for one in (whole, half)]
    assert share[0] == pytest.approx(share[1], abs=0.1)
