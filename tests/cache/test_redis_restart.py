"""A server that dies and returns costs misses: no errors, no wrong answers."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ragthrift import Passage, Scope, redis_connection
from ragthrift.cache import Fresh, RedisStore, SemanticCache
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear
from tests.cache.servers import KINDS, Server, running

SCOPE = Scope.of(tenant="acme")
SOUP = "When is soup served?"
NEAR = "When is soup served today?"
MENU = Passage("Soup is at noon.", id="menu")


def open_cache(server: Server, **settings: object) -> SemanticCache:
    store = RedisStore(server.url)
    return SemanticCache(FakeEmbedder(), store=store, policy=ServeNear(0.6), **settings)  # type: ignore[arg-type]


def served(cache: SemanticCache) -> list[bool]:
    return [cache.lookup(question, scope=SCOPE) is not None for question in (SOUP, NEAR)]


def wait_for_the_pause() -> None:
    time.sleep(redis_connection.PAUSE_SECONDS + 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_what_came_back_without_the_news_is_not_served(kind: str, tmp_path: Path) -> None:
    """The snapshot is of before the invalidation: the crash took the news with it."""
    with running(kind, tmp_path, "--save", "3600 1", "--dbfilename", "c.rdb") as server:
        cache, other = open_cache(server), open_cache(server)
        cache.store(SOUP, "At noon.", scope=SCOPE, passages=[MENU])
        early = other.find("Is there tea?", scope=SCOPE)
        assert served(cache) == served(other) == [True, True]
        with server.client as client:
            client.save()
        assert cache.invalidate(document_id="menu") == 1
        server.kill()
        server.start()
        with server.client as client:
            assert client.keys("*:e:*"), "the server did bring the answer back"
        assert served(cache) == served(other) == [False, False]
        assert not other.keep(early, Fresh("Yes.", passages=[MENU]))
        cache.store(SOUP, "At one.", scope=SCOPE, passages=[MENU])
        assert served(other) == [True, True]
        hit = other.lookup(NEAR, scope=SCOPE)
        assert hit
        assert hit.answer == "At one."


def test_an_answer_read_before_is_not_servable_after(tmp_path: Path) -> None:
    """Ids are never given twice, or another entry would vouch for it."""
    with running("local", tmp_path) as server:
        cache = open_cache(server)
        cache.store(SOUP, "At noon.", scope=SCOPE, passages=[MENU])
        entry = cache.find(SOUP, scope=SCOPE).entry
        assert entry
        server.kill()
        server.start()
        cache.store("Is there tea?", "Yes.", scope=SCOPE)
        assert cache._store.size()[0] == 1
        assert not cache._store.servable(entry.id, cache._finder.terms(None))


def test_while_it_is_away_every_question_is_a_miss(tmp_path: Path) -> None:
    with running("local", tmp_path) as server:
        cache, model = open_cache(server), Model()
        cache.answer(SOUP, model, scope=SCOPE)
        server.kill()
        for _ in range(3):
            assert cache.answer(SOUP, model, scope=SCOPE).source == "model"
        assert "".join(cache.stream(SOUP, lambda q, p: ["At ", "nine."], scope=SCOPE))
        assert cache.counters["failed_lookup"] == 4
        for tell in (
            lambda: cache.invalidate(document_id="menu"),
            lambda: cache.document_changed("menu", "2"),
            lambda: cache.chunks_added([MENU]),
            cache.clear,
        ):
            with pytest.raises(redis.ConnectionError):
                tell()
        server.start()
        assert cache.invalidate(document_id="menu") == 0, "whoever must know is told at once"
        assert cache.answer(SOUP, model, scope=SCOPE).source == "model"
        assert cache.answer(SOUP, model, scope=SCOPE).source == "exact"
        assert cache._store.counts()["misses"] >= 5, "counts waited for the server"
        server.kill()
        cache.close()
        server.start()


def test_a_cache_may_be_made_before_the_server_is_there(tmp_path: Path) -> None:
    server = Server("local", tmp_path, "--save", "")
    cache = SemanticCache(FakeEmbedder(), store=RedisStore(server.url))
    assert cache.lookup(SOUP, scope=SCOPE) is None
    server.start()
    wait_for_the_pause()
    try:
        cache.store(SOUP, "At noon.", scope=SCOPE)
        assert served(cache)[0]
    finally:
        server.kill()


def test_a_server_that_does_not_answer_holds_up_one_question_a_second(tmp_path: Path) -> None:
    with running("local", tmp_path) as server:
        client = redis.Redis(port=server.port, socket_timeout=0.2, retry=Retry(NoBackoff(), 0))
        cache = SemanticCache(None, store=RedisStore(client))
        with server.client as other:
            other.client_pause(3000)
        started = time.monotonic()
        for _ in range(20):
            cache.answer(SOUP, Model(), scope=SCOPE)
        assert time.monotonic() - started < 2, "or each of a hundred calls waits for its timeout"
        client.close()


class Asked:
    """What threads saw: answers of versions older than what the cache had been told are stale."""

    def __init__(self, cache: SemanticCache) -> None:
        self.cache = cache
        self.true, self.told = 0, 0
        self.seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def model(self, question: str, passages: Sequence[Passage]) -> Fresh:
        version = self.true
        time.sleep(0.002)
        return Fresh(f"At {version}", passages=[MENU])

    def ask(self, end: float, seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < end:
            told = self.told
            question = f"{chance.choice((SOUP, NEAR))} {chance.randrange(3) or ''}"
            try:
                answer = self.cache.answer(question, self.model, scope=SCOPE)
                stale = int(answer.text.split()[1]) < told and answer.source != "model"
                name: str = "stale" if stale else answer.source
            except Exception as error:  # noqa: BLE001 - counted, and asserted to be none
                name = repr(error)
            with self._lock:
                self.seen[name] += 1

    def change(self, end: float) -> None:
        while time.monotonic() < end:
            version = self.true = self.true + 1
            try:
                self.cache.invalidate(document_id="menu")
            except redis.RedisError:
                continue  # not told: the cache may go on serving the version before
            self.told = version
            time.sleep(0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_and_started_under_load(kind: str, tmp_path: Path) -> None:
    options = ("--appendonly", "yes", "--appendfsync", "everysec")
    with running(kind, tmp_path, *options) as server:
        asked = Asked(open_cache(server))
        end = time.monotonic() + 6
        work = [threading.Thread(target=asked.ask, args=(end, seed)) for seed in range(6)]
        work.append(threading.Thread(target=asked.change, args=(end,)))
        for each in work:
            each.start()
        for _ in range(2):
            time.sleep(1.2)
            before = asked.seen["exact"]
            server.kill()
            time.sleep(0.3)
            server.start()
        for each in work:
            each.join()
        assert set(asked.seen) <= {"model", "exact", "semantic", "flight"}, asked.seen
        assert asked.seen["exact"] > before + 20, f"nothing was served afterwards: {asked.seen}"
        assert asked.told > 20
        asked.cache.close()
