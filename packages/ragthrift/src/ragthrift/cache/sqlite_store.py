"""Answers in one SQLite file, vectors in memory beside it."""

import json
import os
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ragthrift.cache import eviction, registry
from ragthrift.cache.cipher import LOCK, UnreadableError, cipher_for, opens
from ragthrift.cache.entry import Entry, NewEntry, Place, Terms, Written
from ragthrift.cache.evidence import Evidence
from ragthrift.cache.growth import FAR, Growth
from ragthrift.cache.indexes import Indexes
from ragthrift.cache.leases import Leases
from ragthrift.cache.notebook import Notebook
from ragthrift.cache.outbox import Outbox
from ragthrift.cache.rows import COLUMNS, answer_digest, from_row, to_row
from ragthrift.cache.schema import LAYOUT, SERVABLE
from ragthrift.cache.settings import Capacity
from ragthrift.cache.values import Apart, Values, stands_for
from ragthrift.database import Database
from ragthrift.errors import InputError

if TYPE_CHECKING:
    import sqlite3

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_COLUMNS = f"SELECT {COLUMNS} FROM entries"  # noqa: S608 - constants
_EXACT = f"{_COLUMNS} WHERE scope = :scope AND place = :place AND {SERVABLE}"
_GIVEN = "id IN (SELECT value FROM json_each(:ids)) AND scope = :scope"
_NEAR = f"{_COLUMNS} WHERE {_GIVEN} AND {SERVABLE}"
_SERVABLE = f"SELECT 1 FROM entries WHERE id = :id AND {SERVABLE}"  # noqa: S608 - constants
_OLD = """SELECT id, answer, extra, hits, right_count, wrong_count, grouping FROM entries
    WHERE scope = ? AND place = ?"""
SURPLUS_NEIGHBOURS = 3
"""How many more than k are looked at: a near one may have expired or belong to one user."""


