"""What may be written a little later: counts, servings, embeddings; and what was learnt."""

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ragthrift.cache.cipher import Cipher
from ragthrift.cache.entry import Learnt
from ragthrift.cache.held import Held
from ragthrift.cache.notebook import KEPT_LABELS
from ragthrift.cache.redis.connection import Connection
from ragthrift.cache.rows import seal_vector

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

    They are written with the next answer, and every `HELD_SERVINGS` of `held`. While the server is
    away they wait, but for embeddings beyond `HELD_VECTORS`.
    """

    def __init__(self, connection: Connection, cipher: Cipher, max_embeddings: int) -> None:
        self._connection, self._cipher = connection, cipher
        self._max_embeddings = max_embeddings
        self._held = held = Held(cipher, max_new=HELD_VECTORS)
        self.count, self.keep_embedding, self.forget = held.count, held.keep_embedding, held.forget

    def counts(self) -> dict[str, int]:
        """The counters, of all processes that share the server and have flushed."""
        self.flush()
        found = self._connection.attempt(lambda c: c.hgetall(self._connection.key("counts")))
        return {name.decode(): int(number) for name, number in sorted(found.items())}

    def touch(self, entry_id: int, *, end: float | None = None) -> None:
        """Count a serving; `end` moves the end of a sliding lifetime."""
        full = self._held.serve(entry_id)
        if end is not None:
            self._connection.run("touch", entry_id, repr(end))
        if full:
            self.flush()

    def embedding(self, digest: bytes) -> "Floats | None":
        """The vector of a text embedded before."""
        name = self._connection.key(f"m:{digest.hex()}")
        return self._held.embedding(digest, lambda: self._connection.attempt(lambda c: c.get(name)))

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
        if self._held.empty():
            return
        taken = self._held.take()
        sealed = {d.hex(): seal_vector(self._cipher, vector) for d, vector in taken.vectors.items()}
        written: list[object] = []
        for pairs in (taken.counts, taken.servings, sealed):
            written += [len(pairs), *(each for pair in pairs.items() for each in pair)]
        try:
            self._connection.run("note", *written, EMBEDDING_SECONDS, self._max_embeddings)
        except BaseException:
            self._held.put_back(taken)
            raise
