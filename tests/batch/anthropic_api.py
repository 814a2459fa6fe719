"""Anthropic's Message Batches as their reference describes them."""

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.batch.loopback import KEY, Asked, Reply

MOST_REQUESTS, MOST_BYTES, PAGE = 100_000, 256_000_000, 20
CUSTOM_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


class AnthropicApi:
    """`plans` says by question what comes of it, one word for each time it is asked: "ok",
    "expired", "canceled", or the type of an error. `ran` counts how often each was run."""

    def __init__(self) -> None:
        self.batches: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, list[dict[str, Any]]] = {}
        self.outcomes: dict[str, tuple[str, ...]] = {}
        self.plans: dict[str, list[str]] = {}
        self.ran: Counter[str] = Counter()
        self.looks_needed = 2
        self.looks: Counter[str] = Counter()
        self.now = datetime.now(UTC)
        self.random = random.Random(0)

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("x-api-key") != KEY:
            return _wrong(401, "authentication_error", "invalid x-api-key")
        if not asked.headers.get("anthropic-version"):
            return _wrong(400, "invalid_request_error", "anthropic-version: header is required")
        if not asked.path.startswith("/v1/messages/batches"):
            return _wrong(404, "not_found_error", "Not found")
        steps = asked.path.removeprefix("/v1/messages/batches").strip("/").split("/")
        if steps == [""]:
            return self._create(asked) if asked.method == "POST" else self._page(asked)
        batch = self.batches.get(steps[0])
        if batch is None:
            return _wrong(404, "not_found_error", "Batch not found")
        return self._about(batch, steps[1:])

    def _about(self, batch: dict[str, Any], steps: list[str]) -> Reply:
        ended = batch["processing_status"] == "ended"
        if steps == ["results"]:
            if not ended:
                return _wrong(404, "not_found_error", "The results are not available yet")
            return Reply(lines=self.outcomes[batch["id"]])
        if steps == ["cancel"]:
            if ended:
                return _wrong(400, "invalid_request_error", "The batch has ended")
            batch["processing_status"] = "canceling"
        else:
            self.looks[batch["id"]] += 1
            if not ended and self.looks[batch["id"]] >= self.looks_needed:
                self.finish(batch["id"])
        return Reply(body=batch)

    def _create(self, asked: Asked) -> Reply:
        if len(asked.body) > MOST_BYTES:
            return _wrong(413, "request_too_large", "Request exceeds the maximum size")
        requests = asked.json().get("requests")
        if not isinstance(requests, list) or not 1 <= len(requests) <= MOST_REQUESTS:
            return _wrong(400, "invalid_request_error", "requests: 1 to 100000 items")
        ids = [request.get("custom_id") or "" for request in requests]
        if len(set(ids)) < len(ids) or not all(map(CUSTOM_ID.match, ids)):
            return _wrong(400, "invalid_request_error", "custom_id: must be unique, and match")
        return Reply(body=self.add(requests))

    def add(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        made = f"msgbatch_{len(self.batches):04}"
        self.now += timedelta(seconds=1)
        self.requests[made] = requests
        self.batches[made] = {
            "id": made, "type": "message_batch", "processing_status": "in_progress",
            "request_counts": dict.fromkeys(COUNTS, 0) | {"processing": len(requests)},
            "created_at": self.now.isoformat().replace("+00:00", "Z"),
            "expires_at": (self.now + timedelta(hours=24)).isoformat(), "ended_at": None,
            "cancel_initiated_at": None, "archived_at": None, "results_url": None,
        }  # fmt: skip
        return self.batches[made]

    def finish(self, batch_id: str) -> None:
        batch = self.batches[batch_id]
        canceled = batch["processing_status"] == "canceling"
        counts = Counter[str]()
        lines = []
        for request in self.requests[batch_id]:
            result = self._result(request["params"], canceled=canceled)
            counts[result["type"]] += 1
            lines.append(json.dumps({"custom_id": request["custom_id"], "result": result}))
        self.random.shuffle(lines)
        self.outcomes[batch_id] = tuple(lines)
        batch["processing_status"] = "ended"
        batch["request_counts"] = dict.fromkeys(COUNTS, 0) | counts
        batch["results_url"] = f"https://elsewhere.example/{batch_id}/results"

    def _result(self, params: dict[str, Any], *, canceled: bool) -> dict[str, Any]:
        if canceled:
            return {"type": "canceled"}
        wrong = next((f for f in ("model", "max_tokens", "messages") if not params.get(f)), None)
        if wrong:  # the parameters are looked at when the request is run
            return _errored("invalid_request_error", f"{wrong}: Field required")
        question = params["messages"][-1]["content"][-1]["text"]
        fate = (self.plans.get(question) or ["ok"]).pop(0)
        if fate == "expired":
            return {"type": "expired"}
        if fate != "ok":
            return _errored(fate, "scripted")
        self.ran[question] += 1
        return {"type": "succeeded", "message": _message(params, question)}

    def _page(self, asked: Asked) -> Reply:
        """The newest first."""
        found = list(reversed(self.batches.values()))
        ids = [one["id"] for one in found]
        begin = ids.index(asked.query["after_id"]) + 1 if "after_id" in asked.query else 0
        size = min(int(asked.query.get("limit", 20)), PAGE)
        page = found[begin : begin + size]
        for one in page:  # time passes
            self._about(one, [])
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        more = begin + size < len(found)
        return Reply(body={"data": page, "has_more": more, **ends})


def _message(params: dict[str, Any], question: str) -> dict[str, Any]:
    said = f"About {question}"
    if (params.get("output_config") or {}).get("format"):
        said = json.dumps({"answer": said})
    content: list[dict[str, Any]] = [{"type": "text", "text": said}]
    if params.get("tools"):
        call = {"type": "tool_use", "id": "toolu_1", "name": params["tools"][0]["name"]}
        content.append({**call, "input": {"day": 1}})
    usage = {
        "input_tokens": 600, "cache_read_input_tokens": 300, "cache_creation_input_tokens": 100,
        "output_tokens": 50, "service_tier": "batch",
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 100},
    }  # fmt: skip
    reason = "tool_use" if params.get("tools") else "end_turn"
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": params["model"],
        "content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage,
    }  # fmt: skip


def _errored(kind: str, message: str) -> dict[str, Any]:
    error = {"type": kind, "message": message}
    return {"type": "errored", "error": {"type": "error", "error": error, "request_id": None}}


def _wrong(status: int, kind: str, message: str) -> Reply:
    return Reply(status, {"type": "error", "error": {"type": kind, "message": message}})
