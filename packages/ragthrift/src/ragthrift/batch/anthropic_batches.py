"""Anthropic's Message Batches."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from ragthrift.batch.http_service import HttpService, seconds_of
from ragthrift.batch.messages_form import messages_body, read_message
from ragthrift.batch.pace import NotNowError, Pace
from ragthrift.batch.provider import Limits, Line, Sending, Status
from ragthrift.batch.request import BatchRequest
from ragthrift.errors import InputError
from ragthrift.ledger.call import Processing
from ragthrift.ledger.reading_usage import read_usage
from ragthrift.usage import Usage

ADDRESS = "https://api.anthropic.com"
VERSION = "2023-06-01"
LIMITS = Limits(requests=100_000, bytes=256_000_000)
"""Of one batch; Anthropic's guide to batch processing, read in November 2026."""
_BATCHES = "/v1/messages/batches"
_PAGE = 100
_PASSING = frozenset({"api_error", "overloaded_error", "rate_limit_error", "timeout_error"})
"""Types of errors that are not the request's fault."""
_CLOCKS_DIFFER = 3600.0


class AnthropicBatches:
    """Batches of messages at half the price, within 24 hours; most end within one.

    The key is `ANTHROPIC_API_KEY` and the address `ANTHROPIC_BASE_URL` where none is given. Needs
    `ragthrift[batch]`.

    Anthropic takes no idempotency key and no metadata for a batch, and shows the custom ids only
    when it has ended. So before a submission the newest batch of the workspace is noted; if the
    submission is not confirmed, ours can only be a batch that is newer, has as many requests, and
    is not known as another. One that has ended is told by its first custom id. While one is still
    running, nobody can tell, and nothing is submitted again before it has ended. What cannot be
    known: whether a batch that somebody deleted in that time was ours.

    Results are kept for 29 days after the creation.
    """

    name = "anthropic"
    processing: Processing = "batch"

    def __init__(
        self,
        model: str,
        *,
        max_tokens: int = 1024,
        api_key: str | None = None,
        base_url: str | None = None,
        options: Mapping[str, object] | None = None,
        limits: Limits = LIMITS,
        pace: Pace | None = None,
    ) -> None:
        """Set up a provider; `max_tokens` is for requests that set none.

        `options` are further fields of each request, such as `cache_control` or `thinking`.
        """
        key = api_key or os.environ.get("ANTHROPIC_API_KEY")
        if not key:
            raise InputError("AnthropicBatches needs a key: pass api_key, or set ANTHROPIC_API_KEY")
        address = base_url or os.environ.get("ANTHROPIC_BASE_URL") or ADDRESS
        self.model, self.limits, self.pace = model, limits, pace or Pace()
        self._max_tokens, self._options = max_tokens, dict(options or {})
        headers = {"x-api-key": key, "anthropic-version": VERSION}
        self._http = HttpService("Anthropic", address, headers)

    def describe(self) -> Mapping[str, str]:
        """The kind, the model and the address; not the key."""
        return {"kind": "anthropic", "model": self.model, "base_url": self._http.address}

    def body(self, request: BatchRequest) -> Mapping[str, object]:
        """The parameters of a message."""
        return messages_body(request, self.model, self._max_tokens, self._options)

    def upload(self, sending: Sending) -> str:  # noqa: ARG002 - the requests go with the batch
        """Nothing: a batch holds its requests."""
        return ""

    def find_upload(self, sending: Sending) -> str | None:  # noqa: ARG002 - there is none
        """Nothing was uploaded."""
        return ""

    def mark(self) -> str:
        """The newest batch of the workspace, "" where there is none."""
        newest = self._http.get(_BATCHES, limit=1).get("data") or []
        return str(newest[0]["id"]) if newest else ""

    def create(self, sending: Sending, upload: str) -> str:  # noqa: ARG002 - there is none
        """Send all requests in one body."""
        with tempfile.TemporaryFile() as file:
            file.write(b'{"requests": [')
            for at, (custom_id, body) in enumerate(sending.lines()):
                begin = ", " if at else ""
                file.write(f'{begin}{{"custom_id": "{custom_id}", "params": {body}}}'.encode())
            file.write(b"]}")
            size = file.tell()
            file.seek(0)
            headers = {"content-type": "application/json", "content-length": str(size)}
            made = self._http.post(_BATCHES, content=file, headers=headers)
        if not isinstance(made.get("id"), str):
            raise NotNowError(f"Anthropic's answer has no id: {json.dumps(made)[:200]}")
        return str(made["id"])

    def find_batch(self, sending: Sending) -> str | None:
        """Among the batches that are newer than the mark, by count and custom ids."""
        unsure = []
        for batch in self._newer(sending):
            if batch["id"] in sending.known or _count(batch) != sending.count:
                continue
            if batch.get("processing_status") != "ended":
                unsure.append(batch["id"])
            elif self._is_of(batch["id"], sending):
                return str(batch["id"])
        if unsure:
            raise NotNowError(
                f"a batch was sent to Anthropic and not confirmed; it may be {unsure[0]}, which "
                "tells its custom ids when it has ended, so nothing is sent again until then"
            )
        return None

    def status(self, batch: str) -> Status:
        """Statuses are in_progress, canceling and ended."""
        ended = self._http.get(f"{_BATCHES}/{batch}").get("processing_status") == "ended"
        return Status("ended" if ended else "running")

    def results(self, batch: str) -> Iterator[Line]:
        """The lines of the results, in any order."""
        for text in self._http.lines(f"{_BATCHES}/{batch}/results"):
            if line := read_result(text):
                yield line

    def cancel(self, batch: str) -> None:
        """Requests that have begun are ended first, and billed."""
        self._http.post_unless_ended(f"{_BATCHES}/{batch}/cancel")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _newer(self, sending: Sending) -> Iterator[dict[str, Any]]:
        after: object = None
        while True:
            page = self._http.get(_BATCHES, limit=_PAGE, after_id=after)
            found = page.get("data") or []
            for batch in found:
                made = seconds_of(batch.get("created_at"))
                if batch["id"] == sending.mark or made < sending.begun_at - _CLOCKS_DIFFER:
                    return
                yield batch
            if not found or not page.get("has_more"):
                return
            after = page.get("last_id") or found[-1]["id"]

    def _is_of(self, batch: str, sending: Sending) -> bool:
        first = next(self.results(batch), None)
        return first is not None and first.custom_id.startswith(sending.token)


