"""vLLM's offline batches: a file of requests in, a file of answers out."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ragthrift.batch.batch_folder import BatchFolder
from ragthrift.batch.chat_form import chat_body
from ragthrift.batch.pace import Pace
from ragthrift.batch.provider import Limits, Line, Sending, Status
from ragthrift.batch.request import BatchRequest
from ragthrift.ledger.call import Processing

Run = Callable[[Path, Path], object]
"""`(requests, answers)`: runs a file to its end."""
PACE = Pace(first=2.0, longest=60.0, settle=0.0)
LIMITS = Limits(requests=50_000, bytes=200_000_000)
"""vLLM names none and holds a file in memory: OpenAI's."""


class VLLMBatches:
    """Files for `vllm run-batch`, in OpenAI's form, and the answers that it writes.

    Without `run` the files lie in `folder` until somebody runs them, on this machine or on one
    that shares the folder:

        vllm run-batch -i TOKEN.requests.jsonl -o TOKEN.answers.jsonl --model MODEL

    With `run=run_vllm("MODEL")`, or any function that takes the two paths, that is done here, while
    the job is polled. A batch has ended when each request has its line.
    """

    name = ""
    processing: Processing = "standard"

    def __init__(
        self,
        model: str,
        folder: str | os.PathLike[str],
        *,
        run: Run | None = None,
        options: Mapping[str, object] | None = None,
        limits: Limits = LIMITS,
        pace: Pace = PACE,
    ) -> None:
        self.model, self.limits, self.pace = model, limits, pace
        self._files, self._run, self._options = BatchFolder(folder), run, dict(options or {})

    def describe(self) -> Mapping[str, str]:
        """The kind, the model and the folder."""
        return {"kind": "vllm", "model": self.model, "folder": str(self._files.path)}

    def body(self, request: BatchRequest) -> Mapping[str, object]:
        """The body of a chat completion."""
        return chat_body(request, self.model, self._options)

    def upload(self, sending: Sending) -> str:
        """Write the file of requests."""
        return self._files.write(sending)

    def find_upload(self, sending: Sending) -> str | None:
        """The file of requests, if it is there."""
        return self._files.find(sending)

    def mark(self) -> str:
        """Not needed: the file's name tells the batches apart."""
        return ""

    def create(self, sending: Sending, upload: str) -> str:  # noqa: ARG002 - both are the token
        """Nothing: the file is the batch."""
        return upload

    def find_batch(self, sending: Sending) -> str | None:
        """The file of requests, if it is there."""
        return self._files.find(sending)

    def status(self, batch: str) -> Status:
        """Whether each request has its line; runs the file first where a `run` was given."""
        wanted = self._files.count(batch)
        if self._run and self._answered(batch) < wanted:
            self._run(self._files.requests(batch), self._files.answers(batch))
            return Status("ended")
        return Status("ended" if self._answered(batch) >= wanted else "running")

    def results(self, batch: str) -> Iterator[Line]:
        """The lines of the file of answers."""
        return self._files.read(batch)

    def cancel(self, batch: str) -> None:
        """Take the requests away if nobody answered them yet; a run that began goes on."""
        if not self._files.answers(batch).exists():
            self._files.answers(batch).write_text("")
            self._files.requests(batch).write_text("")

    def _answered(self, batch: str) -> int:
        return sum(1 for _ in self._files.read(batch))


def run_vllm(model: str, *arguments: str) -> Run:
    """Run files by the vLLM that is installed beside this Python; it loads the model each time.

    `arguments` are those of the engine, such as `"--max-model-len", "8192"`.
    """

    def run(requests: Path, answers: Path) -> None:
        module = [sys.executable, "-m", "vllm.entrypoints.openai.run_batch"]
        files = ["-i", str(requests), "-o", str(answers)]
        subprocess.run([*module, *files, "--model", model, *arguments], check=True)  # noqa: S603

    return run
