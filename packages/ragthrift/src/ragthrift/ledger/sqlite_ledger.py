"""A ledger in one SQLite file, for threads and processes."""

import os
from collections.abc import Iterator, Sequence
from typing import Self

from ragthrift.database import Database
from ragthrift.failures import Tally
from ragthrift.ledger.call import Call
from ragthrift.ledger.sqlite_rows import INSERT, LAYOUT, Names, call_of, names_in, row, texts_in
from ragthrift.ledger.write_behind import WriteBehind

_PAGE = 2_000
_SELECT = """SELECT * FROM calls WHERE (at, number) > (?, ?) AND at < ?
    AND (? IS NULL OR request_type = (SELECT number FROM names WHERE name = ?))
    ORDER BY at, number LIMIT ?"""


class SqliteLedger:
    """A file; without a path, one that vanishes with the ledger.

    A call is kept once: what has the id of a call that is there is passed over. Nothing is raised
    by `record`; what could not be written is counted in `tally` as "lost".

    >>> from ragthrift.usage import Usage
    >>> with SqliteLedger() as ledger:
    ...     ledger.record(Call(model="gpt-5-mini", usage=Usage(1200, 80), request_type="faq"))
    ...     [call.usage.input_tokens for call in ledger.calls(request_type="faq")]
    [1200]
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.tally = Tally("ledger", "pass")
        self._database = Database(path, LAYOUT)
        self._names = Names()
        self._behind = WriteBehind(self._write, self.tally)

    @property
    def path(self) -> str:
        """Where it is."""
        return str(self._database.path)

    def record(self, call: Call) -> None:
        """Keep a call; it is written behind."""
        self._behind.put(call)

    def flush(self) -> bool:
        """Wait until what was recorded is written; whether it is."""
        return self._behind.flush()

    def calls(
        self,
        since: float | None = None,
        until: float | None = None,
        request_type: str | None = None,
    ) -> Iterator[Call]:
        """In the order of time; `since` is included, `until` is not (seconds since 1970)."""
        self.flush()
        end = float("inf") if until is None else until
        at, number = float("-inf") if since is None else since, -1
        while True:
            with self._database.reading() as db:
                given = (at, number, end, request_type, request_type, _PAGE)
                rows = db.execute(_SELECT, given).fetchall()
                page = [call_of(db, one, self._names) for one in rows]
            yield from page
            if len(rows) < _PAGE:
                return
            number, at = rows[-1][0], rows[-1][2]

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.flush()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, calls: Sequence[Call]) -> None:
        try:
            with self._database.writing() as db:
                names = (name for call in calls for name in names_in(call))
                numbers = self._names.numbers(db, names)
                db.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", texts_in(calls))
                db.executemany(INSERT, [row(call, numbers) for call in calls])
        except BaseException:
            self._names.forget()
            raise
