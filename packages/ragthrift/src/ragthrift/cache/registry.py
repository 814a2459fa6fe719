"""Documents and their versions: what makes an answer unservable.

Every move of a document gets the next epoch. A writer names the epoch it read before the model was
called; its answer is dropped when a document it used has moved since. All functions run inside the
caller's transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from ragthrift.cache.entry import Written
from ragthrift.cache.evidence import Evidence


def epoch(db: sqlite3.Connection) -> int:
    """The number of moves so far."""
    return int(db.execute("SELECT value FROM facts WHERE name = 'epoch'").fetchone()[0])


def next_epoch(db: sqlite3.Connection) -> int:
    """The epoch of a move that is being made."""
    db.execute("UPDATE facts SET value = value + 1 WHERE name = 'epoch'")
    return epoch(db)


def invalidate(db: sqlite3.Connection, document: str) -> int:
    """Move a document to an unknown version, with all that was built from it."""
    _register(db, document, "", declared=False, moved=next_epoch(db))
    return _forget(db, "SELECT DISTINCT entry FROM evidence WHERE document = ?", (document,))


def move(db: sqlite3.Connection, document: str, version: str, *, declared: bool = True) -> int:
    """Move a document to a version; answers built from that very version stay."""
    row = _row(db, document)
    if row and row[0] == version:
        _register(db, document, version, declared=declared or bool(row[2]), moved=row[1])
        return 0
    _register(db, document, version, declared=declared, moved=next_epoch(db))
    return _forget(
        db,
        "SELECT DISTINCT entry FROM evidence WHERE document = ? AND version <> ?",
        (document, version),
    )


def admit(db: sqlite3.Connection, evidence: Sequence[Evidence], fence: int | None) -> Written:
    """Whether an answer built from evidence may be written; learns versions never seen before.

    A version other than the registered one is old news if somebody declared the registered one.
    Otherwise a fenced writer, whose reading is known to be recent, moves the document; without a
    fence nobody knows which of the two is newer, and the answer is dropped.
    """
    (cleared,) = db.execute("SELECT value FROM facts WHERE name = 'cleared'").fetchone()
    if fence is not None and cleared > fence:
        return "cleared"
    rows = {e.document_id: _row(db, e.document_id) for e in evidence}
    if fence is not None and any(row and row[1] > fence for row in rows.values()):
        return "moved"
    named = {e.document_id: e.version for e in evidence if e.version}
    if any(e.version and named[e.document_id] != e.version for e in evidence):
        return "stale"
    changed = [
        d for d, version in named.items() if (row := rows[d]) and row[0] not in ("", version)
    ]
    if changed and (fence is None or any(rows[d][2] for d in changed)):  # type: ignore[index]
        return "stale"
    for document, version in named.items():
        row = rows[document]
        if row is None or not row[0]:
            _register(db, document, version, declared=False, moved=row[1] if row else 0)
        elif row[0] != version:
            move(db, document, version, declared=False)
    return "stored"


def grow(db: sqlite3.Connection, corpus: str) -> None:
    """Note that a corpus has new chunks: answers being made may lack them."""
    db.execute(
        "INSERT INTO corpora VALUES (?, ?) ON CONFLICT DO UPDATE SET grown = excluded.grown",
        (corpus, next_epoch(db)),
    )


def grown_since(db: sqlite3.Connection, corpus: str, fence: int) -> bool:
    """Whether a corpus got new chunks after a fence was read."""
    row = db.execute("SELECT grown FROM corpora WHERE corpus = ?", (corpus,)).fetchone()
    return row is not None and row[0] > fence


def clear(db: sqlite3.Connection) -> None:
    """Forget every answer; writes that are under way are dropped."""
    db.execute("UPDATE facts SET value = ? WHERE name = 'cleared'", (next_epoch(db),))
    for table in ("entries", "embeddings", "scopes", "leases"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above


def mark(db: sqlite3.Connection, entries: Iterable[int]) -> int:
    """Mark entries for a second look; how many are still there."""
    marks = ((entry,) for entry in entries)
    return db.executemany("UPDATE entries SET recheck = 1 WHERE id = ?", marks).rowcount


def _row(db: sqlite3.Connection, document: str) -> tuple[str, int, int] | None:
    row: tuple[str, int, int] | None = db.execute(
        "SELECT version, moved, declared FROM documents WHERE document = ?", (document,)
    ).fetchone()
    return row


def _register(
    db: sqlite3.Connection, document: str, version: str, *, declared: bool, moved: int
) -> None:
    db.execute(
        "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)",
        (document, version, moved, declared),
    )


def _forget(db: sqlite3.Connection, entries: str, values: tuple[str, ...]) -> int:
    return db.execute(f"DELETE FROM entries WHERE id IN ({entries})", values).rowcount  # noqa: S608
