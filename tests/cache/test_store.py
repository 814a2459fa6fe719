"""One file: what it keeps, what it drops, and what survives."""

import gc
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cryptography.fernet import Fernet

from ragthrift import InputError, Passage, Scope
from ragthrift.cache import Capacity, Fresh, Lifetime, SemanticCache, SqliteStore
from ragthrift.cache import vectors as vectors_module
from ragthrift.cache.keeping import ends
from ragthrift.cache.vectors import ScopeVectors
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear

SCOPE = Scope.of(tenant="acme")


def open_cache(path: Path, **settings: object) -> SemanticCache:
    return SemanticCache(
        FakeEmbedder(),
        store=SqliteStore(path, **settings),  # type: ignore[arg-type]
        policy=ServeNear(0.6),
        on_error="raise",
    )


def ask(cache: SemanticCache, question: str) -> str | None:
    hit = cache.lookup(question, scope=SCOPE)
    return hit.answer if hit else None


def test_a_file_is_opened_again(tmp_path: Path) -> None:
    with open_cache(tmp_path / "c.db") as cache:
        cache.store(
            "When is soup served?", "At noon.", scope=SCOPE, passages=[Passage("x", id="d")]
        )
    with open_cache(tmp_path / "c.db") as again:
        assert ask(again, "when is soup served") == "At noon."
        assert ask(again, "When is soup served today?") == "At noon."
        again.invalidate(document_id="d")
    with open_cache(tmp_path / "c.db") as once_more:
        assert ask(once_more, "When is soup served?") is None


def test_a_cache_without_a_path_leaves_nothing_behind() -> None:
    store = SqliteStore()
    path = store._database.path
    assert path.exists()
    store.close()
    assert not path.parent.exists()
    path = SqliteStore()._database.path
    gc.collect()
    assert not path.parent.exists()


def test_two_caches_on_one_file_see_each_other(tmp_path: Path) -> None:
    one, two = open_cache(tmp_path / "c.db"), open_cache(tmp_path / "c.db")
    assert ask(two, "When is soup served today?") is None
    one.store("When is soup served?", "At noon.", scope=SCOPE, passages=[Passage("x", id="d")])
    assert ask(two, "When is soup served today?") == "At noon."
    one.store("When is soup served?", "At one.", scope=SCOPE)
    assert ask(two, "When is soup served today?") == "At one."
    one.clear()
    assert ask(two, "When is soup served today?") is None
    assert ask(two, "When is soup served?") is None


def test_an_index_far_behind_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragthrift.cache.eviction.KEPT_TOMBSTONES", 3)
    one, two = open_cache(tmp_path / "c.db"), open_cache(tmp_path / "c.db")
    one.store("When is soup served?", "At noon.", scope=SCOPE)
    assert ask(two, "When is soup served today?") == "At noon."
    for number in range(20):
        one.store("When is soup served?", f"At {number}.", scope=SCOPE)
    assert ask(two, "When is soup served today?") == "At 19."
    place = two._finder.place("", SCOPE)
    store = two._store
    assert isinstance(store, SqliteStore)
    with store._database.reading() as db:
        assert len(store._indexes.ids(db, place.scope)) == 1
        assert db.execute("SELECT count(*) FROM tombstones").fetchone()[0] <= 7


@pytest.mark.parametrize("capacity", [Capacity(max_entries=5), Capacity(max_bytes=3000)])
def test_no_more_is_kept_than_there_is_room(tmp_path: Path, capacity: Capacity) -> None:
    cache = open_cache(tmp_path / "c.db", capacity=capacity)
    for number in range(30):
        cache.store(f"Soup number {number}", "At noon.", scope=SCOPE)
    entries, size = cache._store.size()
    assert 1 <= entries <= (capacity.max_entries or 9)
    assert size <= (capacity.max_bytes or size)
    rows = sqlite3.connect(tmp_path / "c.db").execute("SELECT count(*), sum(size) FROM entries")
    assert rows.fetchone() == (entries, size)


