"""What goes when there is no more room: GreedyDual-Size-Frequency (Cherkasova, 1998).

An entry's priority is what serving it saved, for its size, on top of the priority of the last entry
that went: so what was useful once does not stay for ever. All inside the caller's transaction.
"""

import sqlite3
from collections.abc import Mapping

from ragthrift.cache.settings import Capacity

KEPT_TOMBSTONES = 50_000
STEP = 16


def first_priority(db: sqlite3.Connection, cost: float, size: int, hits: int = 0) -> float:
    """The priority of an entry that enters now."""
    return _fact(db, "inflation") + (hits + 1) * cost / size


def count_hits(db: sqlite3.Connection, hits: Mapping[int, int]) -> None:
    """Raise the priority of what was served."""
    inflation = _fact(db, "inflation")
    db.executemany(
        "UPDATE entries SET hits = hits + ?1, priority = ?2 + (hits + ?1 + 1) * cost / size "
        "WHERE id = ?3",
        [(number, inflation, entry) for entry, number in hits.items()],
    )


def evict(db: sqlite3.Connection, capacity: Capacity, now: float, *, keep: int) -> int:
    """Remove what has expired, then what is worth least, but never `keep`; how many went."""
    gone = db.execute("DELETE FROM entries WHERE ends <= ? AND id <> ?", (now, keep)).rowcount
    while (surplus := _surplus(db, capacity)) > 0:
        rows = db.execute(
            "SELECT id, priority FROM entries WHERE id <> ? ORDER BY priority LIMIT ?",
            (keep, surplus),
        ).fetchall()
        if not rows:
            break
        db.executemany("DELETE FROM entries WHERE id = ?", [(number,) for number, _ in rows])
        db.execute(
            "UPDATE facts SET value = max(value, ?) WHERE name = 'inflation'", (rows[-1][1],)
        )
        gone += len(rows)
    _drop_old(db, capacity)
    return gone


def _surplus(db: sqlite3.Connection, capacity: Capacity) -> int:
    entries, size = _fact(db, "entries"), _fact(db, "bytes")
    if capacity.max_entries is not None and entries > capacity.max_entries:
        return int(entries - capacity.max_entries)
    if capacity.max_bytes is not None and size > capacity.max_bytes:
        return max(1, min(STEP, int((size - capacity.max_bytes) * entries / size)))
    return 0


def _drop_old(db: sqlite3.Connection, capacity: Capacity) -> None:
    """Tombstones and embeddings beyond their number; both are looked up by age."""
    newest = db.execute("SELECT max(seq) FROM tombstones").fetchone()[0] or 0
    if newest - _fact(db, "forgotten") > 2 * KEPT_TOMBSTONES:
        last = newest - KEPT_TOMBSTONES
        db.execute("DELETE FROM tombstones WHERE seq <= ?", (last,))
        db.execute("UPDATE facts SET value = ? WHERE name = 'forgotten'", (last,))
    newest = db.execute("SELECT max(id) FROM embeddings").fetchone()[0] or 0
    db.execute("DELETE FROM embeddings WHERE id <= ?", (newest - capacity.max_embeddings,))


def _fact(db: sqlite3.Connection, name: str) -> float:
    return float(db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])
