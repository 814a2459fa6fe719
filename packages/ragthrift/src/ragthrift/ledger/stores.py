"""Where calls are kept."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from ragthrift.errors import InputError
from ragthrift.ledger.call import Call
from ragthrift.ledger.jsonl_ledger import JsonlLedger
from ragthrift.ledger.sqlite_ledger import SqliteLedger

_LINES = (".jsonl", ".ndjson")
_TABLES = (".db", ".sqlite", ".sqlite3")


@runtime_checkable
class Ledger(Protocol):
    """Keeps calls; never raises into who records them."""

    def record(self, call: Call) -> None:
        """Keep a call."""
        ...

    def calls(
        self,
        since: float | None = None,
        until: float | None = None,
        request_type: str | None = None,
    ) -> Iterator[Call]:
        """Those from `since` to before `until` (seconds since 1970), one at a time."""
        ...

    def flush(self) -> bool:
        """Wait until what was recorded is kept; whether it is."""
        ...

    def close(self) -> None:
        """Flush, and end."""
        ...


def open_ledger(path: str | os.PathLike[str]) -> JsonlLedger | SqliteLedger:
    """By the file's suffix: `.jsonl` or `.ndjson` are lines, `.db` and `.sqlite` a database.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open_ledger(f"{folder}/calls.jsonl") as kept:
    ...     type(kept).__name__
    'JsonlLedger'
    """
    suffix = Path(path).suffix.lower()
    if suffix in _LINES:
        return JsonlLedger(path)
    if suffix in _TABLES:
        return SqliteLedger(path)
    raise InputError(
        f"{os.fspath(path)} must end in one of {', '.join((*_LINES, *_TABLES))} to be a ledger"
    )
