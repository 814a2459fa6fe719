"""A real HTTP server on the loopback interface that behaves as a provider's documents say."""

import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

KEY = "the-key"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] | None = None


class Api(Protocol):
    def answer(self, asked: Asked) -> Reply: ...


@dataclass
class Fault:
    """What goes wrong with requests whose method and path fit, so many times."""

    fits: str
    """A regular expression over "POST /v1/batches"."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: str = ""
    """"before" the provider did anything, "after" it did, or "half" way through the answer."""
    then: Callable[[], object] | None = None
    times: int = 1
    after_calls: int = 0
    """How many fitting requests are let through first."""


class Loopback:
    """Serves an API; counts requests, and lets them fail as told."""

    def __init__(self, api: Api) -> None:
        self.api, self.faults, self.seen = api, list[Fault](), Counter[str]()
        self._lock = threading.Lock()
        outer = self

        class OneRequest(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.serve(self, b"")

            def do_POST(self) -> None:
                outer.serve(self, self.rfile.read(int(self.headers.get("content-length", 0))))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), OneRequest)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in request.headers.items()}
        what = f"{request.command} {parts.path}"
        with self._lock:
            self.seen[what] += 1
            fault = next((fault for fault in self.faults if self._strikes(fault, what)), None)
            if fault and (fault.status or fault.drop == "before"):
                reply = Reply(fault.status or 0, {"error": {"message": "scripted"}}, fault.headers)
            else:
                reply = self.api.answer(Asked(request.command, parts.path, query, headers, body))
        half = bool(fault and fault.drop == "half")
        if half:
            self._send(request, reply, half=True)
        if fault and fault.then:
            fault.then()
        if fault and fault.drop:
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
        else:
            self._send(request, reply)

    def _strikes(self, fault: Fault, what: str) -> bool:
        if not re.fullmatch(fault.fits, what) or fault.times < 1:
            return False
        if fault.after_calls:
            fault.after_calls -= 1
            return False
        fault.times -= 1
        return True

    def _send(self, request: BaseHTTPRequestHandler, reply: Reply, *, half: bool = False) -> None:
        text = json.dumps(reply.body) if reply.lines is None else "\n".join((*reply.lines, ""))
        sent = text.encode()
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.send_header("content-length", str(len(sent)))
        request.end_headers()
        request.wfile.write(sent[: len(sent) // 2] if half else sent)
