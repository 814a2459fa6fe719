"""One pass finds what a slow look at all calls finds."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from ragthrift import InputError, Savings, Usage
from ragthrift.audit import Audit, audit
from ragthrift.audit.demo import demo_calls
from ragthrift.audit.distribution import Distribution
from ragthrift.audit.documents import DocumentSums
from ragthrift.audit.questions import Questions
from ragthrift.audit.sample import Stretches
from ragthrift.ledger import Call, Segment
from ragthrift.ledger.pricing import Prices
from ragthrift.ledger.signature import signature

AT = 1_793_577_600.0
CALLS = list(demo_calls(1500))


@pytest.fixture(scope="module")
def found() -> Audit:
    return audit(CALLS)


def asked(text: str, dollars: int = 1, request_type: str = "faq") -> Call:
    return Call(
        model="gpt-5-mini",
        usage=Usage(100 * dollars, 10),
        request_type=request_type,
        question=signature(text),
        at=AT,
    )


def test_every_dollar_is_in_each_table_once(found: Audit) -> None:
    prices = Prices()
    whole = sum((prices.dollars(call) or Decimal(0) for call in CALLS), Decimal(0))
    assert found.coverage.dollars == pytest.approx(float(whole), abs=1e-9)
    assert sum(row.dollars for row in found.types) == pytest.approx(float(whole))
    assert sum(row.dollars for row in found.sources) == pytest.approx(float(whole))
    assert sum(dollars for _, _, dollars in found.coverage.models) == pytest.approx(float(whole))
    assert found.types[-1].cumulative == pytest.approx(1)
    assert all(one.dollars >= other.dollars for one, other in pairwise(found.types))


def test_what_a_cache_answered_is_not_billed(found: Audit) -> None:
    hits = [call for call in CALLS if call.answered_by_cache]
    assert found.coverage.by_cache == len(hits) > 0
    assert found.coverage.calls == len(CALLS)
    missed = [replace(call, answered_by_cache=False) for call in hits]
    assert found.coverage.by_cache_dollars == pytest.approx(audit(missed).coverage.dollars)


def test_an_unknown_price_is_named_and_never_0(found: Audit) -> None:
    ((model, calls),) = found.coverage.unpriced_models
    assert calls == sum(call.model == model for call in CALLS) > 0
    row = next(row for row in found.types if row.name == "router")
    assert row.dollars_per_call is None
    assert row.unpriced == calls


def test_tokens_cost_what_their_place_in_the_cache_says() -> None:
    parts = Segment("system", "a", 100), Segment("document", "b", 200), Segment("question", "c", 50)
    usage = Usage(350, 0, cache_read_tokens=100, cache_write_tokens=150)
    call = Call(model="claude-sonnet-4-5", usage=usage, segments=parts, at=AT)
    dollars = {row.name: row.dollars * 1e6 for row in audit([call]).sources}
    assert dollars["system"] == pytest.approx(100 * 0.3)
    assert dollars["documents"] == pytest.approx(150 * 3.75 + 50 * 3)
    assert dollars["question"] == pytest.approx(50 * 3)


def test_calls_that_answer_nobody_are_sources_of_their_own() -> None:
    call = Call(model="gpt-5-mini", usage=Usage(1000, 10), purpose="judge", at=AT)
    assert [row.name for row in audit([call]).sources] == ["calls for judge"]


def test_quantiles_are_told_to_within_one_percent() -> None:
    random = Random(1)
    amounts = sorted(round(random.lognormvariate(6, 1)) for _ in range(20_001))
    lengths = Distribution()
    for amount in amounts:
        lengths.add(amount)
    for share in (0.05, 0.5, 0.95, 0.99):
        assert lengths.quantile(share) == pytest.approx(amounts[round(share * 20_000)], rel=0.0105)
    assert lengths.mean == pytest.approx(sum(amounts) / len(amounts))
    assert Distribution().quantile(0.5) == 0
    with pytest.raises(InputError, match="share"):
        lengths.quantile(2)


def test_repeated_questions_by_type() -> None:
    calls = [
        asked("When does the canteen open today?"),
        asked("when does the canteen open today", 3),
        asked("When does the canteen open, today?", 2),
        asked("Who was the first woman on the moon?"),
        asked("When does the canteen open today?", request_type="other"),
    ]
    (row,) = [row for row in audit(calls).questions if row.request_type == "faq"]
    assert (row.calls, row.equal, row.near) == (4, 1 + (row.near == 0), row.near)
    assert row.equal + row.near == 2
    again = sum(audit([call]).coverage.dollars for call in calls[1:3])
    assert row.equal_dollars + row.near_dollars == pytest.approx(again)


def test_many_questions_are_sampled_and_repetition_is_still_told() -> None:
    questions = Questions(most=500)
    random = Random(4)
    texts = [f"{random.getrandbits(60):x} {random.getrandbits(60):x}?" for _ in range(4000)]
    for text in [*texts, *texts, *texts]:
        questions.add(asked(text), 0.5)
    (row,) = questions.rows()
    assert row.sampled < 0.2
    assert row.calls == 12_000
    assert row.equal == pytest.approx(8000, rel=0.02)
    assert row.equal_dollars == pytest.approx(4000, rel=0.02)


def test_questions_in_conversations_are_nobody_elses() -> None:
    call = replace(
        asked("Why?"), segments=(Segment("history", "a", 9), Segment("question", "b", 1))
    )
    found = audit([call, call])
    assert found.questions == ()
    assert found.questions_in_conversations == 2


def test_documents_against_a_slow_count(found: Audit) -> None:
    sent = [s for c in CALLS if not c.answered_by_cache for s in c.segments if s.kind == "document"]
    counts = Counter(segment.digest for segment in sent)
    tokens = {segment.digest: segment.tokens for segment in sent}
    documents = found.documents
    assert documents is not None
    assert documents.sent == len(sent)
    assert documents.different == len(counts)
    whole = sum(segment.tokens for segment in sent)
    assert documents.repeated_share == pytest.approx(1 - sum(tokens.values()) / whole)
    unused = sum(segment.tokens for segment in sent if not segment.used)
    assert documents.unused_share == pytest.approx(unused / whole)
    dearest = max(counts, key=lambda one: counts[one] * tokens[one])
    assert documents.hottest[0].tokens == counts[dearest] * tokens[dearest]


def test_many_documents_are_sampled() -> None:
    sums = DocumentSums(most=300)
    for number in range(4000):
        one = Segment.of("document", f"text {number % 2000}", tokens=10)
        sums.add(Call(model="m", usage=Usage(10), segments=(one,)))
    report = sums.report()
    assert report is not None
    assert report.sampled < 1
    assert report.different == pytest.approx(2000, rel=0.25)
    assert report.repeated_share == pytest.approx(0.5)


def test_a_document_twice_in_one_prompt() -> None:
    one, other = (Segment.of("document", text, tokens=30) for text in "ab")
    call = Call(model="gpt-5-mini", usage=Usage(90), segments=(one, other, one), at=AT)
    documents = audit([call]).documents
    assert documents is not None
    assert documents.doubled_share == pytest.approx(1 / 3)


def test_prefixes_name_the_first_difference() -> None:
    rules = Segment.of("system", "Rules", tokens=80)
    calls = [
        Call(
            model="gpt-5-mini",
            usage=Usage(100),
            segments=(rules, Segment.of("question", f"{n}", tokens=20)),
            at=AT + n,
        )
        for n in range(5)
    ]
    (row,) = audit(calls).prefixes
    assert row.stable_share == pytest.approx(0.8)
    assert row.differs_in == (("question", 1.0),)


def test_stretches_have_no_gaps_and_are_kept_alike() -> None:
    kept = Counter[int]()
    for seed in range(300):
        stretches = Stretches(blocks=3, size=4, seed=seed)
        for number in range(40):
            stretches.add(Call(model="m", usage=Usage(1), at=float(number)))
        for stretch in stretches.stretches():
            places = [int(call.at) for call in stretch]
            assert places == list(range(places[0], places[0] + len(places)))
            kept.update(places)
    assert len(kept) == 40
    assert all(60 <= count <= 120 for count in kept.values())


def test_a_short_ledger_is_kept_whole() -> None:
    assert audit(CALLS).sampled == sum(
        not call.answered_by_cache and call.model != "house-8b-instruct" for call in CALLS
    )


def test_savings_of_levers_at_work_add_up() -> None:
    call = replace(asked("Why?"), savings={"trim": Savings(100, 40)})
    assert audit([call, call]).at_work == {"trim": Savings(200, 80)}


def test_nothing_is_something_that_can_be_audited() -> None:
    found = audit([])
    assert found.coverage.dollars_per_call is None
    assert found.plan.steps == ()


def test_too_many_types_become_one() -> None:
    found = audit(asked("Why?", request_type=f"type {number}") for number in range(1100))
    assert len(found.types) == 1001
    assert next(row for row in found.types if row.name == "(all others)").calls == 100
