"""Values elsewhere whose entries were removed from the file."""

from collections.abc import Sequence

from ragthrift.cache.schema import APART
from ragthrift.database import Database


class Outbox:
    """Keys that the file's trigger notes, whichever process removed the entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self) -> None:
        """Begin to note them."""
        with self._database.writing() as db:
            for statement in APART:
                db.execute(statement)

    def some(self, most: int) -> list[str]:
        """Up to so many keys."""
        with self._database.reading() as db:
            return [key for (key,) in db.execute("SELECT value FROM dropped LIMIT ?", (most,))]

    def done(self, keys: Sequence[str]) -> None:
        """These values are deleted."""
        with self._database.writing() as db:
            db.executemany("DELETE FROM dropped WHERE value = ?", [(key,) for key in keys])
