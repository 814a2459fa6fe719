"""When a summary is made: the sum, by hand, and what a whole talk costs with and without."""

import pytest

from ragthrift import InputError, Message, Price, Usage
from ragthrift.memory.account import Account
from ragthrift.memory.llm_summariser import LLMSummariser
from ragthrift.memory.memory import ConversationMemory
from ragthrift.memory.policy import Caching, Policy, Situation, Watermarks
from ragthrift.memory.report import report_of
from ragthrift.memory.room import Room
from ragthrift.testing import ScriptedLLM
from tests.memory.view.talks import ROOM, Counting, answer, chat, small

FULL = Caching(Price(1.0, 4.0))
TENTH = Caching(Price(1.0, 4.0, cache_read=0.1))
LONG = Situation(before=200, old=3000, recent=1000, summary=200, fresh=0, calls=10, warm=1.0)


def with_(caching: Caching, horizon: int | None = None) -> Policy:
    return Policy(Watermarks(4000, 1000), caching, horizon)


def test_the_sum_by_hand() -> None:
    verdict = with_(TENTH).decide(LONG)
    assert verdict.saving == pytest.approx(10 * (4200 - 1400) * 0.1 / 1e6)
    assert verdict.rebuild == pytest.approx((200 + 1000) * 0.9 / 1e6)
    assert verdict.net == pytest.approx((2800 - 1080) / 1e6)
    assert verdict.compact


def test_where_cached_tokens_cost_as_much_as_others_it_pays_sooner() -> None:
    assert with_(FULL, 1).decide(LONG).compact
    assert not with_(TENTH, 1).decide(LONG).compact
    assert with_(TENTH, 5).decide(LONG).compact


def test_a_summariser_that_costs_more_than_it_saves_is_not_asked() -> None:
    dear = Situation(200, 3000, 1000, 200, 0, 10, 1.0, summariser=0.01)
    verdict = with_(TENTH).decide(dear)
    assert (verdict.compact, verdict.reason) == (False, "it costs more than it saves")
    assert with_(TENTH, 1000).decide(dear).compact


def test_recall_is_part_of_the_price() -> None:
    recalling = Situation(200, 3000, 1000, 200, 0, 10, 1.0, recall=400.0)
    verdict = with_(TENTH).decide(recalling)
    assert verdict.recall == pytest.approx(10 * 400 / 1e6)
    assert not verdict.compact


def test_a_prompt_too_short_for_the_cache_can_cost_more_than_a_long_one() -> None:
    short = Situation(before=0, old=3000, recent=800, summary=50, fresh=0, calls=50, warm=1.0)
    assert not with_(TENTH).decide(short).compact
    assert Policy(Watermarks(3000, 800), FULL).decide(short).compact
    no_minimum = Caching(TENTH.price, min_tokens=0)
    assert Policy(Watermarks(3000, 800), no_minimum).decide(short).compact


def test_a_talk_with_long_pauses_gains_more() -> None:
    cold = Situation(200, 3000, 1000, 200, 0, 10, warm=0.0)
    assert with_(TENTH).decide(cold).net > with_(TENTH).decide(LONG).net
    assert with_(TENTH).decide(cold).rebuild == 0.0


def test_written_tokens_can_have_a_price_of_their_own() -> None:
    written = Caching(TENTH.price, write=1.25)
    assert with_(written).decide(LONG).rebuild == pytest.approx(1200 * 1.15 / 1e6)


def test_above_the_limit_it_is_made_whatever_it_costs() -> None:
    dear = Situation(200, 3000, 1000, 200, 0, 10, 1.0, summariser=9.0)
    verdict = Policy(Watermarks(3000, 1000, limit=4000), TENTH).decide(dear)
    assert verdict.compact
    assert verdict.net < 0


def test_explaining_shows_every_number() -> None:
    text = with_(TENTH).decide(LONG).explain()
    assert "+0.002800" in text
    assert "-0.001080" in text
    assert "+0.001720" in text


def test_published_prices_are_found() -> None:
    pytest.importorskip("genai_prices")
    caching = Caching.of("gpt-5-mini")
    assert caching.price == Price(0.25, 2.0, cache_read=0.025)
    assert Caching.of("my-own-model").price is None


@pytest.mark.parametrize("marks", [(0, 0), (100, 100), (100, 200)])
def test_watermarks_that_cannot_work(marks: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="low < high"):
        Watermarks(*marks)


def test_a_limit_below_the_high_watermark_cannot_work() -> None:
    with pytest.raises(InputError, match="limit"):
        Watermarks(100, 50, limit=90)


