"""Batches on a model in this process."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from ragthrift.batch.batch_folder import BatchFolder
from ragthrift.batch.chat_form import chat_body, read_request, write_chat
from ragthrift.batch.pace import Pace
from ragthrift.batch.provider import Limits, Line, Sending, Status
from ragthrift.batch.request import BatchRequest
from ragthrift.errors import ContextOverflowError, InputError
from ragthrift.ledger.call import Processing
from ragthrift.protocols import LLM
from ragthrift.types import Completion

PACE = Pace(first=0.05, longest=1.0, settle=0.0)
LIMITS = Limits(requests=10_000, bytes=1_000_000_000)
_AT_FAULT = (InputError, ContextOverflowError, TypeError)
"""Errors of a request that would come again."""


class LocalBatches:
    """The interface of batches over any `LLM`, for example a `ragthrift.local.LocalModel`.

    Requests run in threads of this process, `parallel` at once, and each answer is written to
    `folder` as it comes: after a death only those under way are asked again. Settings beyond
    `max_tokens` and `stop` reach the model where a request sets them; a `LocalModel` takes them
    all. Nothing is billed, so nothing is halved.
    """

    name = ""
    processing: Processing = "standard"

    def __init__(
        self,
        llm: LLM,
        folder: str | os.PathLike[str],
        *,
        model: str = "local",
        parallel: int = 4,
        limits: Limits = LIMITS,
        pace: Pace = PACE,
    ) -> None:
        """Set up a provider; `model` names it, so that a job is taken up by no other.

        For a `LocalModel`, `parallel` is best its `runtime.parallel`.
        """
        if parallel < 1:
            raise InputError(f"parallel={parallel} must be at least 1")
        self.model, self.limits, self.pace = model, limits, pace
        self._llm, self._files, self._parallel = llm, BatchFolder(folder), parallel
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()

    def describe(self) -> Mapping[str, str]:
        """The kind, the model and the folder."""
        return {"kind": "local", "model": self.model, "folder": str(self._files.path)}

    def body(self, request: BatchRequest) -> Mapping[str, object]:
        """The body of a chat completion."""
        return chat_body(request, self.model, {})

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
        """Begin to answer."""
        self.status(upload)
        return upload

    def find_batch(self, sending: Sending) -> str | None:
        """The file of requests, if it is there."""
        return self._files.find(sending)

    def status(self, batch: str) -> Status:
        """Begins, or goes on after a death, where nothing runs yet."""
        with self._lock:
            if batch not in self._running:
                self._running[batch] = _Running(self._files, batch, self._ask, self._parallel)
            return self._running[batch].status()

    def results(self, batch: str) -> Iterator[Line]:
        """The lines of the file of answers."""
        return self._files.read(batch)

    def cancel(self, batch: str) -> None:
        """Answers under way are waited for; no further one begins."""
        with self._lock:
            if running := self._running.get(batch):
                running.cancelled.set()

    def close(self) -> None:
        """Begin nothing more; what is under way ends."""
        with self._lock:
            for running in self._running.values():
                running.stopped.set()

    def _ask(self, body: Mapping[str, Any]) -> Completion:
        messages, settings = read_request(body)
        return self._llm.complete(messages, **settings)


class _Running:
    """A thread that answers what a file asks and has no answer yet."""

    def __init__(
        self,
        files: BatchFolder,
        token: str,
        ask: Callable[[Mapping[str, Any]], Completion],
        parallel: int,
    ) -> None:
        self._files, self._token, self._ask, self._parallel = files, token, ask, parallel
        self.cancelled, self.stopped = threading.Event(), threading.Event()
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"batch-{token}", daemon=True)
        self._thread.start()

    def status(self) -> Status:
        if self._thread.is_alive():
            return Status("running")
        if self._broken is not None:
            raise self._broken
        return Status("ended")

    def _run(self) -> None:
        try:
            self._answer_all()
        except Exception as error:  # noqa: BLE001 - it is raised where the status is asked
            self._broken = error

    def _answer_all(self) -> None:
        with self._files.requests(self._token).open(encoding="utf-8") as lines:
            asked = {told["custom_id"]: told["body"] for told in map(json.loads, lines)}
        for line in self._files.read(self._token):
            asked.pop(line.custom_id, None)
        with (
            self._files.answers(self._token).open("a+b") as file,
            ThreadPoolExecutor(self._parallel) as threads,
        ):
            if file.tell() and not _ends_whole(file):
                file.write(b"\n")
            calls = [threads.submit(self._line, custom_id, asked[custom_id]) for custom_id in asked]
            for call in as_completed(calls):
                if (answered := call.result()) is not None:
                    file.write(json.dumps(answered).encode() + b"\n")
                    file.flush()

    def _line(self, custom_id: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        if self.stopped.is_set():
            return None
        if self.cancelled.is_set():
            cancelled = {"code": "batch_cancelled", "message": "before it was asked"}
            return {"custom_id": custom_id, "response": None, "error": cancelled}
        try:
            answer = write_chat(self._ask(body))
        except Exception as error:  # noqa: BLE001 - one prompt that fails does not end the others
            status = 400 if isinstance(error, _AT_FAULT) else 500
            failed = {"code": type(error).__name__, "message": str(error)}
            return {"custom_id": custom_id, "response": {"status_code": status}, "error": failed}
        return {"custom_id": custom_id, "response": {"status_code": 200, "body": answer}}


def _ends_whole(file: Any) -> bool:
    """Whether the last line was written to its end before a death."""
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")
