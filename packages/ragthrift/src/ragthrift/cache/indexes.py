"""The vectors of every scope in use, following the file."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ragthrift.cache.cipher import Cipher, UnreadableError
from ragthrift.cache.rows import unseal_vector
from ragthrift.cache.vectors import ScopeVectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MAX_SCOPES = 1024
"""Scopes whose vectors stay in memory; the least recently used is read again when needed."""
CHUNK = 10_000


class ScopeIndex:
    """One scope's vectors as of the last look at the file."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.vectors: ScopeVectors | None = None
        self._last_entry = 0
        self._last_tombstone = 0

    def follow(self, db: sqlite3.Connection, scope: bytes, cipher: Cipher) -> int:
        """Add what came, drop what went; how many rows could not be read."""
        (forgotten,) = db.execute("SELECT value FROM facts WHERE name = 'forgotten'").fetchone()
        if self._last_tombstone < forgotten:
            self.vectors, self._last_entry = None, 0
            self._last_tombstone = forgotten
        unreadable = 0
        # Additions before removals: what comes and goes in between is then removed, not kept.
        while rows := db.execute(
            "SELECT id, vector FROM entries WHERE scope = ? AND id > ? ORDER BY id LIMIT ?",
            (scope, self._last_entry, CHUNK),
        ).fetchall():
            self._last_entry = rows[-1][0]
            unreadable += self.add(rows, cipher)
        newest = db.execute("SELECT max(seq) FROM tombstones").fetchone()[0] or 0
        gone = db.execute(
            "SELECT seq, entry FROM tombstones WHERE scope = ? AND seq > ? ORDER BY seq",
            (scope, self._last_tombstone),
        ).fetchall()
        self._last_tombstone = max(self._last_tombstone, newest, *(seq for seq, _ in gone))
        if self.vectors is not None:
            self.vectors.remove(entry for _, entry in gone)
        return unreadable

    def add(self, rows: Sequence[tuple[int, bytes | None]], cipher: Cipher) -> int:
        """Append sealed vectors of entries that are not here yet; how many could not be read."""
        import numpy as np

        ids, vectors, unreadable = [], [], 0
        for number, sealed in rows:
            if sealed is None:
                continue
            try:
                vector = unseal_vector(cipher, sealed)
            except (UnreadableError, TypeError):
                unreadable += 1
                continue
            if self.vectors is None:
                self.vectors = ScopeVectors(len(vector))
            if len(vector) != self.vectors.dimensions:
                unreadable += 1
                continue
            ids.append(number)
            vectors.append(vector)
        if ids and self.vectors is not None:
            self.vectors.add(ids, np.stack(vectors))
        return unreadable


class Indexes:
    """Scope indexes by scope; `unreadable` is told of rows that were skipped."""

    def __init__(self, cipher: Cipher, unreadable: Callable[[int], None]) -> None:
        self._cipher = cipher
        self._tell = unreadable
        self._scopes: OrderedDict[bytes, ScopeIndex] = OrderedDict()
        self._lock = threading.Lock()

    def search(
        self, db: sqlite3.Connection, scope: bytes, vector: "Floats", k: int
    ) -> list[tuple[int, float]]:
        """Entries and cosines of the k nearest in a scope."""
        index = self._index(scope)
        with index.lock:
            self._follow(index, db, scope)
            if index.vectors is None or index.vectors.dimensions != len(vector):
                return []
            return index.vectors.search(vector, k)

    def within(
        self, db: sqlite3.Connection, scope: bytes, vectors: "Floats", min_similarity: float
    ) -> list[tuple[int, float]]:
        """Entries of a scope that are near any of some vectors, and how near."""
        index = self._index(scope)
        with index.lock:
            self._follow(index, db, scope)
            if index.vectors is None or index.vectors.dimensions != vectors.shape[1]:
                return []
            return index.vectors.within(vectors, min_similarity)

    def ids(self, db: sqlite3.Connection, scope: bytes) -> set[int]:
        """Entries of a scope that have a vector in memory."""
        index = self._index(scope)
        with index.lock:
            self._follow(index, db, scope)
            return set() if index.vectors is None else index.vectors.ids()

    def _follow(self, index: ScopeIndex, db: sqlite3.Connection, scope: bytes) -> None:
        if unreadable := index.follow(db, scope, self._cipher):
            self._tell(unreadable)

    def _index(self, scope: bytes) -> ScopeIndex:
        with self._lock:
            index = self._scopes.get(scope)
            if index is None:
                index = self._scopes[scope] = ScopeIndex()
                if len(self._scopes) > MAX_SCOPES:
                    self._scopes.popitem(last=False)
            else:
                self._scopes.move_to_end(scope)
            return index