def test_numbers_below_0_cannot_work() -> None:
    with pytest.raises(InputError, match="horizon"):
        Policy(horizon=-1)
    with pytest.raises(InputError, match="below 0"):
        Caching(ttl_seconds=-1.0)


def test_room_cannot_be_negative() -> None:
    with pytest.raises(InputError, match="clip"):
        Room(clip=0)


def test_a_memory_says_what_it_will_do() -> None:
    with ConversationMemory(summariser=Counting(), policy=small(), room=ROOM) as memory:
        memory.view("one", chat(2))
        assert "not above the high watermark" in memory.explain("one").reason
        assert memory.compact("one") is False
        memory.view("one", chat(12))
        assert memory.explain("one").compact


def test_a_dear_model_is_weighed_at_its_own_price() -> None:
    llm = ScriptedLLM(answer("They talk."))
    policy = Policy(Watermarks(300, 100), Caching(Price(1.0, 4.0), min_tokens=0), horizon=20)
    for price, made in ((Price(0.1, 0.4), True), (Price(100.0, 400.0), False), (None, True)):
        summariser = LLMSummariser(llm, price=price)
        with ConversationMemory(summariser=summariser, policy=policy, room=ROOM) as memory:
            memory.view("one", chat(12))
            assert memory.compact("one") is made


def test_above_the_limit_the_view_waits_for_a_summary() -> None:
    policy = small(300, 100, limit=500)
    with ConversationMemory(summariser=Counting(), policy=policy, room=ROOM) as memory:
        assert len(memory.view("one", chat(20))) < len(chat(20))
        assert memory.report("one").account.compactions == 1


def replayed(memory: ConversationMemory, turns: int) -> list[list[Message]]:
    seen = []
    for end in range(2, 2 * turns + 1, 2):
        seen.append(memory.view("one", chat(turns)[:end]))
        memory.after("one").result(30)
    return seen


def test_the_report_is_net_and_in_dollars() -> None:
    caching = Caching(Price(1.0, 4.0, cache_read=0.1), min_tokens=0)
    policy = Policy(Watermarks(1000, 300), caching)
    llm = ScriptedLLM(answer("They talk."))
    summariser = LLMSummariser(llm, price=Price(0.1, 0.4))
    with ConversationMemory(summariser=summariser, policy=policy, room=ROOM) as memory:
        views = replayed(memory, 100)
        report = memory.report("one")
    account = report.account
    assert account.calls == len(views) == 100
    assert 0 < account.compactions == len(llm.calls)
    assert account.summariser.input_tokens > 100
    assert report.dollars
    assert report.dollars.before == pytest.approx(
        (account.full_tokens - 0.9 * account.full_cached) / 1e6
    )
    paid = Price(0.1, 0.4).dollars(account.summariser)
    assert report.dollars.after == pytest.approx(
        (account.view_tokens - 0.9 * account.view_cached) / 1e6 + paid
    )
    assert report.dollars.saved > 0
    assert report.calls_per_summary
    assert "net" in str(report)


def test_a_pause_makes_the_cache_cold() -> None:
    now = [0.0]
    with ConversationMemory(clock=lambda: now[0], policy=Policy(caching=FULL)) as memory:
        talk = chat(60)
        for end, at in ((100, 0.0), (102, 10.0), (104, 900.0), (106, 910.0)):
            now[0] = at
            memory.view("one", talk[:end])
        account = memory.report("one").account
    assert account.warm_calls == 2
    assert 0 < account.full_cached < account.full_tokens


def test_unknown_prices_stay_unknown() -> None:
    used = Account(calls=1, full_tokens=9, view_tokens=5, input_tokens=3)
    assert report_of(used, Caching(), Price(1, 1)).dollars is None
    assert report_of(used, FULL, None).dollars is None
    assert report_of(used, FULL, Price(1, 1)).dollars is not None


def test_the_report_of_all_sessions_adds_up() -> None:
    with ConversationMemory() as memory:
        memory.view("one", chat(2))
        memory.view("two", chat(3))
        assert memory.report().account.calls == 2
        assert memory.report("one").account.calls == 1
        assert memory.report().account.summariser == Usage()


@pytest.mark.parametrize(("read", "high"), [(None, 1800), (0.5, 2200), (0.1, 5000), (0.0, 9200)])
def test_the_high_watermark_follows_the_price_of_cached_tokens(
    read: float | None, high: int
) -> None:
    caching = Caching(Price(1.0, 4.0, cache_read=read))
    assert Policy(caching=caching).high == high
    assert Policy(Watermarks(limit=1500), caching).high == 1500
    assert Policy(Watermarks(high=1300), caching).high == 1300
