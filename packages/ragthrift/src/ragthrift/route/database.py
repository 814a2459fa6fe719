"""The file of a router's log: one connection, shared by threads under a lock."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ragthrift.errors import InputError

VERSION = 1
BUSY_SECONDS = 30.0
_HOW = "PRAGMA synchronous=NORMAL"

TABLES = (
    """CREATE TABLE IF NOT EXISTS calls (
       id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, question TEXT NOT NULL,
       history TEXT NOT NULL, passages TEXT NOT NULL, prompt_tokens INTEGER, chosen TEXT NOT NULL,
       kind TEXT NOT NULL, reason TEXT NOT NULL, qualities TEXT NOT NULL, costs TEXT NOT NULL,
       propensity REAL NOT NULL, served TEXT, action TEXT NOT NULL, escalated INTEGER NOT NULL,
       error TEXT, shadow_share REAL NOT NULL, strongest_dollars REAL,
       asked_again INTEGER NOT NULL DEFAULT 0, thumbs REAL)""",
    """CREATE TABLE IF NOT EXISTS attempts (
       id INTEGER PRIMARY KEY AUTOINCREMENT, call INTEGER NOT NULL, tier TEXT NOT NULL,
       model TEXT NOT NULL, purpose TEXT NOT NULL, input_tokens INTEGER, output_tokens INTEGER,
       cache_read_tokens INTEGER, cache_write_tokens INTEGER, estimated INTEGER NOT NULL,
       dollars REAL, seconds REAL NOT NULL, text TEXT NOT NULL, error TEXT, fault TEXT,
       findings TEXT NOT NULL, schema_pass INTEGER, grounded REAL, served INTEGER NOT NULL,
       quality REAL)""",
    "CREATE INDEX IF NOT EXISTS attempts_by_call ON attempts (call)",
    """CREATE TRIGGER IF NOT EXISTS call_removed AFTER DELETE ON calls BEGIN
       DELETE FROM attempts WHERE call = old.id; END""",
)


class Database:
    """A file in WAL mode; `None` is kept in memory and vanishes.

    A write is acknowledged when it is in the log of the file: the death of the process loses none.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._lock = threading.RLock()
        self._name = ":memory:" if path is None else os.fspath(path)
        self._process = os.getpid()
        self._connection = self._connect()
        self._foreign: list[sqlite3.Connection] = []
        try:
            self._make_tables()
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        with self._lock:
            if self._process != os.getpid():  # SQLite's connections must not be used after a fork
                self._foreign.append(self._connection)  # not even to close them
                self._connection, self._process = self._connect(), os.getpid()
                self._connection.execute(_HOW)
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is committed, or none."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _make_tables(self) -> None:
        try:
            self._patiently("PRAGMA journal_mode=WAL")
            self._connection.execute(_HOW)
            with self.writing() as db:
                (version,) = db.execute("PRAGMA user_version").fetchone()
                known = version == VERSION or (version == 0 and self._is_new(db))
                if not known:
                    raise InputError(
                        f"{self._name} is no log of this version of a router; "
                        "give the log another file"
                    )
                for statement in TABLES:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={VERSION}")
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{self._name} is no log of a router, or a damaged one ({error}); "
                "give the log another file"
            ) from error

    def _is_new(self, db: sqlite3.Connection) -> bool:
        return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]

    def _patiently(self, statement: str) -> None:
        """Changing the journal's mode ignores the busy timeout while others open a new file."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.execute(statement)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return
