"""Answers in a key-value store beside the cache: found, lost, changed, deleted with the rest."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ragthrift import Passage, Scope
from ragthrift.cache import (
    Capacity,
    Fresh,
    Lifetime,
    RedisStore,
    Rules,
    SemanticCache,
    SqliteStore,
    Store,
)
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear
from tests.cache.servers import KINDS, Server, running

SCOPE = Scope.of(tenant="acme")
ASKED = "When does the canteen open?"
NEAR = "When does our canteen open today?"
LIFT = "How many people does the lift hold?"
SOURCES = b"\x00the handbook, page 4"
MENU = Passage("It opens at nine.", id="menu", metadata={"version": "1"})


class Shelf:
    """A key-value store that forgets and fails on demand."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.reads = 0
        self.away = False
        self._lock = threading.Lock()

    def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        self._there()
        self.reads += 1
        return [self.kept.get(key) for key in keys]

    def put(self, values: Mapping[str, bytes]) -> None:
        self._there()
        with self._lock:
            assert not values.keys() & self.kept.keys(), "a key is used once"
            self.kept.update(values)

    def delete(self, keys: Sequence[str]) -> None:
        self._there()
        with self._lock:
            for key in keys:
                self.kept.pop(key, None)

    def _there(self) -> None:
        if self.away:
            raise ConnectionError("the shelf is away")


Open = Callable[..., Store]


@pytest.fixture(scope="module", params=["file", *KINDS])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server | None]:
    """A server, or none for a file."""
    if request.param == "file":
        yield None
        return
    with running(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def opened(place: Server | None, tmp_path: Path, prefix: str) -> Iterator[Open]:
    """Opens the same file or prefix as often as it is called."""
    if place is None:
        yield lambda **settings: SqliteStore(tmp_path / "c.db", **settings)
        return
    with place.client as client:
        yield lambda **settings: RedisStore(client, prefix=prefix, **settings)


def make(store: Store, **settings: object) -> SemanticCache:
    settings = {"policy": ServeNear(0.6), "on_error": "raise"} | settings
    return SemanticCache(FakeEmbedder(), store=store, **settings)  # type: ignore[arg-type]


def model(question: str, passages: Sequence[Passage]) -> Fresh:
    return Fresh("At nine.", passages=[MENU], extra=SOURCES)


def found(cache: SemanticCache, question: str) -> tuple[str, bytes] | None:
    lookup = cache.find(question, scope=SCOPE)
    return (lookup.hit.answer, lookup.entry.extra) if lookup.hit and lookup.entry else None


def test_answers_lie_on_the_shelf_and_nowhere_else(opened: Open, tmp_path: Path) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf))
    cache.answer(ASKED, model, scope=SCOPE)
    cache.answer(LIFT, lambda q, p: "Eight.", scope=SCOPE)
    (value, other) = shelf.kept.values()
    assert value.endswith(b"At nine." + SOURCES)
    assert other.endswith(b"Eight.")
    cache.close()
    for file in tmp_path.iterdir():
        assert b"At nine." not in file.read_bytes()
    again = make(opened(values=shelf))
    assert found(again, ASKED) == found(again, NEAR) == ("At nine.", SOURCES)
    assert found(again, LIFT) == ("Eight.", b"")


def test_neighbours_are_read_in_one_go(opened: Open) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf), policy=ServeNear(2.0))
    for number in range(5):
        cache.store(f"{ASKED} Is it {number}", f"At {number}.", scope=SCOPE)
    shelf.reads = 0
    lookup = cache.explain(ASKED, scope=SCOPE)
    assert sorted(n.answer for n in lookup.neighbours) == [f"At {n}." for n in range(5)]
    assert shelf.reads == 1


