"""Many machines, one server: what it keeps, what it drops, and what it refuses."""

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from cryptography.fernet import Fernet

from ragthrift import InputError, MissingExtraError, Passage, Scope
from ragthrift.cache import Fresh, Lifetime, RedisStore, SemanticCache
from ragthrift.cache.entry import NewEntry, Terms
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import ServeNear
from tests.cache.servers import Server, running

SCOPE = Scope.of(tenant="acme", corpus="handbook")
SOUP = "When is soup served?"
NEAR = "When is soup served today?"


def open_cache(
    server: Server, prefix: str, lifetime: Lifetime | None = None, **settings: object
) -> SemanticCache:
    store = RedisStore(server.url, prefix=prefix, **settings)  # type: ignore[arg-type]
    return SemanticCache(
        FakeEmbedder(), store=store, policy=ServeNear(0.6), lifetime=lifetime, on_error="raise"
    )


def ask(cache: SemanticCache, question: str) -> str | None:
    hit = cache.lookup(question, scope=SCOPE)
    return hit.answer if hit else None


def test_the_server_says_how_vectors_are_searched(server: Server, prefix: str) -> None:
    kinds = {"sets", "search", "local"}
    wanted = RedisStore(server.url, prefix=prefix).vectors
    assert wanted in kinds
    for missing in kinds - {wanted, "local"}:
        with pytest.raises(InputError, match=f"vectors='{missing}' cannot work"):
            RedisStore(server.url, prefix=uuid.uuid4().hex, vectors=missing)  # type: ignore[arg-type]
    assert RedisStore(server.url, prefix=uuid.uuid4().hex, vectors="local").vectors == "local"


def test_all_who_share_a_prefix_search_alike(server: Server, prefix: str) -> None:
    open_cache(server, prefix, vectors="local").store(SOUP, "At noon.", scope=SCOPE)
    other = open_cache(server, prefix)
    assert other._store.vectors == "local"  # type: ignore[attr-defined]
    assert ask(other, NEAR) == "At noon."
    with pytest.raises(InputError, match="another prefix"):
        RedisStore(server.url, prefix=prefix, vectors="sets")


def test_what_cannot_be_is_refused(server: Server) -> None:
    for wrong in ({"prefix": "{a}"}, {"prefix": ""}, {"vectors": "best"}):
        with pytest.raises(InputError, match=r"prefix|vectors"):
            RedisStore(server.url, **wrong)  # type: ignore[arg-type]
    texts = redis.Redis(port=server.port, decode_responses=True)
    with pytest.raises(InputError, match="decode_responses"):
        RedisStore(texts)
    texts.close()
    with pytest.raises(InputError, match="no Redis client"):
        RedisStore(object())  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_client_of_ones_own_stays_open(server: Server, prefix: str, protocol: int) -> None:
    with redis.Redis(port=server.port, protocol=protocol) as client:
        store = RedisStore(client, prefix=prefix)
        with SemanticCache(
            FakeEmbedder(), store=store, policy=ServeNear(0.6), on_error="raise"
        ) as cache:
            cache.store(SOUP, "At noon.", scope=SCOPE)
            assert ask(cache, NEAR) == "At noon."
        assert client.ping()


def test_nothing_readable_lies_on_an_encrypted_server(server: Server, prefix: str) -> None:
    key = Fernet.generate_key()
    cache = open_cache(server, prefix, key=key)
    cache.answer(
        "When is secretsoup served?",
        lambda q, p: Fresh("At secretnoon.", extra=b"secretextra"),
        scope=SCOPE,
    )
    assert cache._store.vectors == "local"  # type: ignore[attr-defined]
    vector = FakeEmbedder().embed(["When is secretsoup served?"])[0]
    cache.close()
    with server.client as client:
        raw = b"".join(
            name + (client.dump(name) or b"") for name in client.scan_iter(f"{{{prefix}}}:*")
        )
        for name in client.scan_iter(f"{{{prefix}}}:e:*"):
            raw += b"".join(client.hvals(name))
    assert b"gAAAA" in raw
    for plain in (b"secretsoup", b"secretnoon", b"secretextra"):
        assert plain not in raw
    assert vector.astype("<f2").tobytes() not in raw
    assert ask(open_cache(server, prefix, key=key), NEAR.replace("soup", "secretsoup"))
    for other in (None, Fernet.generate_key()):
        with pytest.raises(InputError, match="key does not fit"):
            RedisStore(server.url, prefix=prefix, key=other)
    for kind in ("sets", "search"):
        with pytest.raises(InputError, match="vectors='local'"):
            RedisStore(server.url, prefix="other", key=key, vectors=kind)