class SqliteStore:
    """One file for many threads and processes; without a path, a file that vanishes on close.

    `key` encrypts questions, answers and vectors (the `encryption` extra); ids of documents and
    counts stay readable. `values` is a key-value store that holds the answers, and what comes with
    them, in place of the file. The vectors of a scope are read into memory when first needed and
    follow the file from then on; whatever they find is checked against the file before it is
    served.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        key: str | bytes | None = None,
        capacity: Capacity | None = None,
        values: Values | None = None,
    ) -> None:
        self.cipher = cipher_for(key)
        self._capacity = capacity or Capacity()
        self._database = Database(path, LAYOUT)
        self._check_key()
        self._notebook = Notebook(self._database, self.cipher)
        self._leases = Leases(self._database)
        outbox = Outbox(self._database)
        if values is not None:
            outbox.open()
        self._apart = Apart(values, outbox)
        self._indexes = Indexes(self.cipher, self._count_unreadable)
        self.count, self.counts = self._notebook.count, self._notebook.counts
        self.learnt, self.labels = self._notebook.learnt, self._notebook.labels
        self.save_state, self.saved_state = self._notebook.save_state, self._notebook.saved_state
        self.embedding = self._notebook.embedding
        self.keep_embedding = self._notebook.keep_embedding
        self.touch, self.flush = self._notebook.touch, self._notebook.flush
        self.lease, self.leased = self._leases.lease, self._leases.leased
        self.release = self._leases.release

    def fence(self) -> int:
        """The registry's epoch: read it before the model is called, give it to `put`."""
        with self._database.reading() as db:
            return registry.epoch(db)

    def exact(self, place: Place, terms: Terms) -> Entry | None:
        """The answer to this very question."""
        values = _values(terms) | {"scope": place.scope, "place": place.question}
        with self._database.reading() as db:
            row = db.execute(_EXACT, values).fetchone()
        return self._read([row])[0] if row else None

    def nearest(
        self, scope: bytes, vector: "Floats", k: int, terms: Terms
    ) -> list[tuple[Entry, float]]:
        """Answers to the questions nearest to a vector and their cosines, best first."""
        with self._database.reading() as db:
            found = self._indexes.search(db, scope, vector, k + SURPLUS_NEIGHBOURS)
            rows = self._rows(db, scope, [number for number, _ in found], terms)
        near = [(number, cosine) for number, cosine in found if number in rows]
        entries = self._read([rows[number] for number, _ in near])
        read = zip(entries, near, strict=True)
        return [(entry, cosine) for entry, (_, cosine) in read if entry is not None][:k]

    def servable(self, entry_id: int, terms: Terms) -> bool:
        """Whether an entry read before may still be served."""
        with self._database.reading() as db:
            return db.execute(_SERVABLE, _values(terms) | {"id": entry_id}).fetchone() is not None

    def evidence(self, entry_id: int) -> tuple[Evidence, ...]:
        """What an entry was built from."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT document, version, chunk FROM evidence WHERE entry = ?", (entry_id,)
            )
            return tuple(Evidence(*row) for row in rows)

    def put(self, entry: NewEntry, *, fence: int | None) -> Written:
        """Keep an answer in place of an older one, unless what it was built from moved."""
        row = to_row(self.cipher, entry)
        said = answer_digest(self.cipher, entry.answer)
        return self._apart.written(row, said, lambda _: self._write(entry, row, fence))

    def _write(self, entry: NewEntry, row: dict[str, object], fence: int | None) -> Written:
        with self._database.writing() as db:
            self._notebook.flush_into(db)
            verdict = registry.admit(db, entry.evidence, fence)
            if verdict != "stored":
                return verdict
            row["epoch"] = epoch = registry.epoch(db)
            row["recheck"] = registry.grown_since(
                db, entry.corpus, epoch if fence is None else fence
            )
            number = self._replace(db, entry, row)
            evicted = eviction.evict(db, self._capacity, entry.created, keep=number)
        if evicted:
            self.count("evicted", evicted)
        return "stored"

    def _replace(self, db: "sqlite3.Connection", entry: NewEntry, row: dict[str, object]) -> int:
        """What people did with the older answer stays only where the new one says the same."""
        row["hits"] = row["right_count"] = row["wrong_count"] = 0
        users = {entry.user} - {None}
        old = db.execute(_OLD, (entry.place.scope, entry.place.question)).fetchone()
        if old and (old[0] == entry.agrees_with or self._says(old[1], old[2], entry.answer)):
            row["hits"], row["right_count"], row["wrong_count"], row["grouping"] = old[3:]
            users |= {u for (u,) in db.execute("SELECT user FROM users WHERE entry = ?", old[:1])}
        row["priority"] = eviction.first_priority(
            db, entry.cost, int(str(row["size"])), int(str(row["hits"]))
        )
        db.execute("DELETE FROM entries WHERE scope = :scope AND place = :place", row)
        columns = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)
        cursor = db.execute(f"INSERT INTO entries ({columns}) VALUES ({marks})", row)  # noqa: S608
        number = int(cursor.lastrowid or 0)
        db.executemany(
            "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?)",
            [(number, e.document_id, e.version, e.chunk) for e in entry.evidence],
        )
        db.executemany("INSERT INTO users VALUES (?, ?)", [(number, user) for user in users])
        db.execute("INSERT OR IGNORE INTO scopes VALUES (?, ?)", (entry.place.scope, entry.corpus))
        return number

    def invalidate(self, document_id: str) -> int:
        """Forget the answers built from a document; how many there were."""
        with self._database.writing() as db:
            gone = registry.invalidate(db, document_id)
        self._apart.tidy()
        return gone

    def move(self, document_id: str, version: str) -> int:
        """Declare a document's version; forget answers built from others, how many there were."""
        if not version:
            raise InputError("a version cannot be empty; use invalidate() when there is none")
        with self._database.writing() as db:
            gone = registry.move(db, document_id, version)
        self._apart.tidy()
        return gone

    def grow(self, corpus: str, growth: Growth) -> int:
        """Mark a corpus's answers that new chunks may concern for a second look; how many.

        Answers that come while they are looked for need no mark, or get one when they are written.
        """
        with self._database.writing() as db:
            registry.grow(db, corpus)
            scopes = db.execute("SELECT scope FROM scopes WHERE corpus = ?", (corpus,)).fetchall()
        near: list[int] = []
        for (scope,) in scopes:
            with self._database.reading() as db:
                found = self._indexes.within(db, scope, growth.vectors, FAR)
            near += growth.concerned(found, partial(self._entries, scope))
        if not near:
            return 0
        with self._database.writing() as db:
            return registry.mark(db, near)

    def _entries(self, scope: bytes, ids: list[int]) -> dict[int, Entry | None]:
        with self._database.reading() as db:
            rows = self._rows(db, scope, ids, Terms(time.time()))
        return dict(zip(rows, self._read(list(rows.values())), strict=True))

    def clear(self) -> None:
        """Forget every answer, and drop those that are being made."""
        self._notebook.forget()
        with self._database.writing() as db:
            registry.clear(db)
        self._apart.tidy()

    def size(self) -> tuple[int, int]:
        """Entries, and their bytes."""
        with self._database.reading() as db:
            facts = dict(db.execute("SELECT name, value FROM facts"))
        return int(facts["entries"]), int(facts["bytes"])

    def close(self) -> None:
        """Write what was held back and let the file go."""
        self.flush()
        self._database.close()

    def _says(self, sealed: bytes, extra: bytes | None, answer: str) -> bool:
        if extra == b"":
            return stands_for(sealed, answer_digest(self.cipher, answer))
        try:
            return self.cipher.unseal(sealed) == answer.encode("utf-8", "surrogatepass")
        except UnreadableError:
            return False

    def _rows(
        self, db: "sqlite3.Connection", scope: bytes, ids: list[int], terms: Terms
    ) -> "dict[int, tuple[object, ...]]":
        values = _values(terms) | {"scope": scope, "ids": json.dumps(ids)}
        return {row[0]: row for row in db.execute(_NEAR, values)}

    def _read(self, rows: Sequence[tuple[object, ...]]) -> list[Entry | None]:
        return [self._entry(row) for row in self._apart.together(rows)]

    def _entry(self, row: Sequence[object]) -> Entry | None:
        try:
            return from_row(self.cipher, row)
        except UnreadableError:
            self._count_unreadable(1)
            return None

    def _count_unreadable(self, number: int) -> None:
        self.count("unreadable", number)

    def _check_key(self) -> None:
        """A wrong key would find nothing and write what nobody else can read."""
        with self._database.writing() as db:
            db.execute("INSERT OR IGNORE INTO facts VALUES ('lock', ?)", (self.cipher.seal(LOCK),))
            (sealed,) = db.execute("SELECT value FROM facts WHERE name = 'lock'").fetchone()
        if not opens(self.cipher, sealed):
            self._database.close()
            raise InputError(
                f"the key does not fit {self._database.path}; open the file with the key (or "
                "without one) that it was made with, or give the cache another file"
            )


def _values(terms: Terms) -> dict[str, object]:
    return {"now": terms.now, "user": terms.user, "min_users": terms.min_users}