def test_value_and_vector_and_evidence_go_together(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "c.db", capacity=Capacity(max_entries=3))
    for number in range(12):
        passages = [Passage(f"Text {number}", id=f"d{number}")]
        cache.store(f"Soup number {number}", "At noon.", scope=SCOPE, passages=passages)
    store = cache._store
    assert isinstance(store, SqliteStore)
    with store._database.reading() as db:
        kept = {row[0] for row in db.execute("SELECT id FROM entries")}
        assert store._indexes.ids(db, cache._finder.place("", SCOPE).scope) == kept
        assert {row[0] for row in db.execute("SELECT entry FROM evidence")} == kept
    assert len(kept) == 3


def test_what_is_served_often_or_was_dear_stays(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "c.db", capacity=Capacity(max_entries=6))
    dear = cache.find("How dear is soup?", scope=SCOPE)
    cache.keep(dear, Fresh("Very.", tokens=5000))
    cache.store("How often is soup?", "Daily", scope=SCOPE)
    for _ in range(50):
        ask(cache, "How often is soup?")
    for number in range(30):
        cache.store(f"Is there tea number {number}", "Daily", scope=SCOPE)
    assert ask(cache, "How dear is soup?") == "Very."
    assert ask(cache, "How often is soup?") == "Daily"


def test_an_answer_expires(tmp_path: Path) -> None:
    cache = SemanticCache(None, lifetime=Lifetime(0.15, jitter=0), on_error="raise")
    cache.store("When is soup?", "At noon.", scope=SCOPE)
    assert ask(cache, "When is soup?")
    time.sleep(0.1)
    assert ask(cache, "When is soup?")
    time.sleep(0.1)
    assert ask(cache, "When is soup?") is None


def test_a_sliding_lifetime_ends_after_the_last_serving() -> None:
    lifetime = Lifetime(0.3, jitter=0, sliding=True, max_seconds=0.9)
    cache = SemanticCache(None, lifetime=lifetime, on_error="raise")
    cache.store("When is soup?", "At noon.", scope=SCOPE)
    started, served = time.monotonic(), 0.0
    while ask(cache, "When is soup?"):
        served = time.monotonic() - started
        time.sleep(0.05)
    assert 0.5 < served <= 0.95, "beyond its own seconds, but not beyond max_seconds"


def test_chance_spreads_the_ends() -> None:
    random.seed(1)
    found = [ends(Lifetime(100, jitter=0.2), 0.0)[1] for _ in range(200)]
    assert 80 <= min(found) < 85
    assert 95 < max(found) <= 100


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0}, {"seconds": 5, "jitter": 1}, {"sliding": True}, {"soft_seconds": -1}]
)
def test_a_lifetime_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"Lifetime|sliding"):
        Lifetime(**wrong)  # type: ignore[arg-type]


def test_a_soft_end_serves_and_computes_behind(tmp_path: Path) -> None:
    lifetime = Lifetime(60, soft_seconds=0.05)
    cache = SemanticCache(None, lifetime=lifetime, on_error="raise")
    model = Model("At noon.")
    cache.answer("When is soup?", model, scope=SCOPE)
    time.sleep(0.06)
    model.answer, model.seconds = "At one.", 0.05
    answers = {cache.answer("When is soup?", model, scope=SCOPE).text for _ in range(5)}
    assert answers == {"At noon."}
    deadline = time.monotonic() + 5
    while ask(cache, "When is soup?") != "At one." and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ask(cache, "When is soup?") == "At one."
    assert model.calls == 2
    cache.close()


def test_a_stream_computes_behind_too() -> None:
    said = ["At noon."]
    with SemanticCache(None, lifetime=Lifetime(60, soft_seconds=0.01), on_error="raise") as cache:

        def stream() -> str:
            return "".join(cache.stream("When is soup?", lambda *_: iter(said), scope=SCOPE))

        assert stream() == "At noon."
        time.sleep(0.02)
        said[0] = "At one."
        assert stream() == "At noon."
        deadline = time.monotonic() + 5
        while stream() != "At one." and time.monotonic() < deadline:
            time.sleep(0.01)
        assert stream() == "At one."


