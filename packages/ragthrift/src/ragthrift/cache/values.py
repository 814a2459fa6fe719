"""Answers in a key-value store, apart from the keys, vectors and evidence by which they are found.

A row whose answer lies apart holds the value's key and the answer's digest in its place, and an
empty `extra`, which no other row has. The row's checksum is that of the whole entry: a value that
is missing or another one is seen and not served.
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ragthrift.cache.entry import Written
from ragthrift.cache.rows import COLUMNS

log = logging.getLogger(__name__)

KEY_BYTES = 16
DELETED_AT_ONCE = 500
_ANSWER, _EXTRA = (COLUMNS.split(", ").index(name) for name in ("answer", "extra"))


class Values(Protocol):
    """A key-value store; keys are letters and digits, and used once."""

    def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """The values in the order of their keys; `None` for what is not there."""
        ...

    def put(self, values: Mapping[str, bytes]) -> None:
        """Keep values; what is kept may vanish at any time."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Forget values; some may be gone already."""
        ...


class Outbox(Protocol):
    """Keys of the values of removed entries, until they are deleted."""

    def some(self, most: int) -> list[str]:
        """Up to so many keys."""
        ...

    def done(self, keys: Sequence[str]) -> None:
        """These values are deleted."""
        ...


class Apart:
    """Moves the answers of rows to `values` and back; without `values` all stay inside."""

    def __init__(self, values: Values | None, outbox: Outbox) -> None:
        self._values, self._outbox = values, outbox

    def written(self, row: dict[str, Any], said: bytes, write: Callable[[str], Written]) -> Written:
        """What `write` says, given the key of the value that was put away first, or nothing.

        Value before row: no row is ever seen without its value. A value that nobody came to own is
        taken back.
        """
        if self._values is None:
            return write("")
        answer, extra, key = row["answer"], row["extra"] or b"", secrets.token_bytes(KEY_BYTES)
        row["answer"], row["extra"] = key + said, b""
        self._values.put({key.hex(): len(answer).to_bytes(4, "big") + answer + extra})
        verdict: Written | None = None
        try:
            verdict = write(key.hex())
        finally:
            if verdict != "stored":
                self._values.delete([key.hex()])
        self.tidy()
        return verdict

    def together(self, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """Rows of `COLUMNS` with their answers; one whose value is missing stays as it is."""
        keys = {
            at: row[_ANSWER][:KEY_BYTES].hex()
            for at, row in enumerate(rows)
            if row[_EXTRA] == b"" and isinstance(row[_ANSWER], bytes)
        }
        whole = list(rows)
        if not keys or self._values is None:
            return whole
        for at, value in zip(keys, self._values.get(list(keys.values())), strict=True):
            if isinstance(value, bytes):
                end = 4 + int.from_bytes(value[:4], "big")
                whole[at] = row = list(rows[at])
                row[_ANSWER], row[_EXTRA] = value[4:end], value[end:] or None
        return whole

    def tidy(self) -> None:
        """Delete the values of removed entries; what fails now is tried again at the next write."""
        if self._values is None:
            return
        try:
            while keys := self._outbox.some(DELETED_AT_ONCE):
                self._values.delete(keys)
                self._outbox.done(keys)
        except Exception:
            log.warning("values of removed answers could not be deleted yet", exc_info=True)


def stands_for(kept: object, said: bytes) -> bool:
    """Whether what is in place of an answer that lies apart stands for one of this digest."""
    return isinstance(kept, bytes) and kept[KEY_BYTES:] == said
