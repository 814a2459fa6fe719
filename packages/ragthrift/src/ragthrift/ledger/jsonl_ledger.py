"""A ledger in a text file, one call a line: read, joined and searched with any tool."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from ragthrift.errors import InputError
from ragthrift.failures import Tally
from ragthrift.ledger.call import Call
from ragthrift.ledger.json_form import packed, unpacked
from ragthrift.ledger.write_behind import WriteBehind


class JsonlLedger:
    """A file of lines, as `ragthrift.ledger.json_form.packed` makes them; several may append.

    A line that a killed process left broken is passed over and counted in `tally` as "broken", as
    is what could not be written, as "lost". Nothing is raised by `record`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = str(Path(path).absolute())
        self.tally = Tally("ledger", "pass")
        try:
            with open(self.path, "ab"):
                pass
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}") from error
        self._behind = WriteBehind(self._write, self.tally)

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
        """In the order of the file; `since` is included, `until` is not (seconds since 1970)."""
        self.flush()
        with open(self.path, "rb") as file:
            for number, line in enumerate(file, 1):
                call = self._call(line, number)
                if (
                    call is not None
                    and (since is None or call.at >= since)
                    and (until is None or call.at < until)
                    and request_type in (None, call.request_type)
                ):
                    yield call

    def close(self) -> None:
        """Write what waits."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, line: bytes, number: int) -> Call | None:
        if not line.strip():
            return None
        try:
            return unpacked(json.loads(line))
        except (ValueError, AttributeError) as error:  # an InputError is a ValueError, too
            self.tally.warn("broken", f"line {number} of {self.path} is passed over: {error}")
            return None

    def _write(self, calls: Sequence[Call]) -> None:
        lines = [json.dumps(packed(call), separators=(",", ":")) for call in calls]
        with _locked(self.path) as file:
            size = os.fstat(file).st_size
            whole = not size or os.pread(file, 1, size - 1) == b"\n"
            left = memoryview((("" if whole else "\n") + "\n".join(lines) + "\n").encode())
            try:
                while left:
                    left = left[os.write(file, left) :]
            except OSError:
                os.ftruncate(file, size)
                raise


@contextmanager
def _locked(path: str) -> Iterator[int]:
    """A file to append to, that no other process writes meanwhile (nor on one without `flock`)."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        try:
            import fcntl
        except ImportError:
            pass
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)