def test_nothing_readable_lies_in_an_encrypted_file(tmp_path: Path) -> None:
    key = Fernet.generate_key()
    with open_cache(tmp_path / "c.db", key=key) as cache:
        cache.store("When is secretsoup served?", "At secretnoon.", scope=SCOPE)
        vector = FakeEmbedder().embed(["When is secretsoup served?"])[0]
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for plain in (b"secretsoup", b"secretnoon", vector.astype("<f2").tobytes()):
        assert plain not in raw
    with open_cache(tmp_path / "c.db", key=key.decode()) as again:
        assert ask(again, "When is secretsoup served today?") == "At secretnoon."


@pytest.mark.parametrize("given", [None, Fernet.generate_key()])
def test_another_key_is_refused(tmp_path: Path, given: bytes | None) -> None:
    open_cache(tmp_path / "c.db", key=Fernet.generate_key()).close()
    with pytest.raises(InputError, match="key does not fit"):
        SqliteStore(tmp_path / "c.db", key=given)


def test_a_key_that_is_none_says_how_to_make_one() -> None:
    with pytest.raises(InputError, match="generate_key"):
        SqliteStore(key="open sesame")


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "c.db")
    other.execute("PRAGMA user_version=99")
    other.close()
    with pytest.raises(InputError, match="another version"):
        SqliteStore(tmp_path / "c.db")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_text("Dear diary, " * 200)
    with pytest.raises(InputError, match="no file of a cache"):
        SqliteStore(tmp_path / "c.db")


