"""A server on this machine that answers and bills as OpenAI's and Anthropic's APIs do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

ANSWER = "Soup is at noon."
OPENAI_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 340,
    "total_tokens": 1540,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 256, "audio_tokens": 0},
}
ANTHROPIC_USAGE = {
    "input_tokens": 50,
    "cache_read_input_tokens": 3000,
    "cache_creation_input_tokens": 2000,
    "cache_creation": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 1500},
    "output_tokens": 80,
}


class _Provider(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        asked = json.loads(self.rfile.read(length))
        anthropic = self.path.endswith("/messages")
        if asked["messages"][-1]["content"] == "fail":
            self._send(400, "application/json", b'{"error": {"message": "no", "type": "bad"}}')
        elif asked.get("stream"):
            events = _anthropic_events() if anthropic else _openai_events(asked)
            self._send(200, "text/event-stream", "".join(events).encode())
        else:
            whole = _anthropic_whole() if anthropic else _openai_whole()
            self._send(200, "application/json", json.dumps(whole).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _openai_whole() -> dict[str, Any]:
    message = {"role": "assistant", "content": ANSWER}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5-mini-2025-08-07",
        "service_tier": "default",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": OPENAI_USAGE,
    }


def _openai_events(asked: dict[str, Any]) -> Iterator[str]:
    def event(delta: dict[str, Any], reason: str | None = None, **more: Any) -> str:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        chunk = {**_openai_whole(), "object": "chat.completion.chunk", "choices": choices}
        return f"data: {json.dumps({**chunk, 'usage': None, **more})}\n\n"

    yield event({"role": "assistant", "content": ""})
    for word in ANSWER.split():
        yield event({"content": f"{word} "})
    yield event({}, "stop")
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield event({}, choices=[], usage=OPENAI_USAGE)
    yield "data: [DONE]\n\n"


def _anthropic_whole() -> dict[str, Any]:
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE,
    }


def _anthropic_events() -> Iterator[str]:
    def event(kind: str, **more: Any) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"

    begun = {**_anthropic_whole(), "content": [], "stop_reason": None}
    begun["usage"] = {**ANTHROPIC_USAGE, "output_tokens": 1}
    yield event("message_start", message=begun)
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for word in ANSWER.split():
        delta = {"type": "text_delta", "text": f"{word} "}
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    used = {key: n for key, n in ANTHROPIC_USAGE.items() if key != "cache_creation"}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    yield event("message_delta", delta=ended, usage=used)
    yield event("message_stop")


@contextmanager
def provider() -> Iterator[str]:
    """The server's address while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
