"""OpenAI's files and batches as its reference describes them."""

import json
import random
import re
from collections import Counter
from email.parser import BytesParser
from typing import Any

from tests.batch.loopback import KEY, Asked, Reply

RUNNING = ("validating", "in_progress", "finalizing")
MOST_REQUESTS, MOST_BYTES, PAGE = 50_000, 200_000_000, 20


class OpenAIApi:
    """`plans` says by question what comes of it, one word for each time it is asked: "ok", a
    status such as "500", "expired", "missing". `ran` counts how often each was run."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, str] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.plans: dict[str, list[str]] = {}
        self.refuse: list[list[dict[str, Any]]] = []
        """Errors with which the next batches fail as a whole."""
        self.ran: Counter[str] = Counter()
        self.most_requests = MOST_REQUESTS
        self.clock = 1_800_000_000
        self.random = random.Random(0)

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return _wrong(401, "Incorrect API key provided", "invalid_api_key")
        steps = asked.path.removeprefix("/v1/").split("/")
        if steps[0] == "files":
            return self._files(asked, steps)
        if steps[0] == "batches":
            return self._batches(asked, steps)
        return _wrong(404, "Invalid URL")

    def _files(self, asked: Asked, steps: list[str]) -> Reply:
        if len(steps) == 3:
            text = self.contents.get(steps[1])
            return (
                _wrong(404, "No such File")
                if text is None
                else Reply(lines=tuple(text.splitlines()))
            )
        if asked.method == "GET":
            return self._page(asked, self.files)
        form = _form(asked)
        if form.get("purpose", ("", b""))[1] != b"batch" or "file" not in form:
            return _wrong(400, "'purpose' and 'file' are required")
        name, content = form["file"]
        if len(content) > MOST_BYTES:
            return _wrong(413, "The file is too large")
        return Reply(body=self._keep_file(name, content.decode(), "batch"))

    def _keep_file(self, name: str, text: str, purpose: str) -> dict[str, Any]:
        made = f"file-{len(self.files):04}"
        self.contents[made] = text
        self.files[made] = {
            "id": made, "object": "file", "filename": name, "purpose": purpose,
            "bytes": len(text), "created_at": self._tick(),
        }  # fmt: skip
        return self.files[made]

    def _batches(self, asked: Asked, steps: list[str]) -> Reply:
        if len(steps) == 1:
            return (
                self._create(asked) if asked.method == "POST" else self._page(asked, self.batches)
            )
        batch = self.batches.get(steps[1])
        if batch is None:
            return _wrong(404, f"No batch found with id '{steps[1]}'.")
        if steps[2:] == ["cancel"]:
            if batch["status"] not in RUNNING:
                return _wrong(409, f"Cannot cancel a batch with status '{batch['status']}'.")
            batch["status"] = "cancelling"
        else:
            self._go_on(batch)
        return Reply(body=batch)

    def _create(self, asked: Asked) -> Reply:
        told = asked.json()
        metadata = told.get("metadata") or {}
        if told.get("input_file_id") not in self.contents:
            return _wrong(400, "Invalid input_file_id")
        if told.get("endpoint") != "/v1/chat/completions" or told.get("completion_window") != "24h":
            return _wrong(400, "Invalid endpoint or completion_window")
        if len(metadata) > 16 or any(len(k) > 64 or len(v) > 512 for k, v in metadata.items()):
            return _wrong(400, "Invalid metadata")
        made = f"batch_{len(self.batches):04}"
        self.batches[made] = {
            "id": made, "object": "batch", "status": "validating", "metadata": metadata,
            "input_file_id": told["input_file_id"], "output_file_id": None, "error_file_id": None,
            "errors": None, "created_at": self._tick(),
        }  # fmt: skip
        return Reply(body=self.batches[made])

    def _go_on(self, batch: dict[str, Any]) -> None:
        """Each look finds the batch one status further."""
        status = batch["status"]
        if status == "validating":
            wrong = self._validate(batch)
            batch["status"] = "failed" if wrong else "in_progress"
            batch["errors"] = {"object": "list", "data": wrong} if wrong else None
        elif status == "in_progress":
            batch["status"] = "finalizing"
        elif status in ("finalizing", "cancelling"):
            self._finish(batch, cancelled=status == "cancelling")

    def _validate(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        if self.refuse:
            return self.refuse.pop(0)
        lines = self._requests(batch)
        ids = [line["custom_id"] for line in lines]
        models = {line["body"]["model"] for line in lines}
        if len(lines) > self.most_requests or len(set(ids)) < len(ids) or len(models) > 1:
            return [{"code": "invalid_file", "message": "limits", "line": None, "param": None}]
        return []

    def _requests(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.contents[batch["input_file_id"]].splitlines()]

    def _finish(self, batch: dict[str, Any], *, cancelled: bool) -> None:
        good, bad = list[str](), list[str]()
        expired = False
        for line in self._requests(batch):
            question = line["body"]["messages"][-1]["content"]
            plan = self.plans.get(question) or ["ok"]
            fate = "cancelled" if cancelled else plan.pop(0)
            expired = expired or fate == "expired"
            if fate == "ok":
                self.ran[question] += 1
                good.append(_output(line, 200, _chat(line["body"], question)))
            elif fate in ("expired", "cancelled"):
                error = {"code": f"batch_{fate}", "message": "This request was not executed."}
                bad.append(json.dumps(
                    {"custom_id": line["custom_id"], "response": None, "error": error}
                ))  # fmt: skip
            elif fate != "missing":
                wrong = {"message": "scripted", "type": "server_error", "code": None}
                bad.append(_output(line, int(fate), {"error": wrong}))
        self.random.shuffle(good)
        batch["status"] = "cancelled" if cancelled else "expired" if expired else "completed"
        for name, lines in (("output_file_id", good), ("error_file_id", bad)):
            if lines:
                text = "".join(f"{line}\n" for line in lines)
                batch[name] = self._keep_file(name, text, "batch_output")["id"]

    def _page(self, asked: Asked, kept: dict[str, dict[str, Any]]) -> Reply:
        """The newest first."""
        purpose = asked.query.get("purpose")
        found = [one for one in reversed(kept.values()) if purpose in (None, one.get("purpose"))]
        ids = [one["id"] for one in found]
        begin = ids.index(asked.query["after"]) + 1 if "after" in asked.query else 0
        size = min(int(asked.query.get("limit", PAGE)), PAGE)
        page = found[begin : begin + size]
        more = begin + size < len(found)
        return Reply(body={"object": "list", "data": page, "has_more": more})

    def _tick(self) -> int:
        self.clock += 1
        return self.clock


def _chat(body: dict[str, Any], question: str) -> dict[str, Any]:
    said = f"About {question}"
    if "response_format" in body:
        said = json.dumps({"answer": said})
    message: dict[str, Any] = {"role": "assistant", "content": said, "refusal": None}
    if body.get("tools"):
        function = {"name": body["tools"][0]["function"]["name"], "arguments": '{"day": 1}'}
        message |= {"content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": function}
        ]}  # fmt: skip
    usage = {
        "prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }  # fmt: skip
    reason = "tool_calls" if body.get("tools") else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    model = f"{body['model']}-2025-08-07"
    return {"object": "chat.completion", "model": model, "choices": [choice], "usage": usage}


def _output(line: dict[str, Any], status: int, body: object) -> str:
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return json.dumps(
        {"id": "batch_req_1", "custom_id": line["custom_id"], "response": response, "error": None}
    )


def _wrong(status: int, message: str, code: str | None = None) -> Reply:
    error: dict[str, str | None] = {
        "message": message,
        "type": "invalid_request_error",
        "param": None,
        "code": code,
    }
    return Reply(status, {"error": error})


def _form(asked: Asked) -> dict[str, tuple[str, bytes]]:
    """The parts of a multipart body: file name and content by name."""
    head = f"content-type: {asked.headers['content-type']}\r\n\r\n".encode()
    found: dict[str, tuple[str, bytes]] = {}
    for part in BytesParser().parsebytes(head + asked.body).walk():
        told = str(part.get("content-disposition") or "")
        if name := re.search(r'\bname="([^"]*)"', told):
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found[name[1]] = (part.get_filename() or "", content)
    return found
