"""A folder in which each batch is a file of requests, and beside it one of answers."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ragthrift.batch.file_lines import read_line, write_lines
from ragthrift.batch.provider import Line, Sending


class BatchFolder:
    """Files in the form of OpenAI's batches, which vLLM reads and writes.

    A file of requests appears whole or not at all, so that its name says that it is there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()

    def requests(self, token: str) -> Path:
        """The file of a batch's requests."""
        return self.path / f"{token}.requests.jsonl"

    def answers(self, token: str) -> Path:
        """The file of a batch's answers."""
        return self.path / f"{token}.answers.jsonl"

    def write(self, sending: Sending) -> str:
        """Write the requests; the batch's token."""
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.path, suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            write_lines(file, sending.lines())
        Path(name).replace(self.requests(sending.token))
        return sending.token

    def find(self, sending: Sending) -> str | None:
        """The token, if the requests are there."""
        return sending.token if self.requests(sending.token).is_file() else None

    def read(self, token: str) -> Iterator[Line]:
        """The answers that are there; a last line that is still being written is left out."""
        file = self.answers(token)
        if not file.is_file():
            return
        with file.open(encoding="utf-8") as lines:
            for text in lines:
                if text.endswith("\n") and (line := read_line(text)):
                    yield line

    def count(self, token: str) -> int:
        """How many requests a batch has."""
        with self.requests(token).open("rb") as lines:
            return sum(1 for line in lines if line.strip())
