"""Jobs in an SQLite file: each step is noted before it is taken."""

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ragthrift.batch.answers import COLUMNS, read_row
from ragthrift.batch.custom_ids import custom_id
from ragthrift.batch.pace import NotNowError
from ragthrift.batch.portions import portions
from ragthrift.batch.provider import Limits, Line, Sending
from ragthrift.batch.request import BatchRequest, BatchResult
from ragthrift.batch.tables import LAYOUT
from ragthrift.database import Database
from ragthrift.errors import InputError

_PAGE = 500


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as it was submitted."""

    id: str
    digest: str
    provider: Mapping[str, str]
    attempts: int
    created_at: float
    cancelled: bool = False
    quiet_until: float = 0.0
    """Seconds since 1970; before, the provider does not want to be asked."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the provider's batches, and how far it is."""

    token: str
    job: str
    step: str
    count: int
    begun_at: float
    mark: str
    upload: str | None
    batch: str | None
    not_before: float
    refusals: int
    cancelling: int


_PART = ", ".join(Part.__dataclass_fields__)


class JobStore:
    """The tables, and nothing that talks to a provider."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.database = Database(path, LAYOUT)
        self._lock_file = f"{os.fspath(path)}-lock"

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Only one process takes steps at a time; the lock ends with the process that holds it."""
        with closing(sqlite3.connect(self._lock_file, timeout=0.1, isolation_level=None)) as lock:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                raise NotNowError("another process is at work on this store") from error
            yield
            lock.execute("ROLLBACK")

    def add(self, job: JobRow, rows: Iterable[tuple[BatchRequest, str]]) -> None:
        """A new job with all its requests, or none of it."""
        with self.database.writing() as db:
            if db.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone():
                return
            db.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, 0, 0)",
                (job.id, job.digest, json.dumps(job.provider), job.attempts, job.created_at),
            )
            db.executemany(
                "INSERT INTO requests (job, number, id, request_type, max_tokens, body) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (job.id, number, asked.id, asked.request_type, asked.max_tokens, body)
                    for number, (asked, body) in enumerate(rows)
                ),
            )

    def job(self, name: str) -> JobRow | None:
        """A job by its name."""
        with self.database.reading() as db:
            row = db.execute("SELECT * FROM jobs WHERE id = ?", (name,)).fetchone()
        if row is None:
            return None
        return JobRow(row[0], row[1], json.loads(row[2]), row[3], row[4], bool(row[5]), row[6])

    def known(self, name: str) -> JobRow:
        """A job that must be there; `InputError` if it is not."""
        row = self.job(name)
        if row is None:
            known = ", ".join(self.jobs()) or "none"
            raise InputError(f"there is no job {name!r} in this store; it holds: {known}")
        return row

    def jobs(self) -> list[str]:
        """Names of all jobs, in their order."""
        with self.database.reading() as db:
            found = db.execute("SELECT id FROM jobs ORDER BY created_at, id").fetchall()
        return [name for (name,) in found]

    def leave_alone(self, job: str, until: float) -> None:
        """Note until when the provider is not to be asked."""
        self._write("UPDATE jobs SET quiet_until = ? WHERE id = ?", until, job)

    def cancel(self, job: str) -> None:
        """Note that a job is to end."""
        self._write("UPDATE jobs SET cancelled = 1 WHERE id = ?", job)

    def drop_unsent(self, job: str) -> None:
        """Cancel what was surely not submitted."""
        with self.database.writing() as db:
            db.execute(
                "UPDATE requests SET state = 'cancelled', part = NULL, error = 'cancelled' "
                "WHERE job = ? AND (state = 'waiting' OR state = 'sent' AND part IN ("
                "SELECT token FROM parts WHERE job = ? "
                "AND step IN ('planned', 'uploading', 'uploaded')))",
                (job, job),
            )
            db.execute(
                "UPDATE parts SET step = 'closed' WHERE job = ? "
                "AND step IN ('planned', 'uploading', 'uploaded')",
                (job,),
            )

    def states(self, job: str) -> dict[str, int]:
        """How many requests are in each state."""
        with self.database.reading() as db:
            found = db.execute(
                "SELECT state, count(*) FROM requests WHERE job = ? GROUP BY state", (job,)
            )
            return dict(found.fetchall())

    def plan(self, job: str, limits: Limits) -> None:
        """Put what waits into parts, in order, each within the limits."""
        with self.database.writing() as db:
            waiting = db.execute(
                "SELECT number, length(CAST(body AS BLOB)) FROM requests "
                "WHERE job = ? AND state = 'waiting' ORDER BY number",
                (job,),
            ).fetchall()
            for numbers in portions(waiting, limits):
                token = uuid4().hex
                db.execute(
                    "INSERT INTO parts (token, job, step, count, begun_at) "
                    "VALUES (?, ?, 'planned', ?, ?)",
                    (token, job, len(numbers), time.time()),
                )
                db.executemany(
                    "UPDATE requests SET state = 'sent', part = ? WHERE job = ? AND number = ?",
                    ((token, job, number) for number in numbers),
                )

    def parts(self, job: str) -> list[Part]:
        """The parts of a job that are not closed."""
        with self.database.reading() as db:
            rows = db.execute(
                f"SELECT {_PART} FROM parts WHERE job = ? AND step != 'closed' "  # noqa: S608
                "ORDER BY begun_at, token",
                (job,),
            ).fetchall()
        return [Part(*row) for row in rows]

    def part(self, token: str) -> Part:
        """A part as it stands now."""
        with self.database.reading() as db:
            row = db.execute(f"SELECT {_PART} FROM parts WHERE token = ?", (token,)).fetchone()  # noqa: S608
        return Part(*row)

    def note(self, token: str, **changed: object) -> Part:
        """Change columns of a part: on the disk before anything follows from it."""
        columns = ", ".join(f"{name} = ?" for name in changed)
        self._write(f"UPDATE parts SET {columns} WHERE token = ?", *changed.values(), token)  # noqa: S608
        return self.part(token)

    def sending(self, part: Part) -> Sending:
        """A part as a provider takes it."""
        with self.database.reading() as db:
            known = db.execute(
                "SELECT batch FROM parts WHERE batch IS NOT NULL AND token != ?", (part.token,)
            ).fetchall()
        return Sending(
            part.token,
            part.count,
            lambda: self._lines(part.token),
            part.begun_at,
            part.mark,
            frozenset(batch for (batch,) in known),
        )

    def numbers(self, token: str) -> list[int]:
        """The requests of a part, in the order of its lines."""
        with self.database.reading() as db:
            rows = db.execute(
                "SELECT number FROM requests WHERE part = ? ORDER BY number", (token,)
            ).fetchall()
        return [number for (number,) in rows]

    def settle(self, part: Part, lines: Sequence[tuple[int, Line, str | None]], most: int) -> None:
        """Keep what came of requests; one that failed and may go better waits, `most` times.

        Each is a request's number, the provider's line, and the answer as it is kept.
        """
        with self.database.writing() as db:
            db.executemany(
                "UPDATE requests SET attempts = attempts + 1, answer = ?, error = ?, part = NULL, "
                "state = CASE WHEN ? AND attempts + 1 < ? THEN 'waiting' ELSE ? END "
                "WHERE job = ? AND number = ? AND part = ? AND state = 'sent'",
                (
                    (answer, line.error, line.again, most, _state(line), part.job, n, part.token)
                    for n, line, answer in lines
                ),
            )

    def results(self, job: str) -> Iterator[BatchResult]:
        """What came of each request that is answered, failed for good or cancelled."""
        with self.database.reading() as db:
            rows = db.execute(
                f"SELECT {COLUMNS} FROM requests WHERE job = ? "  # noqa: S608
                "AND state IN ('answered', 'failed', 'cancelled') ORDER BY number",
                (job,),
            )
            for row in rows:
                yield read_row(row)

    def unbooked(self, job: str, most: int) -> list[tuple[Any, ...]]:
        """Answers that the ledger does not know: the columns of an answer, and the number."""
        with self.database.reading() as db:
            return db.execute(
                f"SELECT {COLUMNS}, number FROM requests "  # noqa: S608
                "WHERE job = ? AND state = 'answered' AND booked = 0 ORDER BY number LIMIT ?",
                (job, most),
            ).fetchall()

    def book(self, job: str, numbers: Iterable[int]) -> None:
        """Note that the ledger knows these."""
        with self.database.writing() as db:
            db.executemany(
                "UPDATE requests SET booked = 1 WHERE job = ? AND number = ?",
                ((job, number) for number in numbers),
            )

    def _lines(self, token: str) -> Iterator[tuple[str, str]]:
        last = -1
        while True:
            with self.database.reading() as db:
                rows = db.execute(
                    "SELECT number, body FROM requests WHERE part = ? AND number > ? "
                    "ORDER BY number LIMIT ?",
                    (token, last, _PAGE),
                ).fetchall()
            if not rows:
                return
            for number, body in rows:
                yield custom_id(token, number), body
            last = rows[-1][0]

    def _write(self, statement: str, *values: Any) -> None:
        with self.database.writing() as db:
            db.execute(statement, values)


def _state(line: Line) -> str:
    if line.completion is not None:
        return "answered"
    return "cancelled" if line.cancelled else "failed"
