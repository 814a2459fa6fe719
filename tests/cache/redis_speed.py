"""How long a look takes without the embedding: `python -m tests.cache.redis_speed [ENTRIES]`.

Every server runs on this machine. The last line is a JSON object of milliseconds.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragthrift import Scope
from ragthrift.cache import NewEntry, RedisStore, SemanticCache, SqliteStore
from ragthrift.cache.store import Store
from tests.cache.fakes import ServeNear
from tests.cache.servers import KINDS, running

LOOKS, DIMENSIONS = 500, 384
SCOPE = Scope.of(tenant="acme")


class Known:
    """Vectors in clusters of 20, by the number in a text; the second of a pair lies near it."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((entries // 20, DIMENSIONS)).repeat(20, axis=0)
        vectors = centres + 0.5 * rng.standard_normal(centres.shape)
        near = vectors + 0.1 * rng.standard_normal(centres.shape)
        self.stored, self.near = _unit(vectors), _unit(near)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.of(text) for text in texts])

    def of(self, text: str) -> NDArray[np.float32]:
        number = int(text.rsplit(maxsplit=1)[-1])
        found: NDArray[np.float32] = (self.near if "gain" in text else self.stored)[number]
        return found


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, dtype=np.float32)


def measure(store: Store, known: Known) -> dict[str, float]:
    cache = SemanticCache(known, store=store, policy=ServeNear(0.9), on_error="raise")
    place, puts = cache._finder.place, []
    for number in range(known.entries):
        text, now = f"Question number {number}", time.time()
        entry = NewEntry(
            place(text, SCOPE), "", text, "Yes. " * 100, "g", (), known.of(text), created=now
        )
        puts.append(_seconds(lambda e=entry: store.put(e, fence=None)))  # type: ignore[misc]
    looks: dict[str, list[float]] = {"near": [], "same": []}
    cache.find("Again 1", scope=SCOPE)
    for number in np.random.default_rng(1).permutation(known.entries)[:LOOKS]:
        for name, text in (("same", "Question number"), ("near", "Ask again number")):
            asked = f"{text} {number}"
            looks[name].append(_seconds(lambda q=asked: cache.find(q, scope=SCOPE)))  # type: ignore[misc]
    found = {"near_hits": cache.counters["hits_semantic"] / (LOOKS + 1), "put_p50": _at(puts, 50)}
    for name, seconds in looks.items():
        found |= {f"{name}_p50": _at(seconds, 50), f"{name}_p95": _at(seconds, 95)}
    return found


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _at(seconds: Sequence[float], percentile: int) -> float:
    return round(1000 * float(np.percentile(seconds, percentile)), 3)


def main() -> None:
    known = Known(int(sys.argv[1]) if sys.argv[1:] else 10_000)
    with tempfile.TemporaryDirectory() as folder:
        found = {"sqlite": measure(SqliteStore(Path(folder) / "c.db"), known)}
        for kind in KINDS:
            with running(kind, Path(folder)) as server:
                found[kind] = measure(RedisStore(server.url), known)
                with server.client as client:
                    used = client.info("memory")["used_memory"]
                found[kind]["kib_per_entry"] = round(used / 1024 / known.entries, 2)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
