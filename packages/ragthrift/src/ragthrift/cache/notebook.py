"""What may be written a little later: counts, servings, embeddings; and what was learnt."""

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ragthrift.cache.cipher import Cipher
from ragthrift.cache.entry import Learnt
from ragthrift.cache.eviction import count_hits
from ragthrift.cache.held import IN_MEMORY, Held
from ragthrift.cache.rows import seal_vector
from ragthrift.database import Database

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

KEPT_LABELS = 50_000


class Notebook:
    """Holds small writes back until an answer is written anyway: a hit must not wait for a lock.

    What is held is lost when the process dies; none of it decides what may be served, except the
    end of a sliding lifetime, which is written at once.
    """

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._held = held = Held(cipher, max_new=IN_MEMORY)
        self.count, self.keep_embedding, self.forget = held.count, held.keep_embedding, held.forget

    def counts(self) -> dict[str, int]:
        """The counters, of all processes that share the file and have flushed."""
        self.flush()
        with self._database.reading() as db:
            return dict(db.execute("SELECT name, number FROM counts ORDER BY name").fetchall())

    def touch(self, entry_id: int, *, end: float | None = None) -> None:
        """Count a serving; `end` moves the end of a sliding lifetime."""
        full = self._held.serve(entry_id)
        if end is not None:
            with self._database.writing() as db:
                db.execute("UPDATE entries SET ends = max(ends, ?) WHERE id = ?", (end, entry_id))
        if full:
            self.flush()

    def embedding(self, digest: bytes) -> "Floats | None":
        """The vector of a text embedded before."""
        return self._held.embedding(digest, lambda: self._sealed(digest))

    def _sealed(self, digest: bytes) -> bytes | None:
        with self._database.reading() as db:
            row = db.execute("SELECT vector FROM embeddings WHERE digest = ?", (digest,)).fetchone()
        return row[0] if row else None

    def learnt(self, label: Learnt) -> None:
        """Keep what a fresh answer said about a decision, and on the entry it was made about."""
        column = {"agreed": "right_count", "disagreed": "wrong_count"}.get(label.agreement)
        with self._database.writing() as db:
            cursor = db.execute(
                "INSERT INTO labels (at, kind, would_serve, confidence, agreement) "
                "VALUES (?, ?, ?, ?, ?)",
                (time.time(), label.kind, label.would_serve, label.confidence, label.agreement),
            )
            db.execute("DELETE FROM labels WHERE id <= ?", ((cursor.lastrowid or 0) - KEPT_LABELS,))
            if column and label.would_serve and label.entry_id is not None:
                db.execute(
                    f"UPDATE entries SET {column} = {column} + 1 WHERE id = ?",  # noqa: S608
                    (label.entry_id,),
                )

    def labels(self) -> list[Learnt]:
        """What was learnt, oldest first."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT kind, would_serve, confidence, agreement FROM labels ORDER BY id"
            ).fetchall()
        return [Learnt(kind, bool(serve), sure, said) for kind, serve, sure, said in rows]

    def save_state(self, state: Mapping[str, object]) -> None:
        """Keep a policy's state."""
        with self._database.writing() as db:
            db.execute("INSERT OR REPLACE INTO facts VALUES ('policy', ?)", (json.dumps(state),))

    def saved_state(self) -> dict[str, object] | None:
        """The policy's state that was kept last."""
        with self._database.reading() as db:
            row = db.execute("SELECT value FROM facts WHERE name = 'policy'").fetchone()
        state = json.loads(row[0]) if row else None
        return state if isinstance(state, dict) else None

    def flush(self) -> None:
        """Write what was held back."""
        if not self._held.empty():
            with self._database.writing() as db:
                self.flush_into(db)

    def flush_into(self, db: sqlite3.Connection) -> None:
        """Write what was held back, as a part of the caller's transaction."""
        counts, servings, vectors = self._held.take()
        db.executemany(
            "INSERT INTO counts VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET number = number + excluded.number",
            list(counts.items()),
        )
        count_hits(db, servings)
        db.executemany(
            "INSERT OR IGNORE INTO embeddings (digest, vector) VALUES (?, ?)",
            [(digest, seal_vector(self._cipher, v)) for digest, v in vectors.items()],
        )
