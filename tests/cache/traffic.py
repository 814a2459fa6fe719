"""Traffic on documents that change, with every answer checked; also a process of its own.

The journal is a file of numbers: for each document the version that is true, then the version of
which the cache has been told. An answer older than what the cache had been told before the question
was asked is stale.
"""

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ragthrift import Passage, Scope
from ragthrift.cache import Capacity, Fresh, RedisStore, SemanticCache, SqliteStore
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import ServeNear

DOCUMENTS = 6
TENANTS = 3
WORDS = ["When is it that {} opens", "When does our {} open today", "Tell me when {} will open"]


def journal(folder: Path) -> "np.memmap[tuple[int, int], np.dtype[np.int64]]":
    path = folder / "journal"
    mode = "r+" if path.exists() else "w+"
    return np.memmap(path, dtype=np.int64, mode=mode, shape=(2, DOCUMENTS))  # type: ignore[call-overload,no-any-return]


def open_cache(folder: Path) -> SemanticCache:
    """In a file, or on the server that the folder names."""
    named, capacity = folder / "redis", Capacity(max_entries=12)
    store = (
        RedisStore(named.read_text(), prefix=folder.name, capacity=capacity)
        if named.exists()
        else SqliteStore(folder / "cache.db", capacity=capacity)
    )
    return SemanticCache(FakeEmbedder(), store=store, policy=ServeNear(0.75), on_error="raise")


class Traffic:
    """Asks and checks until the time is over."""

    def __init__(self, folder: Path, *, versions: bool) -> None:
        self.cache = open_cache(folder)
        self.journal = journal(folder)
        self.versions = versions
        self.seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str) -> None:
        with self._lock:
            self.seen[name] += 1

    def model(self, tenant: str, document: int, question: str, _: Sequence[Passage]) -> Fresh:
        version = int(self.journal[0, document])
        time.sleep(random.random() * 0.004)
        known: dict[str, object] = {"document_id": f"document{document}"}
        if self.versions:
            known["version"] = version
        passage = Passage(f"It opens at {version}", id=f"{document}-{version}", metadata=known)
        return Fresh(f"{tenant} {document} {version}", passages=[passage])

    def ask(self, chance: random.Random) -> None:
        tenant, document = f"t{chance.randrange(TENANTS)}", chance.randrange(DOCUMENTS)
        question = chance.choice(WORDS).format(f"document{document}")
        told = self.journal[1].copy()
        answer = self.cache.answer(
            question,
            lambda q, p: self.model(tenant, document, q, p),
            scope=Scope.of(tenant=tenant),
        )
        self.count(answer.source)
        whose, about, version = answer.text.split()
        if whose != tenant:
            self.count("other tenant")
        if answer.source != "model" and int(version) < told[int(about)]:
            self.count("stale")

    def run(self, seconds: float, threads: int, seed: int) -> Counter[str]:
        end = time.monotonic() + seconds

        def worker(number: int) -> None:
            chance = random.Random(seed * 100 + number)
            while time.monotonic() < end:
                try:
                    self.ask(chance)
                except Exception as error:  # noqa: BLE001 - counted, and asserted to be none
                    self.count(f"raised {error!r}")

        workers = [threading.Thread(target=worker, args=(number,)) for number in range(threads)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        return self.seen


def change(folder: Path, cache: SemanticCache, seconds: float, *, versions: bool) -> int:
    """Change documents and tell the cache, until the time is over; how often."""
    chance, book = random.Random(5), journal(folder)
    end, changes = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        document = chance.randrange(DOCUMENTS)
        version = int(book[0, document]) + 1
        book[0, document] = version
        if versions and chance.random() < 0.5:
            cache.document_changed(f"document{document}", str(version))
        else:
            cache.invalidate(document_id=f"document{document}")
        book[1, document] = version
        changes += 1
        time.sleep(0.02)
    return changes


if __name__ == "__main__":
    traffic = Traffic(Path(sys.argv[1]), versions=sys.argv[4] == "versions")
    print("ready", flush=True)
    sys.stdin.readline()
    print(dict(traffic.run(float(sys.argv[2]), 8, int(sys.argv[3]))), flush=True)
