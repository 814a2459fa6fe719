"""OpenAI's batch API, and servers that offer the same."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from ragthrift.batch.chat_form import CHAT, chat_body
from ragthrift.batch.file_lines import read_line, write_lines
from ragthrift.batch.http_service import HttpService, seconds_of
from ragthrift.batch.pace import NotNowError, Pace
from ragthrift.batch.provider import Limits, Line, Sending, Status
from ragthrift.batch.request import BatchRequest
from ragthrift.errors import InputError
from ragthrift.ledger.call import Processing

ADDRESS = "https://api.openai.com/v1"
LIMITS = Limits(requests=50_000, bytes=200_000_000)
"""Of one input file; OpenAI's reference of `batches.create`, read in November 2026."""
_OURS = "ragthrift"
"""The key of the metadata that holds a batch's token; at most 16 keys, values up to 512 signs."""
_PAGE = 100
_RUNNING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_FULL = "token_limit_exceeded"
"""More tokens are queued than the organisation may queue: the file is good, later."""
_CLOCKS_DIFFER = 3600.0


class OpenAIBatches:
    """Batches of chat completions at half the price, within 24 hours.

    The key is `OPENAI_API_KEY` and the address `OPENAI_BASE_URL` where none is given. Needs
    `ragthrift[batch]`. A batch carries its token in its metadata, and its file in its name, so that
    one whose creation was not confirmed is found in the provider's list, and surely.

    One batch asks one model. Statuses: validating, failed, in_progress, finalizing, completed,
    expired, cancelling, cancelled. Files of results are kept for 30 days.
    """

    name = "openai"
    processing: Processing = "batch"

    def __init__(
        self,
        model: str,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        options: Mapping[str, object] | None = None,
        limits: Limits = LIMITS,
        pace: Pace | None = None,
    ) -> None:
        """`options` are further fields of each request, such as `reasoning_effort`."""
        key = api_key or os.environ.get("OPENAI_API_KEY")
        if not key:
            raise InputError("OpenAIBatches needs a key: pass api_key, or set OPENAI_API_KEY")
        address = base_url or os.environ.get("OPENAI_BASE_URL") or ADDRESS
        self.model, self.limits, self.pace = model, limits, pace or Pace()
        self._options = dict(options or {})
        self._http = HttpService("OpenAI", address, {"Authorization": f"Bearer {key}"})

    def describe(self) -> Mapping[str, str]:
        """The kind, the model and the address; not the key."""
        return {"kind": "openai", "model": self.model, "base_url": self._http.address}

    def body(self, request: BatchRequest) -> Mapping[str, object]:
        """The body of a chat completion."""
        return chat_body(request, self.model, self._options)

    def upload(self, sending: Sending) -> str:
        """Upload the requests as a file; its id."""
        with tempfile.TemporaryFile() as file:
            write_lines(file, sending.lines())
            file.seek(0)
            made = self._http.post(
                "/files",
                data={"purpose": "batch"},
                files={"file": (_file_name(sending), file, "application/jsonl")},
            )
        return _id_of(made)

    def find_upload(self, sending: Sending) -> str | None:
        """By the name of the file."""
        name = _file_name(sending)
        for file in self._listed("/files", sending.begun_at, purpose="batch"):
            if file.get("filename") == name:
                return str(file["id"])
        return None

    def mark(self) -> str:
        """Not needed: metadata tell the batches apart."""
        return ""

    def create(self, sending: Sending, upload: str) -> str:
        """Make a batch of an uploaded file, with the token in its metadata."""
        asked = {
            "input_file_id": upload,
            "endpoint": CHAT,
            "completion_window": "24h",
            "metadata": {_OURS: sending.token},
        }
        return _id_of(self._http.post("/batches", json=asked))

    def find_batch(self, sending: Sending) -> str | None:
        """By the token in the metadata."""
        for batch in self._listed("/batches", sending.begun_at):
            if (batch.get("metadata") or {}).get(_OURS) == sending.token:
                return str(batch["id"])
        return None

    def status(self, batch: str) -> Status:
        """Expired and cancelled batches have ended, too: what was answered is there."""
        told = self._http.get(f"/batches/{batch}")
        status = told.get("status")
        if status in _RUNNING:
            return Status("running")
        if status != "failed":
            return Status("ended")
        wrong = (told.get("errors") or {}).get("data") or []
        said = [f"{error.get('code')}: {error.get('message')}" for error in wrong]
        lines = {
            int(error["line"]) - 1: text
            for error, text in zip(wrong, said, strict=True)
            if error.get("line")
        }
        again = bool(wrong) and all(error.get("code") == _FULL for error in wrong)
        return Status("failed", "; ".join(said[:3]) or "no reason was given", lines, again)

    def results(self, batch: str) -> Iterator[Line]:
        """The lines of the output file and of the error file."""
        told = self._http.get(f"/batches/{batch}")
        for name in ("output_file_id", "error_file_id"):
            if file := told.get(name):
                for text in self._http.lines(f"/files/{file}/content"):
                    if line := read_line(text):
                        yield line

    def cancel(self, batch: str) -> None:
        """It takes up to 10 minutes."""
        self._http.post_unless_ended(f"/batches/{batch}/cancel")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _listed(self, path: str, since: float, **params: object) -> Iterator[dict[str, Any]]:
        """What was made since a moment, the newest first; clocks may differ by an hour."""
        after: object = None
        while True:
            page = self._http.get(path, limit=_PAGE, after=after, **params)
            found = page.get("data") or []
            for one in found:
                if seconds_of(one.get("created_at")) < since - _CLOCKS_DIFFER:
                    return
                yield one
            if not found or not page.get("has_more"):
                return
            after = found[-1]["id"]


def _file_name(sending: Sending) -> str:
    return f"ragthrift-{sending.token}.jsonl"


def _id_of(made: Mapping[str, Any]) -> str:
    made_id = made.get("id")
    if not isinstance(made_id, str):
        raise NotNowError(f"OpenAI's answer has no id: {json.dumps(made)[:200]}")
    return made_id