def read_result(text: str) -> Line | None:
    """What a line of the results says; `None` for one that is no such line.

    >>> read_result('{"custom_id": "a-1", "result": {"type": "expired"}}').again
    True
    """
    try:
        told = json.loads(text)
        custom_id, result = str(told["custom_id"]), told["result"]
        kind = result["type"]
    except (ValueError, KeyError, TypeError):
        return None
    if kind == "succeeded":
        return _answered(custom_id, result["message"])
    if kind == "expired":
        return Line(custom_id, error="expired: it was not sent within 24 hours", again=True)
    if kind == "canceled":
        return Line(custom_id, error="canceled: before it was sent", cancelled=True)
    error = result.get("error") or {}
    error = error.get("error") or error
    said = f"{error.get('type')}: {error.get('message')}"
    return Line(custom_id, error=said, again=error.get("type") in _PASSING)


def _answered(custom_id: str, message: Mapping[str, Any]) -> Line:
    try:
        billed = read_usage(message.get("usage"), "anthropic")
        completion = read_message(message, billed.usage if billed else Usage())
    except (KeyError, TypeError) as error:
        return Line(custom_id, error=f"an answer that cannot be read: {error!r}")
    return Line(custom_id, completion, usage=message.get("usage"))


def _count(batch: Mapping[str, Any]) -> int:
    return sum((batch.get("request_counts") or {}).values())
