"""Several processes on one server: one call between them, and nothing stale, whoever was told."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from ragthrift import Passage, Scope
from ragthrift.cache import Fresh, RedisStore, SemanticCache
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear
from tests.cache.processes import started
from tests.cache.servers import Server, free_port, running
from tests.cache.test_stress import asked_by_processes, asked_by_threads
from tests.cache.traffic import journal

SCOPE = Scope.of(tenant="acme")
SOUP = "When is soup served?"
NEAR = "When is soup served today?"
MENU = Passage("Soup is at noon.", id="menu")


@pytest.fixture
def folder(server: Server, tmp_path: Path) -> Path:
    (tmp_path / "redis").write_text(server.url)
    journal(tmp_path)[:] = 0
    return tmp_path


@pytest.mark.parametrize("versions", [False, True])
def test_threads(folder: Path, versions: bool) -> None:
    traffic = asked_by_threads(folder, 2, versions=versions)
    assert traffic.cache._store.size()[0] <= 12


def test_processes(folder: Path) -> None:
    cache = asked_by_processes(folder, 4, 8, versions=True)
    assert cache._store.size()[0] <= 12


ASKER = """
import sys, time
from ragthrift import Scope
from ragthrift.cache import RedisStore, SemanticCache
from concurrent.futures import ThreadPoolExecutor
folder, url = sys.argv[1:]
def model(question, passages):
    with open(folder + "/calls", "a") as calls:
        calls.write("x")
    time.sleep(1.0)
    return "At nine."
cache = SemanticCache(None, store=RedisStore(url, prefix="asker"), on_error="raise")
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda _: cache.answer("Soup?", model, scope=Scope()).text, range(8)))
assert set(answers) == {"At nine."}, answers
"""


def test_processes_make_one_call_between_them(server: Server, tmp_path: Path) -> None:
    with started([["-c", ASKER, str(tmp_path), server.url]] * 3) as askers:
        for asker in askers:
            asker.communicate(timeout=60)
            assert asker.returncode == 0
    assert (tmp_path / "calls").read_text() == "x"


def pair(server: Server, prefix: str) -> list[SemanticCache]:
    return [
        SemanticCache(
            FakeEmbedder(),
            store=RedisStore(server.url, prefix=prefix),
            policy=ServeNear(0.6),
            on_error="raise",
        )
        for _ in range(2)
    ]


def test_an_invalidation_is_seen_by_all_at_once(server: Server, tmp_path: Path) -> None:
    one, two = pair(server, tmp_path.name)
    for number in range(30):
        one.store(SOUP, f"At {number}.", scope=SCOPE, passages=[MENU])
        hits = [cache.lookup(q, scope=SCOPE) for cache in (one, two) for q in (SOUP, NEAR)]
        assert [hit.answer if hit else None for hit in hits] == [f"At {number}."] * 4
        (one, two)[number % 2].invalidate(document_id="menu")
        assert not any(cache.lookup(q, scope=SCOPE) for cache in (one, two) for q in (SOUP, NEAR))


def test_writes_that_race_with_invalidations_leave_nothing_stale(
    server: Server, tmp_path: Path
) -> None:
    """Whatever the order, an answer made before the last invalidation is not served after it."""
    one, two = pair(server, tmp_path.name)
    left = Counter[bool]()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(150):
            lookup = one.find(SOUP, scope=SCOPE)
            kept = pool.submit(one.keep, lookup, Fresh("At noon.", passages=[MENU]))
            pool.submit(two.invalidate, document_id="menu").result()
            left[kept.result()] += 1
            assert two.lookup(SOUP, scope=SCOPE) is None
            assert one.lookup(NEAR, scope=SCOPE) is None
    assert one._store.size()[0] == 0
    assert left[True] + left[False] == 150


def test_what_one_learnt_the_other_goes_on_from(server: Server, tmp_path: Path) -> None:
    one, two = pair(server, tmp_path.name)
    for question in (SOUP, NEAR, "Is there tea?"):
        one.answer(question, Model(), scope=SCOPE)
    one.close()
    counts = two._store.counts()
    assert (counts["misses"], counts["hits_semantic"]) == (2, 1)
    assert two._store.saved_state() == {"lessons": 1}
    assert [label.kind for label in two._store.labels()] == ["miss"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.RedisCluster]:
    """Three shards without replicas."""
    buses = [free_port() for _ in range(3)]
    with ExitStack() as stack:
        shards = []
        for number, bus in enumerate(buses):
            options = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--save", "")
            folder = tmp_path_factory.mktemp(f"shard{number}")
            shards.append(stack.enter_context(running("sets", folder, *options)))
        bounds = [0, 5461, 10923, 16384]
        for number, shard in enumerate(shards):
            with shard.client as client:
                client.execute_command(
                    "CLUSTER ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1
                )
                client.execute_command("CLUSTER MEET", "127.0.0.1", shards[0].port, buses[0])
        for shard in shards:
            with shard.client as client:
                while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                    time.sleep(0.05)
        client = redis.RedisCluster(host="127.0.0.1", port=shards[0].port)
        yield client
        client.close()


@pytest.mark.parametrize("vectors", ["sets", "local"])
def test_a_cluster_keeps_each_cache_on_one_shard(cluster: redis.RedisCluster, vectors: str) -> None:
    for number in range(6):
        store = RedisStore(cluster, prefix=f"{vectors}{number}", vectors=vectors)  # type: ignore[arg-type]
        cache = SemanticCache(FakeEmbedder(), store=store, policy=ServeNear(0.6), on_error="raise")
        cache.store(SOUP, "At noon.", scope=SCOPE, passages=[MENU])
        cache.store("Is there tea?", "Yes.", scope=SCOPE)
        assert cache.lookup(SOUP, scope=SCOPE)
        assert cache.lookup(NEAR, scope=SCOPE)
        assert cache.chunks_added([Passage(SOUP)]) == 1
        assert cache.invalidate(document_id="menu") == 1
        assert cache.lookup(NEAR, scope=SCOPE) is None
        assert cache.lookup("Is there tea?", scope=SCOPE)
        place = cache._finder.place(SOUP, SCOPE)
        assert store.lease(place, 5)
        cache.clear()
        assert not store.leased(place)
        assert store.size() == (0, 0)
        assert store.counts()["stored"] == 2
        cache.close()