@pytest.mark.parametrize("damage", ["gone", "empty", "another", "cut", "a str"])
def test_a_lost_or_changed_value_is_a_miss_and_heals(opened: Open, damage: str) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf))
    cache.answer(ASKED, model, scope=SCOPE)
    ((key, value),) = shelf.kept.items()
    cache.answer(LIFT, lambda q, p: "Eight.", scope=SCOPE)
    (other,) = (kept for name, kept in shelf.kept.items() if name != key)
    if damage == "gone":
        del shelf.kept[key]
    else:
        changed = {"empty": b"", "another": other, "cut": value[:-1], "a str": "At nine."}
        shelf.kept[key] = changed[damage]  # type: ignore[assignment]
    assert found(cache, ASKED) is None
    assert found(cache, NEAR) is None
    assert found(cache, LIFT) == ("Eight.", b"")
    assert cache.answer(ASKED, model, scope=SCOPE).source == "model"
    assert found(cache, NEAR) == ("At nine.", SOURCES)
    assert len(shelf.kept) == 2


@pytest.mark.parametrize("damage", ["'At nine.'", "x''", "x'00'", "17"])
def test_a_damaged_row_is_a_miss(tmp_path: Path, damage: str) -> None:
    cache = make(SqliteStore(tmp_path / "c.db", values=Shelf()))
    cache.answer(ASKED, model, scope=SCOPE)
    with sqlite3.connect(tmp_path / "c.db") as file:
        file.execute(f"UPDATE entries SET answer = {damage}")
    assert found(cache, ASKED) is None
    assert found(cache, NEAR) is None
    assert cache.answer(ASKED, model, scope=SCOPE).source == "model"
    assert found(cache, ASKED) == ("At nine.", SOURCES)


def test_a_shelf_that_is_away_is_a_miss(opened: Open) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf), on_error="pass")
    cache.answer(ASKED, model, scope=SCOPE)
    shelf.away = True
    for question in (ASKED, NEAR, LIFT):
        assert cache.answer(question, lambda q, p: "At ten.", scope=SCOPE).text == "At ten."
    assert cache.counters["failed_lookup"] >= 2
    assert cache.invalidate(document_id="menu") == 1, "nobody must wait for it to be deleted"
    shelf.away = False
    assert found(cache, ASKED) is None
    cache.answer(LIFT, lambda q, p: "Eight.", scope=SCOPE)
    assert len(shelf.kept) == 1, "what could not be deleted then is deleted with the next write"


def test_values_go_with_their_entries(opened: Open) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf))

    def keep(question: str, passages: Sequence[Passage] = ()) -> None:
        cache.store(question, "At noon.", scope=SCOPE, passages=passages)

    keep(ASKED, [MENU])
    keep(ASKED, [MENU])
    assert len(shelf.kept) == 1, "replaced"
    assert cache.invalidate(document_id="menu") == 1
    assert not shelf.kept
    keep(ASKED, [Passage("It opens at ten.", id="hours", metadata={"version": "2"})])
    assert cache.document_changed("hours", "3") == 1
    assert not shelf.kept
    for number in range(3):
        keep(f"Soup number {number}")
    cache.clear()
    assert not shelf.kept


def test_values_go_when_there_is_no_more_room(opened: Open) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf, capacity=Capacity(max_entries=3)))
    for number in range(12):
        cache.store(f"Soup number {number}", "At noon.", scope=SCOPE)
    assert cache._store.size()[0] == len(shelf.kept) == 3


def test_values_of_expired_answers_go_with_the_next_write(opened: Open) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf), lifetime=Lifetime(0.2, jitter=0))
    cache.store(ASKED, "At noon.", scope=SCOPE)
    time.sleep(0.3)
    assert found(cache, ASKED) is None
    cache.store(LIFT, "Eight.", scope=SCOPE)
    assert [value[4:] for value in shelf.kept.values()] == [b"Eight."]


def test_an_answer_that_is_refused_leaves_no_value(opened: Open) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf))
    lookup = cache.find(ASKED, scope=SCOPE)
    cache.invalidate(document_id="menu")
    assert not cache.keep(lookup, model(ASKED, ()))
    assert not shelf.kept
    assert cache.counters["dropped_moved"] == 1


