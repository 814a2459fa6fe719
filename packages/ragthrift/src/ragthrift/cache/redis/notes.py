"""What may be written a little later: counts, servings, embeddings; and what was learnt."""

import json
import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ragthrift.cache.cipher import Cipher, UnreadableError
from ragthrift.cache.entry import Learnt
from ragthrift.cache.notebook import HELD_SERVINGS, IN_MEMORY, KEPT_LABELS
from ragthrift.cache.redis.connection import Connection
from ragthrift.cache.rows import seal_vector, unseal_vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

log = logging.getLogger(__name__)

EMBEDDING_SECONDS = 30 * 86_400
"""How long the vector of a text is kept in Redis."""
HELD_VECTORS = 64


class Notes:
    """Holds small writes back, as `notebook` does for the file: a hit costs no round trip for them.

    They are written with the next answer, and every `HELD_SERVINGS` servings. While the server is
    away they wait, but for embeddings beyond `HELD_VECTORS`.
    """

    def __init__(self, connection: Connection, cipher: Cipher, max_embeddings: int) -> None:
        self._connection, self._cipher = connection, cipher
        self._max_embeddings = max_embeddings
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._hits: Counter[int] = Counter()
        self._new_vectors: dict[bytes, Floats] = {}
        self._vectors: OrderedDict[bytes, Floats] = OrderedDict()

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counts[name] += number

    def counts(self) -> dict[str, int]:
        """The counters, of all processes that share the server and have flushed."""
        self.flush()
        found = self._connection.attempt(lambda c: c.hgetall(self._connection.key("counts")))
        return {name.decode(): int(number) for name, number in sorted(found.items())}

    def touch(self, entry_id: int, *, end: float | None = None) -> None:
        """Count a serving; `end` moves the end of a sliding lifetime."""
        with self._lock:
            self._hits[entry_id] += 1
            full = self._hits.total() >= HELD_SERVINGS
        if end is not None:
            self._connection.run("touch", entry_id, repr(end))
        if full:
            self.flush()

    def embedding(self, digest: bytes) -> "Floats | None":
        """The vector of a text embedded before."""
        with self._lock:
            if digest in self._vectors:
                self._vectors.move_to_end(digest)
                return self._vectors[digest]
        name = self._connection.key(f"m:{digest.hex()}")
        sealed = self._connection.attempt(lambda c: c.get(name))
        if sealed is None:
            return None
        try:
            vector = unseal_vector(self._cipher, sealed)
        except UnreadableError:
            self.count("unreadable")
            return None
        with self._lock:
            self._remember(digest, vector)
        return vector

    def keep_embedding(self, digest: bytes, vector: "Floats") -> None:
        """Remember a text's vector."""
        with self._lock:
            self._remember(digest, vector)
            if len(self._new_vectors) < HELD_VECTORS:
                self._new_vectors[digest] = vector

    def _remember(self, digest: bytes, vector: "Floats") -> None:
        self._vectors[digest] = vector
        if len(self._vectors) > IN_MEMORY:
            self._vectors.popitem(last=False)

    def learnt(self, label: Learnt) -> None:
        """Keep what a fresh answer said about a decision, and on the entry it was made about."""
        column = {"agreed": "right_count", "disagreed": "wrong_count"}.get(label.agreement, "")
        about = label.entry_id if label.would_serve and label.entry_id is not None else ""
        written = json.dumps([label.kind, label.would_serve, label.confidence, label.agreement])
        column = column if about else ""
        self._connection.run("learn", written, KEPT_LABELS, column, about)

    def labels(self) -> list[Learnt]:
        """What was learnt, oldest first."""
        name = self._connection.key("labels")
        return [
            Learnt(*json.loads(written))
            for written in self._connection.attempt(lambda c: c.lrange(name, 0, -1))
        ]

    def save_state(self, state: Mapping[str, object]) -> None:
        """Keep a policy's state."""
        name, written = self._connection.key("policy"), json.dumps(state)
        self._connection.attempt(lambda c: c.set(name, written))

    def saved_state(self) -> dict[str, object] | None:
        """The policy's state that was kept last; `None` while the server is away, too."""
        name = self._connection.key("policy")
        try:
            written = self._connection.attempt(lambda c: c.get(name))
        except self._connection.away as error:
            log.warning("what was learnt before cannot be read: %s", error)
            return None
        state = json.loads(written) if written else None
        return state if isinstance(state, dict) else None

    def flush(self) -> None:
        """Write what was held back; it is held on if the server cannot be reached."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            hits, self._hits = self._hits, Counter()
            vectors, self._new_vectors = self._new_vectors, {}
        if not (counts or hits or vectors):
            return
        sealed = {d.hex(): seal_vector(self._cipher, vector) for d, vector in vectors.items()}
        written: list[object] = []
        for pairs in (counts, hits, sealed):
            written += [len(pairs), *(each for pair in pairs.items() for each in pair)]
        try:
            self._connection.run("note", *written, EMBEDDING_SECONDS, self._max_embeddings)
        except BaseException:
            with self._lock:
                self._counts += counts
                self._hits += hits
                self._new_vectors |= vectors
            raise

    def forget(self) -> None:
        """Drop what was held back, but the counts."""
        with self._lock:
            self._hits.clear()
            self._new_vectors.clear()
            self._vectors.clear()