def test_a_forked_process_shares_the_file(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "c.db")
    cache.store("When is soup served?", "At noon.", scope=SCOPE)
    cache.lookup("When is soup served today?", scope=SCOPE)
    child = os.fork()
    if child == 0:
        cache.store("When is tea served?", "At four.", scope=SCOPE)
        found = ask(cache, "When is soup served?"), ask(cache, "When is tea served?")
        os._exit(0 if found == ("At noon.", "At four.") else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert ask(cache, "When is tea served today?") == "At four."


@pytest.mark.parametrize(
    "damage",
    [
        "answer = 'At midnight.'",
        "question = x'00ff'",
        "answer = 7",
        "vector = x'00'",
        "vector = zeroblob(128)",
        "vector = 7",
    ],
)
@pytest.mark.parametrize("key", [None, Fernet.generate_key()])
def test_damaged_rows_are_skipped_and_counted(
    tmp_path: Path, damage: str, key: bytes | None
) -> None:
    with open_cache(tmp_path / "c.db", key=key) as cache:
        cache.store("When is soup served?", "At noon.", scope=SCOPE)
        cache.store("How many people does the lift hold?", "Eight.", scope=SCOPE)
    with sqlite3.connect(tmp_path / "c.db") as file:
        file.execute("DELETE FROM embeddings")
        file.execute(f"UPDATE entries SET {damage} WHERE id = 1")
    with open_cache(tmp_path / "c.db", key=key) as again:
        assert ask(again, "When is soup served?") is None
        assert ask(again, "When is soup served today?") is None
        assert ask(again, "How many people does the lift hold?") == "Eight."
        assert again._store.counts()["unreadable"] >= 1


def test_answers_with_half_a_surrogate_come_back(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "c.db")
    cache.store("Soup \ud83d?", "At \ud83d\x00 noon.", scope=SCOPE)
    assert ask(cache, "Soup \ud83d?") == "At \ud83d\x00 noon."


WRITER = """
import sys
from ragthrift import Passage, Scope
from ragthrift.cache import SemanticCache
from ragthrift.testing import FakeEmbedder
cache = SemanticCache(FakeEmbedder(), store=sys.argv[1], on_error="raise")
for number in range(10_000):
    passages = [Passage(f"Text {number}", id=f"d{number % 7}")]
    cache.store(f"Soup number {number}", f"Answer {number}", scope=Scope(), passages=passages)
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [40, 5000])
def test_kill_9_loses_nothing_acknowledged(tmp_path: Path, after: int) -> None:
    path = tmp_path / "c.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout
    acknowledged = [int(writer.stdout.readline()) for _ in range(after)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout.read().splitlines() if line.isdigit()]
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    with SemanticCache(FakeEmbedder(), store=path, on_error="raise") as cache:
        for number in acknowledged:
            hit = cache.lookup(f"Soup number {number}", scope=Scope())
            assert hit is not None
            assert hit.answer == f"Answer {number}"
        store = cache._store
        assert isinstance(store, SqliteStore)
        with store._database.reading() as db:
            rows = {row[0] for row in db.execute("SELECT id FROM entries")}
            assert store._indexes.ids(db, cache._finder.place("", Scope()).scope) == rows
            assert {row[0] for row in db.execute("SELECT entry FROM evidence")} == rows
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert len(rows) - len(acknowledged) in (0, 1), "at most one was on its way"
        assert cache.invalidate(document_id="d3") == sum(n % 7 == 3 for n in range(len(rows)))


def clustered(count: int, dimensions: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count // 20, dimensions))
    noise = rng.standard_normal((count, dimensions))
    found = centres[rng.integers(len(centres), size=count)] + 0.5 * noise
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("flat_up_to", [100_000, 500])
def test_nearest_are_found_flat_and_by_signs(
    monkeypatch: pytest.MonkeyPatch, flat_up_to: int
) -> None:
    monkeypatch.setattr(vectors_module, "FLAT_UP_TO", flat_up_to)
    vectors = clustered(4000, 384, seed=1)
    kept = ScopeVectors(384)
    for start in range(0, 4000, 1000):
        kept.add(range(start, start + 1000), vectors[start : start + 1000])
    gone = set(range(0, 4000, 3))
    kept.remove(gone)
    queries = vectors[:50] + 0.02 * clustered(50, 384, seed=2)
    alike = 0
    for query in queries / np.linalg.norm(queries, axis=1, keepdims=True):
        cosines = vectors @ query
        cosines[list(gone)] = -1
        expected = np.argsort(-cosines)[:5]
        found = kept.search(query.astype(np.float32), 5)
        assert gone.isdisjoint(number for number, _ in found)
        assert found[0][0] == expected[0]
        assert found[0][1] == pytest.approx(float(cosines[expected[0]]), abs=1e-3)
        alike += len({number for number, _ in found} & set(expected.tolist()))
    assert alike >= (250 if flat_up_to > 4000 else 237)


def test_without_faiss_numpy_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clustered(800, 64, seed=3)
    kept = ScopeVectors(64)
    kept.add(range(800), vectors)
    with_faiss = kept.search(vectors[7], 5)
    monkeypatch.setitem(sys.modules, "faiss", None)
    found = kept.search(vectors[7], 5)
    assert [number for number, _ in found] == [number for number, _ in with_faiss]


def test_vectors_of_other_lengths_are_left_out(tmp_path: Path) -> None:
    with open_cache(tmp_path / "c.db") as cache:
        cache.store("When is soup served?", "At noon.", scope=SCOPE)
    other = SemanticCache(
        FakeEmbedder(32), store=tmp_path / "c.db", policy=ServeNear(0.6), on_error="raise"
    )
    assert ask(other, "When is soup served?") == "At noon."
    with sqlite3.connect(tmp_path / "c.db") as file:
        file.execute("DELETE FROM embeddings")
    assert ask(other, "When is soup served today?") is None


def test_a_text_is_embedded_once(tmp_path: Path) -> None:
    class Counting(FakeEmbedder):
        texts = 0

        def embed(self, texts):  # type: ignore[no-untyped-def]
            self.texts += len(texts)
            return super().embed(texts)

    embedder = Counting()
    with SemanticCache(embedder, store=tmp_path / "c.db", on_error="raise") as cache:
        for tenant in ("a", "b", "a"):
            cache.answer("When is soup?", Model(), scope=Scope.of(tenant=tenant))
    assert embedder.texts == 1
    with SemanticCache(embedder, store=tmp_path / "c.db", on_error="raise") as cache:
        cache.answer("When is soup?", Model(), scope=Scope.of(tenant="c"))
    assert embedder.texts == 1