def test_what_people_did_with_an_answer_stays_where_the_new_one_says_the_same(
    opened: Open,
) -> None:
    shelf = Shelf()
    policy = ServeNear(0.6, audit=True)
    cache = make(opened(values=shelf), policy=policy)
    for question in (ASKED, NEAR):
        cache.answer(question, model, scope=SCOPE)

    def judged() -> tuple[int, int]:
        entry = cache._store.exact(cache._finder.place(ASKED, SCOPE), cache._finder.terms(None))
        assert entry
        return entry.right, entry.wrong

    assert judged() == (1, 0)
    cache.store(ASKED, "At nine.", scope=SCOPE)
    assert judged() == (1, 0)
    cache.store(ASKED, "At ten.", scope=SCOPE)
    assert judged() == (0, 0)


def test_answers_are_shared_after_two_users(opened: Open) -> None:
    cache = make(opened(values=Shelf()), rules=Rules(share_after_users=2))
    sources = [
        cache.answer(ASKED, Model(), scope=SCOPE, user=user).source
        for user in ("ann", "ann", "bob", "carl")
    ]
    assert sources == ["model", "exact", "model", "exact"]


def test_what_is_on_the_shelf_is_encrypted(opened: Open) -> None:
    shelf, key = Shelf(), Fernet.generate_key()
    make(opened(values=shelf, key=key)).answer(ASKED, model, scope=SCOPE)
    (value,) = shelf.kept.values()
    assert b"nine" not in value
    assert b"handbook" not in value
    again = make(opened(values=shelf, key=key))
    assert found(again, ASKED) == found(again, NEAR) == ("At nine.", SOURCES)


def test_answers_of_before_stay_inside_and_are_served(opened: Open) -> None:
    shelf = Shelf()
    make(opened()).answer(ASKED, model, scope=SCOPE)
    cache = make(opened(values=shelf))
    assert found(cache, ASKED) == ("At nine.", SOURCES)
    assert not shelf.kept
    cache.answer(LIFT, lambda q, p: "Eight.", scope=SCOPE)
    without = make(opened())
    assert found(without, ASKED) == ("At nine.", SOURCES)
    assert found(without, LIFT) is None, "its answer lies where this cache does not look"
    without.clear()
    assert len(shelf.kept) == 1
    cache.clear()
    assert not shelf.kept, "the other cache noted what it removed"


def test_two_files_share_one_shelf(tmp_path: Path) -> None:
    shelf = Shelf()
    caches = [make(SqliteStore(tmp_path / f"{n}.db", values=shelf)) for n in range(2)]
    for cache, answer in zip(caches, ("At nine.", "At ten."), strict=True):
        cache.store(ASKED, answer, scope=SCOPE)
    assert [found(cache, ASKED) for cache in caches] == [("At nine.", b""), ("At ten.", b"")]
    caches[0].clear()
    assert found(caches[1], ASKED) == ("At ten.", b"")


def test_nothing_is_left_behind_by_many_at_once(opened: Open) -> None:
    shelf = Shelf()
    cache = make(opened(values=shelf, capacity=Capacity(max_entries=8)))
    wrong: list[str] = []

    def work(worker: int) -> None:
        for turn in range(15):
            number = (worker * 7 + turn) % 12
            question = f"What is number {number} of the list?"
            passages = [Passage(f"Number {number}.", id=f"d{number}")]
            cache.answer(question, lambda q, p: f"It is {q}", scope=SCOPE, passages=passages)
            hit = cache.lookup(question, scope=SCOPE)
            if hit and hit.answer != f"It is {hit.question}":
                wrong.append(hit.answer)
            if turn % 5 == 0:
                cache.invalidate(document_id=f"d{number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert not wrong
    cache.store(LIFT, "Eight.", scope=SCOPE)
    assert len(shelf.kept) == cache._store.size()[0]


def test_a_file_without_values_has_no_outbox(tmp_path: Path) -> None:
    make(SqliteStore(tmp_path / "c.db")).close()
    with sqlite3.connect(tmp_path / "c.db") as file:
        names = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
    assert not names & {"dropped", "value_dropped"}