@pytest.mark.parametrize(
    ("field", "value"),
    [("answer", b"At midnight."), ("question", b"\xff"), ("vector", b"\0"), ("created", b"soon")],
)
def test_damaged_entries_are_skipped_and_counted(
    server: Server, prefix: str, field: str, value: bytes
) -> None:
    cache = open_cache(server, prefix)
    cache.store(SOUP, "At noon.", scope=SCOPE)
    with server.client as client:
        (name,) = client.scan_iter(f"{{{prefix}}}:e:*")
        client.hset(name, field, value)
    cache.store("How many people does the lift hold?", "Eight.", scope=SCOPE)
    assert ask(cache, SOUP) is None
    assert ask(cache, NEAR) is None
    assert ask(cache, "How many people does the lift hold?") == "Eight."
    assert cache._store.counts()["unreadable"] >= 1


def test_a_lease_given_back_late_stays_with_the_other(server: Server, prefix: str) -> None:
    store = RedisStore(server.url, prefix=prefix)
    place = open_cache(server, prefix)._finder.place(SOUP, SCOPE)
    late = store.lease(place, 0.05)
    assert late
    assert store.lease(place, 60) is None
    time.sleep(0.06)
    assert store.lease(place, 60)
    store.release(place, late)
    assert store.leased(place)
    store.clear()
    assert not store.leased(place)


def test_an_invalidated_version_does_not_come_back(server: Server, prefix: str) -> None:
    """An entry that was written around an invalidation is not revived by its version."""
    cache = open_cache(server, prefix)
    menu = Passage("Soup is at noon.", id="menu", metadata={"version": "1"})
    cache.store(SOUP, "At noon.", scope=SCOPE, passages=[menu])
    with server.client as client:
        (name,) = client.scan_iter(f"{{{prefix}}}:e:*")
        (question,) = client.scan_iter(f"{{{prefix}}}:q:*")
        kept, number = client.dump(name), client.get(question)
        cache.invalidate(document_id="menu")
        client.restore(name, 0, kept)
        client.set(question, number)
    cache.store("Is there tea?", "Yes.", scope=SCOPE, passages=[menu])
    assert ask(cache, "Is there tea?") == "Yes."
    assert ask(cache, SOUP) is None


def test_ids_of_evidence_may_be_anything(server: Server, prefix: str) -> None:
    cache = open_cache(server, prefix)
    odd = ["", "a:b", "half \ud83d", "nul\x00", "line\nbreak", "{x}", "ü" * 300]
    for number, name in enumerate(odd):
        known = {"document_id": name, "version": f"v:\x00{name}\n"}
        passage = Passage("Text.", id="p", metadata=known)
        cache.store(f"Question number {number}", "Yes.", scope=SCOPE, passages=[passage])
        lookup = cache.find(f"Question number {number}", scope=SCOPE)
        assert lookup.entry
        (evidence,) = cache._store.evidence(lookup.entry.id)
        assert (evidence.document_id, evidence.version) == (name, known["version"])
    assert [cache.document_changed(name, f"v:\x00{name}\n") for name in odd] == [0] * len(odd)
    assert [cache.document_changed(name, "w") for name in odd] == [1] * len(odd)


@pytest.fixture
def vectorless(server: Server, prefix: str) -> Iterator[RedisStore]:
    store = RedisStore(server.url, prefix=prefix)
    yield store
    store.close()


def test_an_answer_may_have_no_vector(vectorless: RedisStore, server: Server) -> None:
    place = open_cache(server, "any")._finder.place(SOUP, SCOPE)
    entry = NewEntry(place, "", SOUP, "At noon.", "g", (), None, created=time.time())
    later = vectorless.fence() + 1
    assert vectorless.put(entry, fence=later) == "cleared", "another server's epoch"
    assert vectorless.put(entry, fence=None) == "stored"
    found = vectorless.exact(place, Terms(time.time()))
    assert found
    assert found.answer == "At noon."
    assert vectorless.nearest(place.scope, FakeEmbedder().embed([SOUP])[0], 3, Terms(0.0)) == []


def test_a_server_that_refuses_says_what_it_needs(tmp_path: Path) -> None:
    with running("local", tmp_path) as guarded:
        with guarded.client as client:
            client.config_set("requirepass", "sesame")
        with pytest.raises(InputError, match=r"refuses .*authenticate"):
            RedisStore(guarded.url)
        assert RedisStore(guarded.url.replace("//", "//:sesame@")).fence()


def test_debians_server_is_new_enough(tmp_path: Path) -> None:
    with running("debian", tmp_path) as debian:
        cache = open_cache(debian, "plain")
        cache.store(SOUP, "At noon.", scope=SCOPE, passages=[Passage("At noon.", id="menu")])
        assert ask(cache, NEAR) == "At noon."
        assert cache.invalidate(document_id="menu") == 1
        assert ask(cache, NEAR) is None


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r"ragthrift\[redis\]"):
        RedisStore("redis://127.0.0.1")


def test_importing_the_cache_imports_no_client() -> None:
    asked = "import sys, ragthrift.cache; print('redis' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"
