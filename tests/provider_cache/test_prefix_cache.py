"""The simulated cache behaves as the providers document theirs."""

import pytest

from ragthrift import InputError
from ragthrift.ledger import Segment
from ragthrift.provider_cache import (
    Breakpoint,
    CachedTokens,
    PrefixCache,
    at_end,
    rules_for,
)

SONNET = rules_for("claude-sonnet-4-5")


def part(name: str, tokens: int = 1500) -> Segment:
    return Segment.of("system", name, tokens=tokens)


def end(*segments: Segment, lifetime: str = "") -> list[Breakpoint]:
    return [Breakpoint(len(segments), lifetime)]


def test_each_use_begins_the_lifetime_anew() -> None:
    cache = PrefixCache(SONNET)
    read = [cache.bill([part("a")], end(part("a")), at=at).read for at in (0, 299, 598, 898)]
    assert read == [0, 1500, 1500, 0]


def test_an_hour_is_written_as_such() -> None:
    cache, prompt = PrefixCache(SONNET), [part("a"), part("b", 500)]
    marks = [Breakpoint(1, "1h"), Breakpoint(2)]
    assert cache.bill(prompt, marks, at=0) == CachedTokens(0, 2000, 1500)
    assert cache.bill(prompt, marks, at=1000) == CachedTokens(1500, 500, 0)


def test_calls_at_once_all_write() -> None:
    cache = PrefixCache(SONNET)
    bills = [cache.bill([part("a")], end(part("a")), at=at, ready_after=2) for at in (0, 0, 1.9, 2)]
    assert [(bill.read, bill.write) for bill in bills] == [(0, 1500)] * 3 + [(1500, 0)]


def test_a_short_beginning_is_neither_written_nor_read() -> None:
    cache, short = PrefixCache(SONNET), part("a", 1023)
    assert [cache.bill([short], end(short), at=at) for at in (0, 1)] == [CachedTokens()] * 2


def test_a_breakpoint_finds_what_was_written_up_to_20_blocks_before() -> None:
    first = part("rules")
    for blocks, found in ((19, 1500), (20, 0)):
        cache = PrefixCache(SONNET)
        cache.bill([first], end(first), at=0)
        longer = [first, *(part(f"turn {n}", 10) for n in range(blocks))]
        assert cache.bill(longer, end(*longer), at=1).read == found


def test_what_was_not_marked_is_not_found() -> None:
    cache = PrefixCache(SONNET)
    cache.bill([part("rules"), part("new 1")], end(part(""), part("")), at=0)
    again = [part("rules"), part("new 2")]
    assert cache.bill(again, end(*again), at=1) == CachedTokens(0, 3000)


def test_a_question_that_became_history_is_the_same_text() -> None:
    cache = PrefixCache(SONNET)
    asked = [part("rules"), Segment.of("question", "Soup?", tokens=10)]
    cache.bill(asked, end(*asked), at=0)
    later = [part("rules"), Segment.of("history", "Soup?", tokens=10), part("Yes.", 5)]
    assert cache.bill(later, end(*later), at=1) == CachedTokens(1510, 5)


def test_automatic_caches_find_the_longest_beginning_in_steps() -> None:
    cache = PrefixCache(rules_for("gpt-5-mini"))
    cache.bill([part("rules"), part("a", 700)], at=0)
    assert cache.bill([part("rules"), part("b", 700)], at=1) == CachedTokens(1408)
    assert cache.bill([part("rules"), part("a", 700)], at=2) == CachedTokens(2176)
    assert cache.bill([part("other"), part("a", 700)], at=3) == CachedTokens()


def test_too_many_breakpoints() -> None:
    prompt = [part(str(n)) for n in range(5)]
    marks = [Breakpoint(n + 1) for n in range(5)]
    with pytest.raises(InputError, match="at most 4"):
        PrefixCache(SONNET).bill(prompt, marks, at=0)
    with pytest.raises(InputError, match="of 1 segments"):
        PrefixCache(SONNET).bill([part("a")], [Breakpoint(2)], at=0)


def test_what_expired_is_dropped() -> None:
    cache = PrefixCache(SONNET)
    for number in range(25_000):
        prompt = [part(str(number))]
        cache.bill(prompt, at_end(prompt, SONNET), at=number)
    assert len(cache._kept) < 12_000


def test_no_rules_no_cache() -> None:
    cache = PrefixCache(rules_for("nobody-knows-it"))
    assert cache.bill([part("a")], end(part("a")), at=0) == CachedTokens()
