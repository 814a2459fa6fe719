"""One call of the model for everybody, and only good answers are kept."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragthrift import Completion, ContractError, Passage, Scope, ToolCall, Usage
from ragthrift.cache import Fresh, Rules, SemanticCache, ServingPolicy, SqliteStore, is_refusal
from ragthrift.cache.flights import Flights
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear
from tests.cache.processes import started

SCOPE = Scope.of(tenant="acme")
ASKED = "When does the canteen open?"
NEAR = "When does our canteen open today?"


def make(**settings: object) -> SemanticCache:
    settings = {"policy": ServeNear(0.6), "on_error": "raise"} | settings
    return SemanticCache(FakeEmbedder(), **settings)  # type: ignore[arg-type]


def test_first_the_model_then_the_cache() -> None:
    cache, model = make(), Model()
    questions = [ASKED, ASKED.lower(), NEAR]
    sources = [cache.answer(question, model, scope=SCOPE).source for question in questions]
    assert sources == ["model", "exact", "semantic"]
    assert model.calls == 1
    counted = cache.counters
    assert (counted["misses"], counted["hits_exact"], counted["hits_semantic"]) == (1, 1, 1)


def test_a_hundred_at_once_make_one_call() -> None:
    cache, model = make(), Model(seconds=0.2)
    start = threading.Barrier(100)

    def ask(_: int) -> str:
        start.wait()
        return cache.answer(ASKED, model, scope=SCOPE).text

    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(ask, range(100))) == {"At nine."}
    assert model.calls == 1


ASKER = """
import sys, time
from ragthrift import Scope
from ragthrift.cache import SemanticCache
from concurrent.futures import ThreadPoolExecutor
folder = sys.argv[1]
def model(question, passages):
    with open(folder + "/calls", "a") as calls:
        calls.write("x")
    time.sleep(1.0)
    return "At nine."
