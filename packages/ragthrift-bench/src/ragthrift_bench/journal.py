"""Attempts kept on disk as they are made, so that a run that was cut goes on where it was."""

import json
import logging
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ragthrift_bench.attempts import Attempt, from_json, to_json
from ragthrift_bench.cases import Case, cases_hash

log = logging.getLogger(__name__)


class Journal:
    """The attempts of one configuration, a line each, in a file named by `key`.

    `key` must say everything that changes an attempt but the case itself. A line is written whole
    before the next begins; one that was cut off by a crash is asked again. Safe for threads.
    """

    def __init__(self, folder: Path, key: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{sha256(key.encode()).hexdigest()[:32]}.jsonl"
        self._lock = threading.Lock()
        self._kept = dict(_lines(self.file))

    def get(self, case: Case) -> Attempt | None:
        """The attempt at a case, `None` where there was none."""
        return self._kept.get(cases_hash([case]))

    def add(self, case: Case, attempt: Attempt) -> None:
        """Keep an attempt."""
        digest = cases_hash([case])
        line = json.dumps({"case": digest, "attempt": to_json(attempt)}) + "\n"
        with self._lock, self.file.open("a", encoding="utf-8") as file:
            file.write(line)
            self._kept[digest] = attempt


def _lines(file: Path) -> Iterator[tuple[str, Attempt]]:
    if not file.exists():
        return
    text = file.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):
        with file.open("a", encoding="utf-8") as cut:
            cut.write("\n")
    for number, line in enumerate(text.splitlines(), 1):
        try:
            raw = json.loads(line)
            yield raw["case"], from_json(raw["attempt"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("%s:%d cannot be read and is asked again: %r", file, number, error)
