"""How long a look takes without the embedding: `python -m benchmarks.cache_speed`.

The file holds `--entries` answers, every kind of Redis server `--redis-entries`; all run on this
machine. Vectors lie in clusters of 20. `same` is asked in the words of an entry, `near` in others,
with the decision of `ServingPolicy`. Memory is what the process grew by, an entry, when the file
was opened anew and asked once; answers are not held in memory. Milliseconds and bytes.
"""

import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared import finish, parser, quantiles, say
from ragthrift import Scope
from ragthrift.cache import Fresh, RedisStore, SemanticCache, SqliteStore
from ragthrift.cache.serving import ServingPolicy
from ragthrift.cache.store import Store
from tests.cache.servers import KINDS, running

LOOKS, DIMENSIONS = 500, 384
SCOPE = Scope.of(tenant="acme")
ANSWER = "Yes, it can be done. " * 25
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo")


SAME, NEAR = "How do I", "Please, how can I"


def reworded(question: str) -> str:
    """The question in other words."""
    return question.replace(SAME, NEAR)


class Known:
    """Questions and their vectors, in clusters of 20; each has a near one in other words."""

    def __init__(self, entries: int) -> None:
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((entries // 20, DIMENSIONS), dtype=np.float32)
        vectors = np.repeat(centres, 20, axis=0)
        vectors += 0.5 * rng.standard_normal(vectors.shape, dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        self._vectors, self._rng = vectors, rng
        words = ["".join(each) for each in rng.choice(SYLLABLES, (2000, 3))]
        chosen = rng.choice(words, (entries, 4))
        self.questions = [f"{SAME} {a} the {b} of my {c} {d}?" for a, b, c, d in chosen]
        self._at = {text: number for number, text in enumerate(self.questions)}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Of a question as it stands its vector, of another wording one beside it."""
        return np.stack([self._of(text) for text in texts])

    def _of(self, text: str) -> NDArray[np.float32]:
        if text in self._at:
            found: NDArray[np.float32] = self._vectors[self._at[text]]
            return found
        near = self._vectors[self._at[text.replace(NEAR, SAME)]]
        moved = near + 0.005 * self._rng.standard_normal(DIMENSIONS, dtype=np.float32)
        return np.asarray(moved / np.linalg.norm(moved), dtype=np.float32)


def opened(store: Store, known: Known) -> SemanticCache:
    """A cache that decides as it does for users."""
    policy = ServingPolicy(audit_share=0, seed=0)
    return SemanticCache(known, store=store, policy=policy, on_error="raise")


def fill(store: Store, known: Known) -> dict[str, float]:
    """Store every question; how long each took."""
    cache, seconds = opened(store, known), []
    for question in known.questions:
        lookup = cache._finder.unlooked(question, SCOPE)
        seconds.append(_seconds(lambda found=lookup: cache.keep(found, Fresh(ANSWER))))  # type: ignore[misc]
    return quantiles("store", seconds)


def look(store: Store, known: Known) -> dict[str, float]:
    """Ask for some of them, in the same and in other words."""
    cache = opened(store, known)
    looks: dict[str, list[float]] = {"same": [], "near": []}
    for number in np.random.default_rng(1).permutation(len(known.questions))[:LOOKS]:
        same = known.questions[number]
        for name, text in (("same", same), ("near", reworded(same))):
            vector = known.embed([text])[0]
            cache._finder.embed = lambda _, at=vector: at  # type: ignore[method-assign,misc]
            looks[name].append(_seconds(lambda q=text: cache.find(q, scope=SCOPE)))  # type: ignore[misc]
    found = {"near_hits": cache.counters.get("hits_semantic", 0) / LOOKS}
    for name, seconds in looks.items():
        found |= quantiles(name, seconds)
    return found


def held(store: Store, known: Known) -> dict[str, int]:
    """Bytes of this process for each entry, once a first look has read the vectors. Linux only."""
    before = _resident()
    opened(store, known).find(reworded(known.questions[0]), scope=SCOPE)
    return {"bytes_per_entry": round((_resident() - before) / len(known.questions))}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_file(known: Known) -> dict[str, float]:
    """Filled by one store, asked by another, as by a process that starts anew."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "cache.db")
        store = SqliteStore(path)
        found = fill(store, known)
        store.close()
        store = SqliteStore(path)
        try:
            return found | held(store, known) | look(store, known)
        finally:
            store.close()


def on_server(kind: str, known: Known) -> dict[str, float]:
    """On a server that was just started; `server_bytes_per_entry` holds the answers, too."""
    with TemporaryDirectory() as folder, running(kind, Path(folder)) as server:
        store = RedisStore(server.url)
        found = fill(store, known) | look(store, known)
        store.close()
        with server.client as client:
            used = client.info("memory")["used_memory"]
    return found | {"server_bytes_per_entry": round(used / len(known.questions))}


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--entries", type=int, default=100_000)
    arguments.add_argument("--redis-entries", type=int, default=10_000)
    chosen = arguments.parse_args()
    found: dict[str, object] = {"entries": chosen.entries, "file": in_file(Known(chosen.entries))}
    say(chosen.json, f"file, {chosen.entries} entries: {found['file']}")
    known = Known(chosen.redis_entries)
    found |= {"redis_entries": chosen.redis_entries, "small_file": in_file(known)}
    for kind in KINDS:
        found[kind] = on_server(kind, known)
        say(chosen.json, f"{kind}: {found[kind]}")
    finish(found)


if __name__ == "__main__":
    main()
