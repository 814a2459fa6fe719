"""What a breakpoint's place is worth in dollars: the field's table, replayed."""

from decimal import Decimal

import pytest

from benchmarks.prompt import figures, layouts
from benchmarks.prompt_workload import HOT, calls_of, peer_breakpoints
from ragthrift import Usage
from ragthrift.ledger import Call, Prices, Segment
from ragthrift.provider_cache import (
    after_stable,
    after_stable_and_at_end,
    at_end,
    cheapest,
    hot_documents,
    in_canonical_order,
    nowhere,
    replay,
    replayed_calls,
    rules_for,
)

CALLS = 1000
WITHIN = 0.01
"""One point: the field's figures leave out the first write, and the first answer's time."""


@pytest.mark.parametrize(
    ("model", "dollars", "end", "middleware", "stable", "canonical"),
    [
        ("gpt-5.6-sol", 21.12, 0.21, -0.11, -0.26, -0.56),
        ("gpt-6.1-terra", 5.28, 0.21, -0.13, -0.27, -0.59),
        ("claude-sonnet-4-5", 15.84, 0.21, -0.11, -0.26, -0.56),
        ("claude-sonnet-5-5", 10.56, 0.21, -0.13, -0.27, -0.59),
    ],
)
def test_marked_prompts(
    model: str, dollars: float, end: float, middleware: float, stable: float, canonical: float
) -> None:
    row = figures(model, CALLS, seed=0)
    assert row["dollars"] == dollars
    assert row["marked_end"] == pytest.approx(end, abs=WITHIN)
    assert row["middleware"] == pytest.approx(middleware, abs=WITHIN)
    assert row["after_stable"] == pytest.approx(stable, abs=WITHIN)
    assert row["canonical"] == pytest.approx(canonical, abs=WITHIN)


def test_automatic_caching() -> None:
    """Steps of 128 tokens cost 1.5 points of the field's -52 %."""
    row = figures("gpt-5-mini", CALLS, seed=0)
    assert row["dollars"] == 1.43
    assert row["marked_end"] == 0
    assert row["canonical"] == pytest.approx(-0.52, abs=0.02)


@pytest.mark.parametrize("model", ["gemini-3.8-flash", "claude-haiku-4-5"])
def test_below_the_least_length_nothing_is_saved(model: str) -> None:
    row = figures(model, 200, seed=0)
    assert (row["after_stable"], row["canonical"]) == (0, 0)


def test_the_middleware_marks_what_is_replayed_as_its_pattern() -> None:
    pytest.importorskip("langchain_anthropic", reason="langchain-anthropic is not installed")
    assert peer_breakpoints() == ["system[0]", "end"]


def test_another_seed_tells_the_same() -> None:
    first, second = (figures("claude-sonnet-4-5", CALLS, seed=seed) for seed in (1, 2))
    assert first["canonical"] == pytest.approx(second["canonical"], abs=0.005)


def test_hot_documents_are_learnt() -> None:
    calls = calls_of("claude-sonnet-4-5", 200, hot_share=0.8)
    seen = [[one.id for one in call.segments if one.kind == "document"] for call in calls]
    assert sorted(hot_documents(seen)) == sorted(HOT)


def test_calls_are_billed_one_by_one_to_the_cent() -> None:
    calls = calls_of("claude-sonnet-4-5", 3, seconds=10)
    billed = list(replayed_calls(calls, place=after_stable))
    assert [call.usage for call in billed] == [
        Usage(4530, 150, 0, 1500),
        Usage(4530, 150, 1500, 0),
        Usage(4530, 150, 1500, 0),
    ]
    by_hand = [1500 * 3.75 + 3030 * 3 + 150 * 15] + [1500 * 0.3 + 3030 * 3 + 150 * 15] * 2
    dollars = Prices().dollars
    assert [float(dollars(call) or 0) * 1e6 for call in billed] == pytest.approx(by_hand)
    assert replay(calls, place=after_stable).dollars == sum(
        (dollars(call) or Decimal(0) for call in billed), Decimal(0)
    )


def test_an_hour_s_writes_are_billed_as_such() -> None:
    from ragthrift.provider_cache import Breakpoint

    [call] = replayed_calls(
        calls_of("claude-sonnet-4-5", 1), place=lambda *_: [Breakpoint(1, "1h")]
    )
    assert call.classes["cache_write_1h_tokens"] == 1500
    by_hand = 1500 * 6 + 3030 * 3 + 150 * 15
    assert float(Prices().dollars(call) or 0) * 1e6 == pytest.approx(by_hand)


def test_counts_are_scaled_to_what_was_measured() -> None:
    segments = (Segment.of("system", "a", tokens=2000), Segment.of("question", "b", tokens=2000))
    calls = [
        Call(model="claude-sonnet-4-5", usage=Usage(5000, 10), segments=segments, at=1e9 + n)
        for n in (0, 100)
    ]
    _, again = replayed_calls(calls, place=after_stable)
    assert again.usage == Usage(5000, 10, 2500, 0)


def test_what_a_cache_answered_and_what_has_no_segments_stay() -> None:
    plain = Call(model="claude-sonnet-4-5", usage=Usage(5000, 10, 4000), at=1e9)
    hit = Call(model="claude-sonnet-4-5", usage=Usage(5000, 10), answered_by_cache=True, at=1e9)
    assert list(replayed_calls([plain, hit])) == [plain, hit]
    assert replay([plain, hit]).calls == 2
    assert replay([Call(model="my-own", usage=Usage(10))]).unpriced == 1


def test_the_cheapest_of_some_places() -> None:
    calls = calls_of("claude-sonnet-4-5", 50)
    options = {"none": nowhere, "stable": after_stable, "end": at_end}
    name, found = cheapest(calls, options)
    assert name == "stable"
    assert found["end"].dollars > found["none"].dollars
    one_shot = [call for n, call in enumerate(calls) if n == 0]
    assert cheapest(one_shot, options)[0] == "none"


def test_a_conversation_is_cheapest_marked_at_its_end() -> None:
    rules = Segment.of("system", "rules", tokens=1500)
    calls = []
    for turn in range(1, 12):
        talk = [Segment.of("history", f"{n}", tokens=200) for n in range(turn)]
        segments = (rules, *talk, Segment.of("question", f"{turn}", tokens=200))
        usage = Usage(sum(one.tokens for one in segments), 100)
        calls.append(
            Call(model="claude-sonnet-5-5", usage=usage, segments=segments, at=1e9 + 60 * turn)
        )
    places = {"stable": after_stable, "end": at_end, "both": after_stable_and_at_end}
    name, found = cheapest(calls, places)
    assert name == "end"
    assert found["end"].saved_against(found["stable"]) > 0.2


def test_layouts_hold_the_same_tokens() -> None:
    calls = calls_of("claude-sonnet-4-5", 20)
    found = layouts(calls, HOT, rules_for("claude-sonnet-4-5"))
    assert {one.usage.input_tokens for one in found.values()} == {20 * 4530}
    reordered = in_canonical_order(calls[0].segments, HOT)
    assert sorted(reordered, key=str) == sorted(calls[0].segments, key=str)
