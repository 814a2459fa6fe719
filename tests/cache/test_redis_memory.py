"""What is gone is gone with all that belongs to it, whoever removed it."""

import time
from pathlib import Path

import pytest

from ragthrift import Passage
from ragthrift.cache import Capacity, Fresh, Lifetime
from tests.cache.servers import Server, running
from tests.cache.test_redis_store import NEAR, SCOPE, SOUP, ask, open_cache


def keys(server: Server, prefix: str) -> set[str]:
    """Names of the cache's keys, without the prefix."""
    with server.client as client:
        return {key.decode().split("}:")[1] for key in client.scan_iter(f"{{{prefix}}}:*")}


def members(server: Server, prefix: str) -> int:
    """Vectors that the server's own index holds."""
    with server.client as client:
        return sum(
            client.execute_command("VCARD", key) for key in client.scan_iter(f"{{{prefix}}}:v:*")
        )


@pytest.mark.parametrize("capacity", [Capacity(max_entries=5), Capacity(max_bytes=3000)])
def test_no_more_is_kept_than_there_is_room(
    server: Server, prefix: str, capacity: Capacity
) -> None:
    cache = open_cache(server, prefix, capacity=capacity)
    for number in range(30):
        passages = [Passage(f"Text {number}", id=f"d{number}")]
        cache.store(f"Soup number {number}", "At noon.", scope=SCOPE, passages=passages)
    entries, size = cache._store.size()
    assert 1 <= entries <= (capacity.max_entries or 9)
    assert 0 < size <= (capacity.max_bytes or size)
    kept = keys(server, prefix)
    for kind in ("e:", "q:", "b:"):
        assert len([name for name in kept if name.startswith(kind)]) == entries
    with server.client as client:
        for name in ("all", "worth"):
            assert client.zcard(f"{{{prefix}}}:{name}") == entries
    if cache._store.vectors == "sets":  # type: ignore[attr-defined]
        assert members(server, prefix) == entries


def test_an_end_is_an_end_for_the_server_too(server: Server, prefix: str) -> None:
    cache = open_cache(server, prefix, Lifetime(0.3, jitter=0))
    passages = [Passage("Soup is at noon.", id="menu")]
    cache.store(SOUP, "At noon.", scope=SCOPE, passages=passages)
    assert ask(cache, NEAR) == "At noon."
    with server.client as client:
        for name in keys(server, prefix):
            if name[:2] in ("e:", "q:", "b:"):
                assert 0 < client.pttl(f"{{{prefix}}}:{name}") < 61_000
    time.sleep(0.35)
    assert ask(cache, SOUP) is None
    assert ask(cache, NEAR) is None
    assert cache._store.size()[0] == 0, "who finds it expired removes it"


def test_what_the_server_dropped_takes_its_vector_along(server: Server, prefix: str) -> None:
    cache = open_cache(server, prefix)
    for number in range(40):
        cache.store(f"{SOUP} {number}", "At noon.", scope=SCOPE)
    assert ask(cache, NEAR)
    with server.client as client:
        for name in sorted(keys(server, prefix)):
            if name.startswith("e:") and int(name[2:]) % 40 != 7:
                client.delete(f"{{{prefix}}}:{name}")
    for _ in range(3):
        cache.lookup(NEAR, scope=SCOPE)
    assert ask(cache, NEAR) == "At noon.", "the one that is left is found behind those that went"
    if server.kind != "search":  # whose index had dropped them before anybody found them
        assert cache._store.size()[0] < 20
    if server.kind == "sets":
        assert members(server, prefix) == cache._store.size()[0]


def test_a_sliding_lifetime_moves_every_end(server: Server, prefix: str) -> None:
    cache = open_cache(server, prefix, Lifetime(0.4, jitter=0, sliding=True, max_seconds=1.2))
    cache.store(SOUP, "At noon.", scope=SCOPE, passages=[Passage("At noon.", id="menu")])
    started, served = time.monotonic(), 0.0
    while ask(cache, SOUP):
        served = time.monotonic() - started
        time.sleep(0.05)
    assert 0.7 < served <= 1.25, "beyond its own seconds, but not beyond max_seconds"


def test_cleared_memory_is_free(server: Server, prefix: str) -> None:
    cache = open_cache(server, prefix)
    for number in range(250):
        cache.store(f"{SOUP} {number}", "At noon.", scope=SCOPE)
    cache.clear()
    assert cache._store.size() == (0, 0)
    kept = {name.split(":")[0] for name in keys(server, prefix)}
    assert kept <= {"registry", "facts", "counts", "lock", "c", "s"}


def test_embeddings_have_an_end_and_a_number(server: Server, prefix: str) -> None:
    cache = open_cache(server, prefix, capacity=Capacity(max_embeddings=5))
    for number in range(12):
        cache.store(f"{SOUP} {number}", "At noon.", scope=SCOPE)
    cache._store.flush()
    with server.client as client:
        found = list(client.scan_iter(f"{{{prefix}}}:m:*"))
        assert len(found) == 5
        assert 86_400 < min(map(client.ttl, found)) <= 30 * 86_400


def test_a_process_far_behind_starts_over(server: Server, prefix: str) -> None:
    one, two = (open_cache(server, prefix, vectors="local") for _ in range(2))
    one.store(SOUP, "At noon.", scope=SCOPE)
    assert ask(two, NEAR) == "At noon."
    one.store("How many people does the lift hold?", "Eight.", scope=SCOPE)
    for number in range(20):
        one.store(SOUP, f"At {number}.", scope=SCOPE)
    with server.client as client:
        (stream,) = client.scan_iter(f"{{{prefix}}}:s:*")
        assert client.xtrim(stream, maxlen=3, approximate=False) > 30
    assert ask(two, NEAR) == "At 19."
    assert ask(two, "How many people does a lift hold?") == "Eight.", "its change was trimmed"
    one.store("Who cooks?", "Ann.", scope=SCOPE)
    assert ask(two, "Who cooks today?") == "Ann."


def test_an_emptied_server_serves_nothing(server: Server, tmp_path: Path) -> None:
    with running(server.kind, tmp_path) as own:
        caches = [open_cache(own, "flushed") for _ in range(2)]
        caches[0].store(SOUP, "At noon.", scope=SCOPE)
        assert [ask(cache, NEAR) for cache in caches] == ["At noon."] * 2
        early = caches[1].find("Is there tea?", scope=SCOPE)
        with own.client as client:
            client.flushall()
        assert [ask(cache, question) for cache in caches for question in (SOUP, NEAR)] == [None] * 4
        assert not caches[1].keep(early, Fresh("Yes.")), "nobody knows what moved meanwhile"
        caches[0].store(SOUP, "At one.", scope=SCOPE)
        deadline = time.monotonic() + 5
        while ask(caches[1], NEAR) != "At one." and time.monotonic() < deadline:
            time.sleep(0.05)  # a query engine indexes what is there behind
        assert [ask(cache, NEAR) for cache in caches] == ["At one."] * 2
