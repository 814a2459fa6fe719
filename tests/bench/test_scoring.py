"""Rows from attempts: who pays for what, and what is known of quality."""

from dataclasses import replace

import pytest

from ragthrift import InputError, Message, Passage, ToolCall, Usage
from ragthrift.tokens import EstimatedTokens, OpenAITokens
from ragthrift_bench import Case
from ragthrift_bench.attempts import Attempt, Call, from_json, to_json
from ragthrift_bench.evidence import evidence_in_text
from ragthrift_bench.scoring import CALLED, REPORTED, Pricing, score
from tests.bench.made_up import DAY, PRICING

GOLD = Passage("The canteen opens at 11:30.", id="canteen")
OTHER = Passage("Payday is the 25th.", id="pay")
CASE = Case("When is lunch?", (GOLD, OTHER), ("11:30",), frozenset({"canteen"}))
SENT = (Message("system", "Answer."), Message("user", f"{GOLD.text}\n\nWhen is lunch?"))
CALL = Call(SENT, "At 11:30.", model="gpt-5-mini")
ATTEMPT = Attempt("At 11:30.", (CALL,), (GOLD,), seconds=1.0)


def test_tokens_are_those_of_the_very_messages() -> None:
    (row,) = score([CASE], [ATTEMPT], PRICING)
    count = OpenAITokens().count
    assert row.usage.input_tokens == sum(count(message.content) for message in SENT)
    assert row.usage.output_tokens == count("At 11:30.")
    expected = row.usage.input_tokens * 0.25e-6 + row.usage.output_tokens * 2e-6
    assert row.dollars == pytest.approx(expected)
    assert row.lever_dollars == 0


def test_a_model_without_a_public_tokenizer_is_estimated() -> None:
    (row,) = score([CASE], [ATTEMPT], replace(PRICING, model="claude-sonnet-4-5"))
    estimate = EstimatedTokens().count
    assert row.usage.input_tokens == sum(estimate(message.content) for message in SENT)


def test_tool_calls_are_billed_where_they_stand() -> None:
    asked = Message("assistant", "", (ToolCall("1", "search", '{"query": "lunch times today"}'),))
    sent = replace(CALL, messages=(*SENT, asked, Message("tool", "11:30", tool_call_id="1")))
    plain, tooled = score([CASE] * 2, [ATTEMPT, replace(ATTEMPT, calls=(sent,))], PRICING)
    assert tooled.usage.input_tokens > plain.usage.input_tokens + 6


def test_what_levers_cost_is_added_and_told_apart() -> None:
    own = replace(CALL, by_lever=True)
    spent = replace(ATTEMPT, calls=(own, CALL), lever_seconds=36.0)
    plain, dearer = score([CASE] * 2, [ATTEMPT, spent], replace(PRICING, machine_price=0.5))
    assert dearer.lever_dollars == pytest.approx(plain.dollars + 0.005)
    assert dearer.dollars == pytest.approx(2 * plain.dollars + 0.005)
    assert dearer.usage == plain.usage + plain.usage


def test_each_call_may_have_the_price_of_its_own_model() -> None:
    strong = replace(CALL, model="gpt-5")
    called = replace(PRICING, model=CALLED)
    cheap, dear = score([CASE] * 2, [ATTEMPT, replace(ATTEMPT, calls=(strong,))], called)
    assert dear.dollars == pytest.approx(5 * cheap.dollars)
    with pytest.raises(InputError, match="no known price for 'home-made'"):
        score([CASE], [replace(ATTEMPT, calls=(replace(CALL, model="home-made"),))], called)


def test_the_providers_own_counts_are_taken_as_they_are() -> None:
    reported = Usage(2_000, 10, cache_read_tokens=1_500)
    pricing = replace(PRICING, caching=REPORTED)
    (row,) = score([CASE], [replace(ATTEMPT, calls=(replace(CALL, reported=reported),))], pricing)
    assert row.usage == reported
    with pytest.raises(InputError, match="did not report"):
        score([CASE], [ATTEMPT], pricing)


def test_a_stable_prefix_is_read_from_the_simulated_cache() -> None:
    rules = "word " * 1_500
    long = [
        replace(ATTEMPT, calls=(replace(CALL, messages=(Message("system", rules), question)),))
        for question in (Message("user", "When is lunch?"), Message("user", "And dinner?"))
    ]
    first, second = score([CASE] * 2, long, replace(PRICING, caching="openai-implicit"))
    assert first.usage.cache_read_tokens == 0
    assert second.usage.cache_read_tokens >= 1_408
    late = replace(PRICING, caching="openai-implicit", seconds_apart=3_600.0)
    assert score([CASE] * 2, long, late)[1].usage.cache_read_tokens == 0
    written = score([CASE] * 2, long, replace(PRICING, caching="anthropic-5m"))
    assert written[0].usage.cache_write_tokens > 1_400
    assert written[1].usage.cache_write_tokens == 0


def test_a_failed_question_has_no_quality_and_its_error() -> None:
    (row,) = score([CASE], [TimeoutError("slow")], PRICING)
    assert row.error == "TimeoutError: slow"
    assert row.answer == ""
    assert row.dollars == 0
    assert row.quality["token_f1"] == row.quality["gold_kept"] == 0


def test_where_no_model_was_asked_only_the_prompt_is_judged() -> None:
    (row,) = score([CASE], [replace(ATTEMPT, answer=None)], PRICING)
    assert row.quality == {"answer_kept": 1.0, "gold_kept": 1.0}


def test_without_passages_the_evidence_is_looked_for_in_the_prompt() -> None:
    seen = replace(ATTEMPT, passages=None)
    (row,) = score([CASE], [seen], PRICING)
    assert row.quality["gold_kept"] == row.quality["answer_kept"] == 1
    bare = replace(CALL, messages=(Message("user", "When is lunch?"),))
    (row,) = score([CASE], [replace(seen, calls=(bare,))], PRICING)
    assert row.quality["gold_kept"] == row.quality["answer_kept"] == 0


def test_a_levers_own_prompt_is_no_evidence() -> None:
    summary = replace(CALL, by_lever=True)
    bare = replace(CALL, messages=(Message("user", "When is lunch?"),))
    seen = replace(ATTEMPT, passages=None, calls=(summary, bare))
    assert score([CASE], [seen], PRICING)[0].quality["gold_kept"] == 0


def test_a_gold_passage_of_unknown_text_is_not_called_lost() -> None:
    unknown = replace(CASE, passages=())
    assert evidence_in_text(unknown, GOLD.text) == {"answer_kept": 1.0}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"caching": "mistral"}, "unknown caching rules 'mistral'; use one of none"),
        ({"model": "no-such-model"}, "no known price"),
        ({"machine_price": -1.0}, "below 0"),
        ({"seconds_apart": -1.0}, "below 0"),
    ],
)
def test_prices_that_cannot_work_are_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Pricing(on=DAY, **change)  # type: ignore[arg-type]


def test_an_attempt_survives_json() -> None:
    import json

    asked = Message("assistant", "", (ToolCall("1", "search", "{}"),))
    full = replace(
        ATTEMPT,
        calls=(replace(CALL, messages=(asked,), reported=Usage(3, 4), by_lever=True),),
        lever_seconds=0.5,
    )
    for attempt in (full, replace(full, passages=None, answer=None), Attempt("")):
        assert from_json(json.loads(json.dumps(to_json(attempt)))) == attempt