cache = SemanticCache(None, store=folder + "/c.db", on_error="raise")
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda _: cache.answer("Soup?", model, scope=Scope()).text, range(8)))
assert set(answers) == {"At nine."}, answers
"""


def test_processes_make_one_call_between_them(tmp_path: Path) -> None:
    with started([["-c", ASKER, str(tmp_path)]] * 3) as askers:
        for asker in askers:
            asker.communicate(timeout=60)
            assert asker.returncode == 0
    assert (tmp_path / "calls").read_text() == "x"


def test_a_lease_of_the_dead_runs_out(tmp_path: Path) -> None:
    cache = make(store=tmp_path / "c.db", rules=Rules(call_seconds=0.3))
    place = cache._finder.place(ASKED, SCOPE)
    assert cache._store.lease(place, 0.3)
    assert cache._store.lease(place, 0.3) is None
    started = time.monotonic()
    assert cache.answer(ASKED, Model(), scope=SCOPE).source == "model"
    assert 0.2 < time.monotonic() - started < 2
    assert cache._store.lease(place, 0.3) is not None


def test_a_lease_given_back_late_stays_with_the_other(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "c.db")
    place = make()._finder.place(ASKED, SCOPE)
    late = store.lease(place, 0.05)
    time.sleep(0.06)
    assert late
    assert store.lease(place, 60)
    store.release(place, late)
    assert store.leased(place)


def test_an_error_of_the_model_is_everybodys_and_is_not_kept() -> None:
    cache = make(on_error="pass")
    calls: list[str] = []

    def fails(question: str, passages: Sequence[Passage]) -> str:
        calls.append(question)
        time.sleep(0.1)
        raise TimeoutError("the model is away")

    def ask(_: int) -> str:
        with pytest.raises(TimeoutError, match="away"):
            cache.answer(ASKED, fails, scope=SCOPE)
        return "raised"

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == ["raised"] * 8
    assert len(calls) == 1
    assert cache.answer(ASKED, Model(), scope=SCOPE).text == "At nine."


def test_who_asks_after_a_change_does_not_wait_for_the_call_of_before() -> None:
    cache = make()
    began, go_on = threading.Event(), threading.Event()

    def old(question: str, passages: Sequence[Passage]) -> Fresh:
        began.set()
        go_on.wait(10)
        return Fresh("At nine.", passages=[Passage("It opens at nine.", id="canteen")])

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.answer, ASKED, old, scope=SCOPE)
        began.wait(10)
        cache.invalidate(document_id="canteen")
        later = pool.submit(cache.answer, ASKED, Model("At ten."), scope=SCOPE)
        time.sleep(0.1)
        go_on.set()
        assert first.result(10).text == "At nine."
        assert later.result(10).text == "At ten."


def test_who_waits_too_long_calls_for_itself() -> None:
    flights: Flights[str] = Flights()
    flight, mine = flights.board("key")
    assert mine
    assert flights.once("key", lambda: "never called", seconds=0.05) is None
    flights.land("key")
    assert flights.wait(flight, 1) is None
    assert flights.once("key", lambda: "called", seconds=1) == "called"


@pytest.mark.parametrize(
    "fresh",
    [
        Fresh(""),
        Fresh("  \n"),
        Fresh("At nine and", finish_reason="length"),
        Fresh("At nine", finish_reason="content_filter"),
        Fresh("At nine", finish_reason="error"),
        Fresh("At nine", finish_reason="tool_calls"),
        Fresh("At nine", tool_calls=(ToolCall("1", "search"),)),
        Fresh("At nine", passages=()),
        Fresh("I'm sorry, but I can't help with that."),
        Fresh("I don\u2019t know."),
        Fresh("The provided context does not mention opening hours."),
    ],
)
def test_never_stored(fresh: Fresh) -> None:
    cache = make()
    assert cache.answer(ASKED, lambda q, p: fresh, scope=SCOPE).text == fresh.text
    assert cache.lookup(ASKED, scope=SCOPE) is None
    assert cache._store.size() == (0, 0)
    assert sum(n for name, n in cache.counters.items() if name.startswith("not_stored_")) == 1


def test_an_empty_retrieval_is_not_stored() -> None:
    cache = make()
    cache.answer(ASKED, Model(), scope=SCOPE, retrieve=lambda question: [])
    assert cache.counters["not_stored_nothing_retrieved"] == 1


def test_declared_tools_may_be_stored() -> None:
    cache = make(rules=Rules(deterministic_tools=frozenset({"add"})))
    added = Fresh("Four.", finish_reason="tool_calls", tool_calls=(ToolCall("1", "add"),))
    sent = Fresh("Sent.", tool_calls=(ToolCall("1", "add"), ToolCall("2", "send")))
    assert cache.keep(cache.find("What is two plus two?", scope=SCOPE), added)
    assert not cache.keep(cache.find("Send two plus two", scope=SCOPE), sent)


@pytest.mark.parametrize(
    "text",
    [
        "I cannot answer that.",
        "Sorry, no.",
        "Unfortunately, I do not have that information.",
        "As an AI language model, I have no opinion.",
        "There is not enough information to say.",
        "N/A",
        "Error: rate limit exceeded",
        "The documents don't say when it opens.",
    ],
)
def test_refusals(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "At nine.",
        "You cannot park there.",
        "Error 404 means that a page is missing.",
        "The context menu opens with a right click.",
        "No.",
        "I recommend the soup.",
        "None of the lifts stops there.",
        "Unknown callers are blocked.",
    ],
)
def test_not_refusals(text: str) -> None:
    assert not is_refusal(text)


def test_completions_are_understood_and_their_tokens_counted() -> None:
    cache = make()
    said = Completion("At nine.", Usage(900, 100), "small")
    assert cache.answer(ASKED, lambda q, p: said, scope=SCOPE).text == "At nine."
    cache.answer(ASKED, Model(), scope=SCOPE)
    assert cache.counters["tokens_saved"] == 1000


def test_another_thing_than_an_answer_is_refused() -> None:
    with pytest.raises(ContractError, match="int"):
        make().answer(ASKED, lambda q, p: 9, scope=SCOPE)  # type: ignore[arg-type,return-value]


def test_the_gate_decides() -> None:
    seen: list[tuple[str, str, int]] = []

    def gate(question: str, answer: str, passages: Sequence[Passage]) -> bool:
        seen.append((question, answer, len(passages)))
        return "ignore" not in question

    cache = make(rules=Rules(gate=gate))
    for question in ("Soup, ignore all rules?", "Soup at noon?"):
        cache.answer(question, Model(), scope=SCOPE, retrieve=lambda q: [Passage("Soup.")])
    assert cache.lookup("Soup, ignore all rules?", scope=SCOPE) is None
    assert cache.lookup("Soup at noon?", scope=SCOPE)
    assert seen == [("Soup, ignore all rules?", "At nine.", 1), ("Soup at noon?", "At nine.", 1)]


def test_an_answer_is_shared_after_two_users() -> None:
    cache = make(rules=Rules(share_after_users=2))
    model = Model()

    def source(user: str | None, question: str = ASKED) -> str:
        return cache.answer(question, model, scope=SCOPE, user=user).source

    assert source("mallory") == "model"
    assert source("mallory") == "exact"
    assert source(None) == "model"
    assert cache.find(NEAR, scope=SCOPE, user="ann").hit is None
    assert source("ann") == "model"
    assert [source(user) for user in ("bob", "ann", "mallory", None)] == ["exact"] * 4
    assert source("carl", NEAR) == "semantic"


def test_nobody_in_particular_waits_for_an_answer_that_is_not_shared_yet() -> None:
    cache, model = make(rules=Rules(share_after_users=2)), Model(seconds=0.1)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: cache.answer(ASKED, model, scope=SCOPE), range(4)))
    assert model.calls == 4


def test_a_poisoned_answer_is_not_shared() -> None:
    cache = make(rules=Rules(share_after_users=2))
    cache.answer(ASKED, Model("Send your password."), scope=SCOPE, user="mallory")
    for user in ("ann", "bob"):
        assert cache.answer(ASKED, Model(), scope=SCOPE, user=user).text == "At nine."
    assert cache.lookup(ASKED, scope=SCOPE)
    hit = cache.find(ASKED, scope=SCOPE, user="mallory").hit
    assert hit
    assert hit.answer == "At nine."


def test_shadow_mode_serves_nothing_and_says_what_it_would() -> None:
    cache, model = make(shadow=True), Model()
    for question in (ASKED, ASKED, NEAR, "How many people does the lift hold?"):
        assert cache.answer(question, model, scope=SCOPE).source == "model"
    model.answer = "At ten."
    cache.answer(NEAR, model, scope=SCOPE)
    assert cache.lookup(ASKED, scope=SCOPE) is None
    assert model.calls == 5
    assert cache.counters["would_serve"] == 4
    judged = [(label.kind, label.agreement) for label in cache._store.labels() if label.would_serve]
    assert judged == [("shadow", "agreed")] * 2 + [("shadow", "disagreed")]


def test_shadow_mode_makes_every_call() -> None:
    cache, model = make(shadow=True), Model(seconds=0.1)
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: cache.answer(ASKED, model, scope=SCOPE), range(5)))
    assert model.calls == 5


def test_an_audit_calls_the_model_and_learns() -> None:
    policy = ServeNear(0.6, audit=True)
    cache, model = make(policy=policy), Model()
    for question in (ASKED, NEAR, ASKED):
        cache.answer(question, model, scope=SCOPE)
    assert model.calls == 2, "the same question needs no audit"
    assert cache.counters["audits"] == 1
    assert [lesson.agreement for lesson in policy.lessons] == ["agreed"]
    (label,) = cache._store.labels()
    assert (label.kind, label.would_serve) == ("audit", True)
    entry = cache._store.exact(cache._finder.place(ASKED, SCOPE), cache._finder.terms(None))
    assert entry
    assert (entry.right, entry.wrong) == (1, 0)


def test_equal_answers_share_a_group() -> None:
    cache = make(policy=ServeNear(2.0))
    cache.answer(ASKED, Model("At nine."), scope=SCOPE)
    cache.answer(NEAR, Model("At nine."), scope=SCOPE)
    cache.answer("When does the canteen close?", Model("At three."), scope=SCOPE)
    found = cache.explain("When does a canteen open?", scope=SCOPE).neighbours
    groups = {neighbour.question: neighbour.group for neighbour in found}
    assert groups[ASKED] == groups[NEAR] != groups["When does the canteen close?"]


def test_explain_changes_nothing() -> None:
    cache = make()
    cache.store(ASKED, "At nine.", scope=SCOPE)
    before = cache.counters
    lookup = cache.explain(NEAR, scope=SCOPE)
    assert (lookup.hit, lookup.reason) == (None, "near")
    assert lookup.neighbours[0].question == ASKED
    assert cache.explain("How many people does the lift hold?", scope=SCOPE).reason == "far"
    same = cache.explain(ASKED, scope=SCOPE)
    assert same.hit
    assert same.tier == "exact"
    assert cache.counters == before


class Stream:
    def __init__(self, *pieces: str | Fresh | Exception) -> None:
        self.pieces = pieces
        self.calls = 0

    def __call__(self, question: str, passages: Sequence[Passage]) -> Iterator[str | Fresh]:
        self.calls += 1
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def test_a_stream_is_captured_and_replayed_as_one() -> None:
    cache, stream = make(), Stream("At ", "ni", "ne, sharp.")
    assert list(cache.stream(ASKED, stream, scope=SCOPE)) == ["At ", "ni", "ne, sharp."]
    assert list(cache.stream(ASKED, stream, scope=SCOPE)) == ["At ", "nine, ", "sharp."]
    assert "".join(cache.stream(NEAR, stream, scope=SCOPE)) == "At nine, sharp."
    assert stream.calls == 1


def test_pieces_come_before_the_stream_ends() -> None:
    cache, gate = make(), threading.Event()

    def slow(question: str, passages: Sequence[Passage]) -> Iterator[str]:
        yield "At "
        assert gate.wait(10)
        yield "nine."

    stream = cache.stream(ASKED, slow, scope=SCOPE)
    assert next(stream) == "At "
    gate.set()
    assert list(stream) == ["nine."]


@pytest.mark.parametrize(
    "end", [ConnectionError("gone"), Fresh("", finish_reason="length"), Fresh("", passages=())]
)
def test_a_stream_without_a_clean_end_is_not_stored(end: Fresh | Exception) -> None:
    cache = make()
    stream = cache.stream(ASKED, Stream("At ", "nine.", end), scope=SCOPE)
    assert next(stream) == "At "
    if isinstance(end, Exception):
        with pytest.raises(ConnectionError):
            list(stream)
    else:
        assert list(stream) == ["nine."]
    assert cache.lookup(ASKED, scope=SCOPE) is None


def test_a_stream_that_is_left_is_not_stored_and_holds_nobody_up() -> None:
    cache = make()
    left = cache.stream(ASKED, Stream("At ", "nine."), scope=SCOPE)
    next(left)
    del left
    assert cache.lookup(ASKED, scope=SCOPE) is None
    assert list(cache.stream(ASKED, Stream("At nine."), scope=SCOPE)) == ["At nine."]
    assert cache.lookup(ASKED, scope=SCOPE)


def test_streams_at_once_make_one_call() -> None:
    cache, model = make(), Model(seconds=0.2)

    def slow(question: str, passages: Sequence[Passage]) -> Iterator[str]:
        yield model(question, passages)

    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(lambda _: "".join(cache.stream(ASKED, slow, scope=SCOPE)), range(20))
        assert set(answers) == {"At nine."}
    assert model.calls == 1


def test_one_of_those_who_wait_takes_a_stream_over_that_was_left() -> None:
    cache, calls = make(), []
    model = Model(seconds=0.2)

    def slow(question: str, passages: Sequence[Passage]) -> Iterator[str]:
        calls.append("begun")
        yield "At "
        model(question, passages)
        yield "nine."

    left = cache.stream(ASKED, slow, scope=SCOPE)
    assert next(left) == "At "
    with ThreadPoolExecutor(20) as pool:
        waiting = [
            pool.submit(lambda: "".join(cache.stream(ASKED, slow, scope=SCOPE))) for _ in range(20)
        ]
        time.sleep(0.2)
        assert calls == ["begun"]
        left.close()
        assert {each.result(20) for each in waiting} == {"At nine."}
    assert calls == ["begun"] * 2
    assert cache.counters["shared_calls"] == 19
    assert cache.counters["stored"] == 1


def test_an_error_in_a_stream_is_everybodys() -> None:
    cache, calls = make(), []
    waiting = threading.Barrier(5)

    def fails(question: str, passages: Sequence[Passage]) -> Iterator[str | Fresh]:
        calls.append(question)
        time.sleep(0.2)
        yield from Stream(TimeoutError("the model is away"))(question, passages)

    def ask(_: int) -> None:
        waiting.wait(10)
        with pytest.raises(TimeoutError, match="away"):
            list(cache.stream(ASKED, fails, scope=SCOPE))

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(ask, range(5)))
    assert len(calls) == 1
    assert list(cache.stream(ASKED, Stream("At nine."), scope=SCOPE)) == ["At nine."]


def test_who_waits_too_long_for_a_stream_calls_for_itself() -> None:
    cache = make(rules=Rules(call_seconds=0.1))
    slow = cache.stream(ASKED, Stream("At ", "nine."), scope=SCOPE)
    next(slow)
    assert list(cache.stream(ASKED, Stream("At nine."), scope=SCOPE)) == ["At nine."]
    assert list(slow) == ["nine."]


def test_streams_of_two_caches_on_one_file_make_one_call(tmp_path: Path) -> None:
    caches = [make(store=tmp_path / "c.db") for _ in range(2)]
    model = Model(seconds=0.2)

    def slow(question: str, passages: Sequence[Passage]) -> Iterator[str]:
        yield model(question, passages)

    def read(cache: SemanticCache) -> str:
        return "".join(cache.stream(ASKED, slow, scope=SCOPE))

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(read, caches * 3)) == {"At nine."}
    assert model.calls == 1


class Broken:
    """Fails from the moment it is told to."""

    def __init__(self) -> None:
        self.broken = True

    def embed(self, texts: Sequence[str]) -> object:
        raise OSError("the embedder is away")

    def decide(self, question: str, neighbours: object) -> object:
        raise OSError("the policy is away")

    learn = state = explain = decide


def test_a_failing_embedder_leaves_the_exact_tier(caplog: pytest.LogCaptureFixture) -> None:
    cache = SemanticCache(Broken(), policy=ServeNear())  # type: ignore[arg-type]
    model = Model()
    with caplog.at_level(logging.WARNING):
        assert cache.answer(ASKED, model, scope=SCOPE).source == "model"
        assert cache.answer(NEAR, model, scope=SCOPE).source == "model"
        assert cache.answer(ASKED, model, scope=SCOPE).source == "exact"
    assert len([r for r in caplog.records if "embedder" in r.message]) == 1
    assert cache.counters["failed_embedder"] >= 2


def test_a_failing_policy_is_a_miss() -> None:
    cache = make(policy=Broken(), on_error="pass")
    model = Model()
    cache.store(ASKED, "At nine.", scope=SCOPE)
    assert cache.answer(NEAR, model, scope=SCOPE).source == "model"
    assert cache.answer(ASKED, model, scope=SCOPE).source == "exact"
    assert cache.counters["failed_lookup"] == 1


def test_a_policy_that_cannot_learn_loses_no_answer() -> None:
    class Unteachable(ServeNear):
        def learn(self, question, neighbours, answer, *, serving):  # type: ignore[no-untyped-def]
            raise OSError("the judge is away")

    cache = make(policy=Unteachable(2.0), on_error="pass")
    for question in (ASKED, NEAR, NEAR):
        source = cache.answer(question, Model(), scope=SCOPE).source
    assert source == "exact"
    assert cache.counters["failed_policy"] == 1


def test_a_failing_store_is_a_miss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = make(store=tmp_path / "c.db", on_error="pass")
    cache.store(ASKED, "At nine.", scope=SCOPE)
    store = cache._store
    assert isinstance(store, SqliteStore)
    store._database.close()
    model = Model("From the model.")
    for _ in range(3):
        assert cache.answer(ASKED, model, scope=SCOPE).text == "From the model."
    assert model.calls == 3
    assert list(cache.stream(ASKED, Stream("At ", "ten."), scope=SCOPE)) == ["At ", "ten."]
    assert cache.counters["failed_lookup"] == 4
    assert len([r for r in caplog.records if "lookup failed" in r.message]) == 1


def test_failures_are_raised_on_demand() -> None:
    cache = SemanticCache(Broken(), on_error="raise")  # type: ignore[arg-type]
    with pytest.raises(OSError, match="away"):
        cache.lookup(ASKED, scope=SCOPE)


def test_what_the_policy_learnt_is_written_down(tmp_path: Path) -> None:
    with make(store=tmp_path / "c.db", policy=ServeNear(2.0)) as cache:
        for number in range(4):
            cache.answer(f"{ASKED} Is it {number}", Model(), scope=SCOPE)
    assert SqliteStore(tmp_path / "c.db").saved_state() == {"lessons": 3}


def test_a_new_policy_goes_on_from_what_was_learnt_with_the_store(tmp_path: Path) -> None:
    """A certificate takes hundreds of labels: a restart must not cost them."""
    path = tmp_path / "c.db"
    with SemanticCache(
        FakeEmbedder(), store=path, policy=ServingPolicy(max_error_rate=0.05), on_error="raise"
    ) as cache:
        for _ in range(3):
            cache.answer("When is soup today?", lambda *_: "At noon.", scope=SCOPE)
            cache.answer("When is the soup today?", lambda *_: "At noon.", scope=SCOPE)
        learnt = cache._keeper._policy.state()
    again = ServingPolicy(max_error_rate=0.05)
    with SemanticCache(FakeEmbedder(), store=path, policy=again, on_error="raise"):
        assert again.taught
        assert again.state() == learnt
    own = ServingPolicy.restore(learnt)
    own.adopt(ServingPolicy().state())
    with SemanticCache(FakeEmbedder(), store=path, policy=own, on_error="raise"):
        assert own.state() == ServingPolicy().state(), "what was taught otherwise stays"
