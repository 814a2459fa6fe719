"""Turns and their views in one SQLite file, for threads and processes."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final
from uuid import uuid4

from ragthrift.database import Database
from ragthrift.memory.account import Account
from ragthrift.memory.state import (
    ViewState,
    packed_message,
    packed_state,
    unpacked_message,
    unpacked_state,
)
from ragthrift.memory.tables import LAYOUT
from ragthrift.memory.transcript import Stored
from ragthrift.memory.turn import Turn

LEASE_SECONDS: Final = 300.0
"""How long the death of a process keeps others from summarising: longer than summaries take."""


class SqliteTranscript:
    """A file; without a path, one that vanishes with the transcript.

    >>> from ragthrift import Message
    >>> from ragthrift.memory.turn import turns_of
    >>> from ragthrift.tokens import EstimatedTokens
    >>> transcript = SqliteTranscript()
    >>> talk = [Message("user", "Hi"), Message("assistant", "Hello")]
    >>> said = turns_of(talk, EstimatedTokens(), at=0)
    >>> transcript.append("ann", said)
    >>> transcript.append("ann", said)
    >>> [turn.message.content for turn in transcript.load("ann").turns]
    ['Hi', 'Hello']
    >>> transcript.close()
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = Database(path, LAYOUT)
        self._lease_seconds = lease_seconds
        self._clock = clock

    def load(self, session: str) -> Stored:
        """The talk that ends with the turn appended last, and its state."""
        with self._database.reading() as db:
            head, state = _head(db, session), _state(db, session)
            rows = db.execute(
                "SELECT id, after, message, tokens, at FROM turns WHERE session = ?", (session,)
            ).fetchall()
        known = {row[0]: row for row in rows}
        turns = []
        while head in known:
            name, after, message, tokens, at = known[head]
            turns.append(Turn(name, unpacked_message(message), tokens, at))
            head = after
        return Stored(tuple(reversed(turns)), state)

    def append(self, session: str, turns: Sequence[Turn], *, after: str = "") -> None:
        """Keep what is new; one transaction, so that a crash leaves all of it or nothing."""
        if not turns:
            return
        befores = [after, *(turn.id for turn in turns[:-1])]
        with self._database.writing() as db:
            fresh = []
            for turn, before in zip(reversed(turns), reversed(befores), strict=True):
                if _has(db, session, turn.id):
                    break  # an id is made from all that went before, which is kept, too
                packed = packed_message(turn.message)
                fresh.append((session, turn.id, before, packed, turn.tokens, turn.at))
            db.executemany("INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?)", reversed(fresh))
            db.execute(
                "INSERT INTO heads VALUES (?, ?) ON CONFLICT DO UPDATE SET head = excluded.head",
                (session, turns[-1].id),
            )

    def state(self, session: str) -> ViewState:
        """The state saved last."""
        with self._database.reading() as db:
            return _state(db, session)

    def save_view(self, session: str, state: ViewState) -> bool:
        """Keep the state if it is the one that follows the one kept."""
        with self._database.writing() as db:
            if _state(db, session).version != state.version - 1:
                return False
            db.execute(
                "INSERT OR REPLACE INTO states VALUES (?, ?, ?)",
                (session, state.version, packed_state(state)),
            )
        return True

    def account(self, session: str) -> Account:
        """The sums so far."""
        with self._database.reading() as db:
            return _account(db, session)

    def spend(self, session: str, change: Account) -> None:
        """Add to the sums."""
        with self._database.writing() as db:
            sums = asdict(_account(db, session) + change)
            marks = ", ".join("?" * (len(sums) + 1))
            db.execute(
                f"INSERT OR REPLACE INTO accounts (session, {', '.join(sums)}) VALUES ({marks})",  # noqa: S608  (names of fields)
                (session, *sums.values()),
            )

    def sessions(self) -> list[str]:
        """Every session that has turns."""
        with self._database.reading() as db:
            return [name for (name,) in db.execute("SELECT session FROM heads ORDER BY session")]

    def forget(self, session: str) -> None:
        """Delete its turns, its state and its sums."""
        with self._database.writing() as db:
            for table in ("turns", "heads", "states", "accounts"):
                db.execute(f"DELETE FROM {table} WHERE session = ?", (session,))  # noqa: S608

    @contextmanager
    def lock(self, session: str) -> Iterator[bool]:
        """A lease: it ends by itself if its holder died."""
        token, now = uuid4().hex, self._clock()
        with self._database.writing() as db:
            db.execute("DELETE FROM leases WHERE session = ? AND ends <= ?", (session, now))
            lease = (session, token, now + self._lease_seconds)
            held = db.execute("INSERT OR IGNORE INTO leases VALUES (?, ?, ?)", lease).rowcount == 1
        try:
            yield held
        finally:
            if held:
                with self._database.writing() as db:
                    db.execute("DELETE FROM leases WHERE token = ?", (token,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _has(db: sqlite3.Connection, session: str, turn_id: str) -> bool:
    query = "SELECT 1 FROM turns WHERE session = ? AND id = ?"
    return db.execute(query, (session, turn_id)).fetchone() is not None


def _head(db: sqlite3.Connection, session: str) -> str:
    row = db.execute("SELECT head FROM heads WHERE session = ?", (session,)).fetchone()
    return str(row[0]) if row else ""


def _state(db: sqlite3.Connection, session: str) -> ViewState:
    query = "SELECT state, version FROM states WHERE session = ?"
    row = db.execute(query, (session,)).fetchone()
    return unpacked_state(*row) if row else ViewState()


def _account(db: sqlite3.Connection, session: str) -> Account:
    names = ", ".join(asdict(Account()))
    query = f"SELECT {names} FROM accounts WHERE session = ?"  # noqa: S608  (names of fields)
    row = db.execute(query, (session,)).fetchone()
    return Account(*row) if row else Account()
