"""A server that answers as it is told, byte by byte: what a real one does on a bad day."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[[socket.socket], None]


@dataclass
class Scripted:
    """Each call gets the next answer; `calls` holds what was asked, as (path, body)."""

    url: str
    calls: list[tuple[str, Any]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)


@contextmanager
def scripted(*answers: Answer) -> Iterator[Scripted]:
    """A server on loopback for as many calls as there are answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Scripted(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
        thread = threading.Thread(target=_serve, args=(listening, answers, served), daemon=True)
        thread.start()
        yield served
        thread.join(10)
        assert not thread.is_alive(), f"only {len(served.calls)} of {len(answers)} calls came"


def _serve(listening: socket.socket, answers: Sequence[Answer], served: Scripted) -> None:
    for answer in answers:
        line, _ = listening.accept()
        with line:
            served.calls.append(_read(line))
            try:
                answer(line)
            except ConnectionError:
                served.hung_up.set()


def _read(line: socket.socket) -> tuple[str, Any]:
    with line.makefile("rb") as incoming:
        path = incoming.readline().split()[1].decode()
        length = 0
        while header := incoming.readline().strip():
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        content = incoming.read(length)
    return path, json.loads(content) if content else None


def status(code: int, body: object, *headers: str) -> Answer:
    """A whole reply; a body that is a text goes as it is."""
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {code} Told", f"Content-Length: {len(content)}", *headers, "", ""]
    return lambda line: line.sendall("\r\n".join(lines).encode() + content)


def reset(line: socket.socket) -> None:
    """Break the connection without a word."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def events(*chunks: object, done: bool = True) -> bytes:
    """Server-sent events."""
    texts = [json.dumps(chunk, ensure_ascii=False) for chunk in chunks] + ["[DONE]"] * done
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def stream(*pieces: bytes, end: bool = True) -> Answer:
    """The bytes of a stream, one HTTP chunk for each piece; cut off without an `end`."""

    def answer(line: socket.socket) -> None:
        line.sendall(HEAD)
        for piece in pieces:
            line.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        if end:
            line.sendall(b"0\r\n\r\n")

    return answer


def words(*texts: str, reason: str | None = "stop", **usage: Any) -> list[dict[str, Any]]:
    """Chunks of an answer with its usage."""
    counts = {"prompt_tokens": 7, "completion_tokens": len(texts), **usage}
    return [
        {"choices": [{"delta": {"role": "assistant", "content": None}}]},
        *({"choices": [{"delta": {"content": text}, "finish_reason": None}]} for text in texts),
        {"choices": [{"delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": counts},
    ]
