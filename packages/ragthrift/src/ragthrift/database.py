"""One SQLite file, many threads, several processes."""

import os
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ragthrift.errors import InputError

BUSY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables of a kind of file."""

    kind: str
    """What the file is, in an error: "cache"."""
    version: int
    tables: Sequence[str]
    """Statements that make a new file."""
    upgrades: Mapping[int, str] = field(default_factory=dict)
    """By the version that a file has: what makes it the next one."""
    rows: Sequence[str] = ()
    """Statements for rows that must be there, run whenever a file is opened."""
    pragmas: Sequence[str] = ()
    """Settings of every connection."""


class Database:
    """Connections to a file in WAL mode; without a path, a file of its own that vanishes with it.

    A write is acknowledged when it is in the log: the death of the process loses none of them.
    The death of the machine may lose the last ones, and never leaves the file half-written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, layout: Layout) -> None:
        self._vanish: weakref.finalize[..., Database] | None = None
        if path is None:
            folder = tempfile.TemporaryDirectory(prefix="ragthrift-")
            self._vanish = weakref.finalize(self, _remove, folder, os.getpid())
            path = Path(folder.name) / "own.db"
        self.path, self._layout = Path(path), layout
        self._idle: list[sqlite3.Connection] = []
        self._foreign: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        self._process = os.getpid()
        self._closed = False
        self._create()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection of this thread's own; each statement sees what is committed by then."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is committed, or none."""
        with self._writing, self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connections; the file is not used afterwards."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._vanish:
            self._vanish()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._process != os.getpid():  # SQLite's connections must not be used after a fork
                self._foreign += self._idle  # not even to close them
                self._idle, self._process = [], os.getpid()
            if self._closed:
                raise sqlite3.ProgrammingError(f"the {self._layout.kind} is closed")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and self._process == os.getpid():
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = self._opened()
        _patiently(connection, "PRAGMA journal_mode=WAL")
        for pragma in ("synchronous=NORMAL", *self._layout.pragmas):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _create(self) -> None:
        kind = self._layout.kind
        try:
            with closing(self._opened()) as untouched:
                untouched.execute("BEGIN")  # both reads see the same file, while others make it
                self._version(untouched)
            self._make_tables()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{self.path} is no file of a {kind}, or a damaged one ({error}); "
                f"give the {kind} another file"
            ) from error

    def _version(self, db: sqlite3.Connection) -> int:
        """That of the file's tables, 0 for a new file; raises for somebody else's."""
        layout = self._layout
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (objects,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version not in (*layout.upgrades, layout.version) and (version or objects):
            raise InputError(
                f"{self.path} is no file of a {layout.kind}, or of another version (its tables "
                f"are version {version}, not {layout.version}); give the {layout.kind} "
                "another file"
            )
        return int(version)

    def _make_tables(self) -> None:
        layout = self._layout
        with self.writing() as db:
            version = self._version(db)
            upgrades = [layout.upgrades[step] for step in range(version, layout.version) if version]
            for statement in (*(upgrades if version else layout.tables), *layout.rows):
                db.execute(statement)
            db.execute(f"PRAGMA user_version={layout.version}")


def _remove(folder: "tempfile.TemporaryDirectory[str]", owner: int) -> None:
    """Not from a forked child: the parent still uses it."""
    if os.getpid() == owner:
        folder.cleanup()


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Changing the journal's mode ignores the busy timeout when two processes open a new file."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
