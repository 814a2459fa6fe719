"""Who makes an answer, among processes: a row that expires."""

import secrets
import time

from ragthrift.cache.entry import Place
from ragthrift.database import Database


class Leases:
    """One lease for each question; a process that dies leaves one that runs out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lease(self, place: Place, seconds: float) -> bytes | None:
        """A token, or `None` while another has it."""
        token, now = secrets.token_bytes(8), time.time()
        with self._database.writing() as db:
            taken = db.execute(
                "INSERT INTO leases VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET token = excluded.token, ends = excluded.ends WHERE leases.ends <= ?",
                (place.scope, place.question, token, now + seconds, now),
            ).rowcount
        return token if taken else None

    def leased(self, place: Place) -> bool:
        """Whether somebody has it."""
        with self._database.reading() as db:
            row = db.execute(
                "SELECT 1 FROM leases WHERE scope = ? AND place = ? AND ends > ?",
                (place.scope, place.question, time.time()),
            ).fetchone()
        return row is not None

    def release(self, place: Place, token: bytes) -> None:
        """Give it back; a lease that ran out and went to another stays theirs."""
        with self._database.writing() as db:
            db.execute(
                "DELETE FROM leases WHERE scope = ? AND place = ? AND token = ?",
                (place.scope, place.question, token),
            )
